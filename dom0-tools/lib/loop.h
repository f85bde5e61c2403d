/* SPDX-License-Identifier: MIT */
/*
 * Loop devices: a block device over a file, for the kernel's block backend. The device is set to
 * detach itself when its last user closes it, so that a tool that dies in the middle leaves none
 * behind: whoever attaches it must hold the descriptor until the backend has opened the device.
 */
#ifndef BONSAI_LOOP_H
#define BONSAI_LOOP_H

#include "dom0-tools/lib/failure.h"

#include <stdbool.h>

struct loop {
    int fd;        /* of /dev/loopN, close-on-exec; close it when the backend has the device */
    int number;    /* N */
    char path[24]; /* "/dev/loopN" */
};

/* Attaches a free loop device to file, past the page cache where the file system can. 0, or -1 with
 * a sentence. */
int loop_attach(const char *file, bool readonly, struct loop *out, struct failure *why);

/* Waits for loop device N to have let its file go. 0, or -1 with a sentence. */
int loop_wait_free(int number, int timeout_ms, struct failure *why);

#endif
