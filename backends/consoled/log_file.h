/* SPDX-License-Identifier: MIT */
/*
 * A log that loses nothing it can keep: LOGDIR/NAME.log, appended to byte for byte across restarts
 * of guest and daemon. When it has grown past 16 MiB it becomes NAME.log.1 (the one before is
 * gone), so that a guest that prints for ever fills no disk. A file that somebody removed is made
 * again; one that was moved, when log_file_reopen() says so.
 *
 *   well       every write reaches the file
 *   troubled   the disk is full, the folder gone, ...: said once on stderr; what comes waits in
 *              memory (1 MiB, then the oldest goes) and is tried again every 5 s; the gap, if
 *              there is one, is marked in the file
 *
 * Times are milliseconds of one monotonic clock, given by the caller.
 */
#ifndef CONSOLED_LOG_FILE_H
#define CONSOLED_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "backends/consoled/backlog.h"

#define LOG_FILE_RETRY_MS 5000u

struct log_file {
    char path[512]; /* "": nothing is logged */
    int fd;         /* -1: not open */
    uint64_t size;
    struct backlog unwritten;
    int error;         /* that made trouble; 0: well */
    uint64_t retry_ms; /* troubled: not before */
};

/* One that logs nothing. */
void log_file_none(struct log_file *l);
/* -1 with errno when the path is too long; a file that cannot be opened is trouble, not an error.
 * What is no part of a file's name is written as '_'. */
int log_file_open(struct log_file *l, const char *folder, const char *name, uint64_t now);
void log_file_write(struct log_file *l, const char *p, size_t n, uint64_t now);
/* When trouble is over, writes what waits. */
void log_file_retry(struct log_file *l, uint64_t now);
/* The file by that name from now on: somebody has moved the old one. */
void log_file_reopen(struct log_file *l, uint64_t now);
/* Adds the last n bytes, as far as they are still there, of what was logged. */
void log_file_tail(const struct log_file *l, size_t n, struct backlog *to);
/* After a last try; what cannot be written is counted on stderr. */
void log_file_close(struct log_file *l);

#endif
