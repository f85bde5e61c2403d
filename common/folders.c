/* SPDX-License-Identifier: MIT */
/* Folders: see folders.h. */
#include "common/folders.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int make_one(const char *path)
{
    int err;

    if (mkdir(path, 0755) == 0)
        return 0;
    err = errno; /* a read-only root says EROFS of folders that are there */
    if (is_folder(path))
        return 0;
    errno = err == EEXIST ? ENOTDIR : err;
    return -1;
}

/* All folders of path that a '/' follows, and the last one too if told. */
static int make_all(const char *path, bool last)
{
    char copy[512];

    if (*path == '\0' || strlen(path) >= sizeof(copy)) {
        errno = *path == '\0' ? ENOENT : ENAMETOOLONG;
        return -1;
    }
    strcpy(copy, path);
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (make_one(copy) != 0)
            return -1;
        *p = '/';
    }
    return last ? make_one(copy) : 0;
}

int make_folders(const char *path)
{
    return make_all(path, true);
}

int make_folders_above(const char *path)
{
    return make_all(path, false);
}
