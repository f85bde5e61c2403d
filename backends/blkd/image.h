/* SPDX-License-Identifier: MIT */
/*
 * Disk images: a raw file or a block device, opened past the page cache (O_DIRECT) where that can
 * be, else through it, which is said once.
 *
 * A writable image is opened once however many disks are on it, and locked (flock, exclusive). The
 * lock belongs to the open file, which the kernel keeps until the last of its I/O has ended, even
 * when the process is dead. So a successor that has the lock knows that none of its predecessor's
 * writes can land any more. Reading needs no lock.
 */
#ifndef BLKD_IMAGE_H
#define BLKD_IMAGE_H

#include "backends/blkd/io.h"
#include "dom0-tools/lib/failure.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct image {
    struct image *next; /* of all that are open */
    unsigned int users;
    dev_t device; /* identity: a block device's number and inode 0, or a file's */
    ino_t inode;
    bool is_device, writable, direct, locked;
    struct io_file file;
    uint64_t sectors;        /* of 512 bytes */
    uint32_t block_bytes;    /* logical block, at least 512 */
    uint32_t physical_bytes; /* physical block */
    uint32_t discard_bytes;  /* what can be given back at a time */
};

/* NULL with a sentence. Not yet locked. */
struct image *image_open(const char *path, bool writable, struct failure *why);
/* 0: locked, or needs no lock; 1: somebody holds it (try again); -1 with a sentence. */
int image_lock(struct image *image, struct failure *why);
void image_close(struct image *image); /* no I/O may be under way */

#endif
