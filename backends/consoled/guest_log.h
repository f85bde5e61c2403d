/* SPDX-License-Identifier: MIT */
/*
 * A console's log file, LOGDIR/guest-NAME.log, appended to across restarts of guest and daemon.
 * When it has grown past 16 MiB it becomes guest-NAME.log.1 (the one before is lost), so that a
 * guest that prints for ever fills no disk.
 */
#ifndef CONSOLED_GUEST_LOG_H
#define CONSOLED_GUEST_LOG_H

#include <stddef.h>
#include <stdint.h>

struct guest_log {
    int fd; /* -1: none */
    char path[512];
    uint64_t size;
};

/* -1 with errno; a '/' in the name is written as '_'. */
int guest_log_open(struct guest_log *l, const char *folder, const char *name);
/* A failed write is reported once on stderr and closes the log; the console itself goes on. */
void guest_log_write(struct guest_log *l, const char *p, size_t n);
void guest_log_close(struct guest_log *l);

#endif
