/* SPDX-License-Identifier: MIT */
/*
 * privcmd: Linux's /dev/xen/privcmd, the requests that the toolstack makes of it.
 *
 * The structures and numbers are Linux's interface to user space, which no Debian package offers
 * as a header that can be included here.
 */
#ifndef BONSAI_PRIVCMD_H
#define BONSAI_PRIVCMD_H

#include <assert.h>
#include <stdint.h>
#include <sys/ioctl.h>

struct privcmd_hypercall {
    uint64_t op;
    uint64_t arg[5];
};

struct privcmd_mmapbatch_v2 {
    uint32_t num;
    uint16_t dom;
    uint64_t addr;       /* start of an mmap() of the device */
    const uint64_t *arr; /* frames */
    int *err;            /* 0 or a negative errno for each */
};

struct privcmd_mmap_resource {
    uint16_t dom;
    uint32_t type, id, idx;
    uint64_t num;
    uint64_t addr;
};

_Static_assert(sizeof(struct privcmd_hypercall) == 48, "privcmd_hypercall");
_Static_assert(sizeof(struct privcmd_mmapbatch_v2) == 32, "privcmd_mmapbatch_v2");
_Static_assert(sizeof(struct privcmd_mmap_resource) == 32, "privcmd_mmap_resource");

#define IOCTL_PRIVCMD_HYPERCALL     _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))
#define IOCTL_PRIVCMD_MMAPBATCH_V2  _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mmapbatch_v2))
#define IOCTL_PRIVCMD_MMAP_RESOURCE _IOC(_IOC_NONE, 'P', 7, sizeof(struct privcmd_mmap_resource))

#endif
