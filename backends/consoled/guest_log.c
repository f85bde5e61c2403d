/* SPDX-License-Identifier: MIT */
/* Log files of consoles: see guest_log.h. */
#include "backends/consoled/guest_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATE_AT (16ull << 20)

static int open_file(struct guest_log *l)
{
    struct stat st;

    l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (l->fd < 0)
        return -1;
    l->size = fstat(l->fd, &st) ? 0 : (uint64_t)st.st_size;
    return 0;
}

int guest_log_open(struct guest_log *l, const char *folder, const char *name)
{
    int n = snprintf(l->path, sizeof(l->path), "%s/guest-%s.log", folder, name);

    l->fd = -1;
    if (n < 0 || (size_t)n >= sizeof(l->path) - 2) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *p = l->path + strlen(folder) + 1; *p; p++)
        if (*p == '/')
            *p = '_';
    return open_file(l);
}

static int rotate(struct guest_log *l)
{
    char old[sizeof(l->path) + 2];

    close(l->fd);
    l->fd = -1;
    snprintf(old, sizeof(old), "%s.1", l->path);
    return rename(l->path, old) ? -1 : open_file(l);
}

void guest_log_write(struct guest_log *l, const char *p, size_t n)
{
    if (l->fd >= 0 && l->size + n > ROTATE_AT && rotate(l))
        fprintf(stderr, "bonsai-consoled: %s cannot be rotated: %s\n", l->path, strerror(errno));
    while (l->fd >= 0 && n) {
        ssize_t done = write(l->fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            fprintf(stderr, "bonsai-consoled: writing %s: %s; this console is no longer logged\n",
                    l->path, strerror(errno));
            guest_log_close(l);
            return;
        }
        p += done;
        n -= (size_t)done;
        l->size += (uint64_t)done;
    }
}

void guest_log_close(struct guest_log *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
