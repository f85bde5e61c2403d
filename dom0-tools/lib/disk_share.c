/* SPDX-License-Identifier: MIT */
/*
 * Looking for another user of a disk, by the backend directories of this domain; see disk_share.h.
 * The nodes are dom0's own: guests cannot write them.
 */
#include "dom0-tools/lib/disk_share.h"
#include "dom0-tools/lib/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BACKENDS "/local/domain/0/backend"

static const char *const kinds[] = {"vbd", "qdisk"};

static bool same(const struct stat *a, const struct stat *b)
{
    if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
        return a->st_rdev == b->st_rdev;
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Params may have a format before the path ("aio:/path"). */
static const char *path_in(const char *params)
{
    const char *slash = strchr(params, '/');

    return slash != NULL ? slash : params;
}

/* Whether the disk in that backend directory stands in the way. */
static bool conflicts(struct store *s, const char *back, const struct stat *mine, bool readonly)
{
    char *file = store_readf(s, STORE_NO_TX, "%s/" DISK_FILE_NODE, back);
    char *target = file != NULL ? file : store_readf(s, STORE_NO_TX, "%s/params", back);
    char *mode = store_readf(s, STORE_NO_TX, "%s/mode", back);
    struct stat other;
    bool found = target != NULL && *path_in(target) == '/' && stat(path_in(target), &other) == 0 &&
                 same(mine, &other) && (!readonly || (mode != NULL && strchr(mode, 'w') != NULL));

    free(target);
    free(mode);
    return found;
}

static int check_domain(struct store *s, const struct disk_spec *d, const struct stat *mine,
                        const char *kind, const char *domid, struct failure *why)
{
    char **ids = store_directoryf(s, STORE_NO_TX, NULL, BACKENDS "/%s/%s", kind, domid);
    int rc = 0;

    for (char **id = ids; id != NULL && *id != NULL && rc == 0; id++) {
        char name[32] = "", back[128];

        snprintf(back, sizeof(back), BACKENDS "/%s/%s/%s", kind, domid, *id);
        if (!conflicts(s, back, mine, d->readonly))
            continue;
        vdev_name((uint32_t)strtoul(*id, NULL, 10), name);
        rc = fail(why, EBUSY,
                  "disk %s: %s is in use as %s of domain %s (access w! permits it, if the guests "
                  "know)",
                  d->vdev, d->target, name, domid);
    }
    free(ids);
    return rc;
}

static int check_kind(struct store *s, const struct disk_spec *d, const struct stat *mine,
                      const char *kind, struct failure *why)
{
    char **domids = store_directoryf(s, STORE_NO_TX, NULL, BACKENDS "/%s", kind);
    int rc = 0;

    for (char **domid = domids; domid != NULL && *domid != NULL && rc == 0; domid++)
        rc = check_domain(s, d, mine, kind, *domid, why);
    free(domids);
    return rc;
}

int disk_check_share(struct store *s, const struct disk_spec *d, struct failure *why)
{
    struct stat mine;
    int rc = 0;

    if (d->shared)
        return 0;
    if (stat(d->target, &mine) != 0)
        return fail(why, errno, "disk %s: cannot use %s: %s", d->vdev, d->target, strerror(errno));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && rc == 0; i++)
        rc = check_kind(s, d, &mine, kinds[i], why);
    return rc;
}
