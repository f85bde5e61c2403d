/* SPDX-License-Identifier: MIT */
/*
 * What the daemon says: lines on stderr until it has gone to the background, syslog after; and, on
 * demand, a trace of every message into a file.
 */
#ifndef XENSTORE_LOG_H
#define XENSTORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_to_syslog(void);

/* The trace: its file (opened when on; an errno when that fails), and whether it is on. */
int log_trace_file(const char *path);
int log_trace(bool on);
extern bool log_tracing;
/* One message: dir is "in" or "out", who names the connection. */
void log_message(const char *dir, const char *who, const char *what, uint32_t tx, const char *body,
                 size_t len);

#endif
