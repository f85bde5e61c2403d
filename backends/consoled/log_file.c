/* SPDX-License-Identifier: MIT */
/* Log files: see log_file.h. */
#include "backends/consoled/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATE_AT      (16ull << 20)
#define KEPT_IN_MEMORY (1u << 20)

void log_file_none(struct log_file *l)
{
    *l = (struct log_file){.fd = -1};
}

static int open_file(struct log_file *l)
{
    struct stat st;

    l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (l->fd < 0)
        return -1;
    l->size = fstat(l->fd, &st) ? 0 : (uint64_t)st.st_size;
    return 0;
}

static void close_file(struct log_file *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

static void trouble(struct log_file *l, uint64_t now)
{
    if (errno != l->error)
        fprintf(stderr,
                "bonsai-consoled: %s: %s; up to 1 MiB waits in memory, tried again every %u s\n",
                l->path, strerror(errno), LOG_FILE_RETRY_MS / 1000);
    l->error = errno;
    l->retry_ms = now + LOG_FILE_RETRY_MS;
}

int log_file_open(struct log_file *l, const char *folder, const char *name, uint64_t now)
{
    int n;

    log_file_none(l);
    n = snprintf(l->path, sizeof(l->path), "%s/%s.log", folder, name);
    if (n < 0 || (size_t)n >= sizeof(l->path) - 2) {
        l->path[0] = '\0';
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *p = l->path + strlen(folder) + 1; *p; p++)
        if (*p == '/' || (unsigned char)*p < ' ' || *p == 127)
            *p = '_';
    backlog_init(&l->unwritten, KEPT_IN_MEMORY);
    if (open_file(l))
        trouble(l, now);
    return 0;
}

static void old_path(const struct log_file *l, char old[sizeof(l->path) + 2])
{
    snprintf(old, sizeof(l->path) + 2, "%s.1", l->path);
}

/* As long as it does not work, the file goes on growing. */
static void rotate(struct log_file *l)
{
    char old[sizeof(l->path) + 2];
    const int before = l->fd;

    old_path(l, old);
    if (rename(l->path, old) == 0 && open_file(l) == 0) {
        close(before);
        return;
    }
    fprintf(stderr, "bonsai-consoled: %s cannot be rotated: %s\n", l->path, strerror(errno));
    l->fd = before;
    l->size = 0; /* not again before as much more */
}

/* Sees to a file that exists by its name. */
static int have_file(struct log_file *l)
{
    struct stat st;

    if (l->fd >= 0 && fstat(l->fd, &st) == 0 && st.st_nlink == 0)
        close_file(l);
    return l->fd >= 0 ? 0 : open_file(l);
}

/* How many bytes reached the file; errno tells why not all. */
static size_t put(struct log_file *l, const char *p, size_t n)
{
    size_t done = 0;

    if (have_file(l))
        return 0;
    if (l->size && l->size + n > ROTATE_AT)
        rotate(l);
    while (done < n) {
        ssize_t once = write(l->fd, p + done, n - done);

        if (once < 0 && errno == EINTR)
            continue;
        if (once <= 0)
            break;
        done += (size_t)once;
        l->size += (uint64_t)once;
    }
    return done;
}

static bool mark_gap(struct log_file *l)
{
    char note[128];
    int n;

    if (!l->unwritten.lost)
        return true;
    n = snprintf(note, sizeof(note), "\n[bonsai-consoled: %llu bytes are missing here: %s]\n",
                 (unsigned long long)l->unwritten.lost, strerror(l->error));
    if (put(l, note, (size_t)n) != (size_t)n)
        return false;
    l->unwritten.lost = 0;
    return true;
}

static bool put_waiting(struct log_file *l)
{
    if (have_file(l) || !mark_gap(l))
        return false;
    while (l->unwritten.used) {
        size_t n, done;
        const char *p = backlog_head(&l->unwritten, &n);

        done = put(l, p, n);
        backlog_drop(&l->unwritten, done);
        if (done < n)
            return false;
    }
    return true;
}

void log_file_retry(struct log_file *l, uint64_t now)
{
    if (!l->error || now < l->retry_ms)
        return;
    if (!put_waiting(l)) {
        trouble(l, now);
        return;
    }
    fprintf(stderr, "bonsai-consoled: %s: written again\n", l->path);
    l->error = 0;
    backlog_free(&l->unwritten);
}

void log_file_write(struct log_file *l, const char *p, size_t n, uint64_t now)
{
    size_t done = 0;

    if (!l->path[0] || !n)
        return;
    if (!l->error) {
        done = put(l, p, n);
        if (done == n)
            return;
        trouble(l, now);
    }
    backlog_add(&l->unwritten, p + done, n - done);
    log_file_retry(l, now);
}

void log_file_reopen(struct log_file *l, uint64_t now)
{
    if (!l->path[0])
        return;
    close_file(l);
    if (open_file(l))
        trouble(l, now);
}

/* The last n bytes of a file, fewer when it is shorter. Returns its size. */
static uint64_t tail_of(const char *path, uint64_t n, struct backlog *to)
{
    char text[4096];
    struct stat st = {0};
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && n) {
        const off_t from = (uint64_t)st.st_size > n ? st.st_size - (off_t)n : 0;

        for (off_t at = from; (got = pread(fd, text, sizeof(text), at)) > 0; at += got)
            backlog_add(to, text, (size_t)got);
    }
    close(fd);
    return (uint64_t)st.st_size;
}

void log_file_tail(const struct log_file *l, size_t n, struct backlog *to)
{
    char old[sizeof(l->path) + 2];
    const uint64_t size = tail_of(l->path, 0, to);

    if (!l->path[0])
        return;
    old_path(l, old);
    if (size < n)
        tail_of(old, n - size, to);
    tail_of(l->path, n, to);
}

void log_file_close(struct log_file *l)
{
    if (l->error && !put_waiting(l))
        fprintf(stderr, "bonsai-consoled: %s: %s; %llu bytes are lost\n", l->path, strerror(errno),
                (unsigned long long)(l->unwritten.used + l->unwritten.lost));
    close_file(l);
    backlog_free(&l->unwritten);
    log_file_none(l);
}
