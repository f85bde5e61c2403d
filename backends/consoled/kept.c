/* SPDX-License-Identifier: MIT */
/* What outlives the daemon: see kept.h. */
#include "backends/consoled/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME "console-"

static const char magic[8] = "console1";

struct kept_file {
    char magic[8];
    uint8_t uuid[16];
    uint64_t unread;
};

static struct kept_file *map_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    void *page = MAP_FAILED;
    int err;

    if (fd < 0)
        return NULL;
    /* a page that the file system cannot back would kill us when it is written */
    err = posix_fallocate(fd, 0, sizeof(struct kept_file));
    if (!err) {
        page = mmap(NULL, sizeof(struct kept_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        err = errno;
    }
    close(fd);
    errno = err;
    return page == MAP_FAILED ? NULL : page;
}

int kept_open(struct kept *k, const char *folder, uint16_t domid, const uint8_t uuid[16],
              uint64_t *unread)
{
    *k = (struct kept){0};
    *unread = 0;
    if ((size_t)snprintf(k->path, sizeof(k->path), "%s/" NAME "%u", folder, domid) >=
        sizeof(k->path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    k->file = map_file(k->path);
    if (!k->file)
        return -1;
    if (!memcmp(k->file->magic, magic, sizeof(magic)) && !memcmp(k->file->uuid, uuid, 16)) {
        *unread = k->file->unread;
        return 0;
    }
    k->file->unread = 0;
    memcpy(k->file->uuid, uuid, 16);
    memcpy(k->file->magic, magic, sizeof(magic));
    return 0;
}

void kept_set(struct kept *k, uint64_t unread)
{
    if (k->file)
        k->file->unread = unread;
}

void kept_belongs(struct kept *k, const uint8_t uuid[16])
{
    if (k->file)
        memcpy(k->file->uuid, uuid, 16);
}

void kept_close(struct kept *k)
{
    if (k->file)
        munmap(k->file, sizeof(*k->file));
    k->file = NULL;
}

void kept_remove(struct kept *k)
{
    if (k->file)
        unlink(k->path);
    kept_close(k);
}

void kept_sweep(const char *folder, bool (*there)(void *arg, uint16_t domid), void *arg)
{
    char pattern[sizeof(((struct kept *)0)->path)], more;
    glob_t found;
    unsigned domid;

    if ((size_t)snprintf(pattern, sizeof(pattern), "%s/" NAME "*", folder) >= sizeof(pattern) ||
        glob(pattern, 0, NULL, &found))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (sscanf(found.gl_pathv[i] + strlen(folder) + 1, NAME "%u%c", &domid, &more) == 1 &&
            domid <= UINT16_MAX && !there(arg, (uint16_t)domid))
            unlink(found.gl_pathv[i]);
    globfree(&found);
}
