/* SPDX-License-Identifier: MIT */
/*
 * A guest's disk, from its specification to a backend that serves it. Which backends there are is a
 * table in disk.c. The kernel's block backend takes a block device as it is and a raw file through
 * a loop device, which ends with the backend's use of it; bonsai-blkd takes both as they are. With
 * the backend in another domain only the nodes are written: that domain does the rest.
 */
#ifndef BONSAI_DISK_H
#define BONSAI_DISK_H

#include "dom0-tools/lib/device.h"
#include "dom0-tools/lib/spec.h"

/* In the backend's directory, the file behind a loop device. Params names the loop device then:
 * Xen's tools, when they end such a guest, would detach a loop device again that is gone by itself.
 */
#define DISK_FILE_NODE "file"

/* Makes the target's path whole: under /dev when it is there, else from the working directory. For
 * a target in this domain. 0, or -1 when out of memory. */
int disk_complete(struct disk_spec *d, struct failure *why);

/* Whether this disk can be served, before anything is made: the backend is available, the target is
 * there, can be opened, and is nobody else's to write. remote: the backend is in another domain,
 * which owns the target. 0, or -1 with a sentence. */
int disk_check(struct store *s, const struct disk_spec *d, bool remote, struct failure *why);

/* Publishes the disk for domid and returns when its backend holds the target. On failure the nodes
 * may be there: end them with device_remove(). *device is filled in first. */
int disk_attach(struct store *s, uint32_t domid, uint32_t backend_domid, const struct disk_spec *d,
                struct device *device, struct failure *why);

#endif
