/* SPDX-License-Identifier: MIT */
/*
 * Becoming a daemon whose starter learns whether it is ready: the parent waits for daemon_ready()
 * and exits 0, or exits 1 when the child ends first.
 */
#ifndef BACKENDS_DAEMON_H
#define BACKENDS_DAEMON_H

#include <stdbool.h>

/* Forks unless `foreground`; the child goes on, in its own session. -1 with errno. */
int daemon_start(bool foreground);
/* Writes the pid file when given, tells the parent and systemd (NOTIFY_SOCKET), lets go of the
 * terminal. -1 with errno when the pid file cannot be written. */
int daemon_ready(const char *pid_file);

#endif
