/* SPDX-License-Identifier: MIT */
/* Small files; see files.h. */
#include "dom0-tools/xapid/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0, or -1 with half a sentence. */
static int judge(const struct stat *st, size_t max, bool secret, struct failure *why)
{
    if (!S_ISREG(st->st_mode))
        return fail(why, EINVAL, "it is no plain file");
    if (secret && (st->st_uid != geteuid() || (st->st_mode & 077)))
        return fail(why, EPERM,
                    "it must be a file of the daemon's own user that nobody else may read or write "
                    "(chmod 600)");
    if ((size_t)st->st_size > max)
        return fail(why, EFBIG, "it is longer than %zu bytes", max);
    return 0;
}

/* What is there of it, up to size bytes; NULL with half a sentence. */
static char *read_text(int fd, size_t size, struct failure *why)
{
    char *text = malloc(size + 1);
    size_t len = 0;
    ssize_t n = 1;

    if (text == NULL) {
        fail(why, ENOMEM, "out of memory");
        return NULL;
    }
    while (len < size && n != 0) {
        n = read(fd, text + len, size - len);
        if (n < 0 && errno != EINTR) {
            fail(why, errno, "it cannot be read: %s", strerror(errno));
            free(text);
            return NULL;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    text[len] = '\0';
    return text;
}

char *file_read(int folder, const char *name, size_t max, bool secret, struct failure *why)
{
    const int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    char *text = NULL;

    if (fd < 0 || fstat(fd, &st) != 0)
        fail(why, errno, "it cannot be read: %s", strerror(errno));
    else if (judge(&st, max, secret, why) == 0)
        text = read_text(fd, (size_t)st.st_size, why);
    if (fd >= 0)
        close(fd);
    return text;
}

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        text += n;
        left -= (size_t)n;
    }
    return fsync(fd);
}

/* Another name for the old one, so that it can be put back. 1: there is none; -1 with errno. */
static int keep_old(int folder, const char *name, const char *old)
{
    unlinkat(folder, old, 0); /* of a process that was killed */
    if (linkat(folder, name, folder, old, 0) == 0)
        return 0;
    return errno == ENOENT ? 1 : -1;
}

/* Gives the written file its name, and flushes that. 0, or -1 with a sentence. */
static int put_in_place(int folder, const char *path, const char *name, const char *temporary,
                        struct failure *why)
{
    char old[NAME_MAX + 1];
    int none, err = 0;

    snprintf(old, sizeof(old), ".%s.old", name); /* as long as .new, which fits */
    none = keep_old(folder, name, old);
    if (none < 0 || renameat(folder, temporary, folder, name) != 0) {
        fail(why, errno, "cannot write %s/%s: %s", path, name, strerror(errno));
        unlinkat(folder, temporary, 0);
        unlinkat(folder, old, 0);
        return -1;
    }
    if (fsync(folder) == 0) {
        unlinkat(folder, old, 0);
        return 0;
    }
    fail(why, errno, "cannot flush %s: %s", path, strerror(errno));
    if (none ? unlinkat(folder, name, 0) : renameat(folder, old, folder, name))
        err = errno;
    if (err != 0)
        fail(why, why->error, "cannot flush %s (%s), nor put back what was in %s (%s)", path,
             strerror(why->error), name, strerror(err));
    return -1;
}

int file_replace(int folder, const char *path, const char *name, const char *text,
                 struct failure *why)
{
    char temporary[NAME_MAX + 1];
    int fd, err = 0;

    if (snprintf(temporary, sizeof(temporary), ".%s.new", name) >= (int)sizeof(temporary))
        return fail(why, ENAMETOOLONG, "the name is too long: %.40s...", name);
    unlinkat(folder, temporary, 0); /* of a process that was killed */
    fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(why, errno, "cannot write %s/%s: %s", path, temporary, strerror(errno));
    if (write_all(fd, text) != 0)
        err = errno;
    if (close(fd) != 0 && err == 0)
        err = errno;
    if (err == 0)
        return put_in_place(folder, path, name, temporary, why);
    unlinkat(folder, temporary, 0);
    return fail(why, err, "cannot write %s/%s: %s", path, name, strerror(err));
}

int file_remove(int folder, const char *path, const char *name, struct failure *why)
{
    char old[NAME_MAX + 1];

    if (snprintf(old, sizeof(old), ".%s.old", name) >= (int)sizeof(old))
        return fail(why, ENAMETOOLONG, "the name is too long: %.40s...", name);
    if (renameat(folder, name, folder, old) != 0)
        return fail(why, errno, "cannot remove %s/%s: %s", path, name, strerror(errno));
    if (fsync(folder) == 0) {
        unlinkat(folder, old, 0);
        return 0;
    }
    fail(why, errno, "cannot flush %s: %s", path, strerror(errno));
    if (renameat(folder, old, folder, name) != 0)
        fail(why, why->error, "cannot flush %s (%s), nor put back %s (%s)", path,
             strerror(why->error), name, strerror(errno));
    return -1;
}
