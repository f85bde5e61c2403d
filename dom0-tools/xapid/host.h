/* SPDX-License-Identifier: MIT */
/*
 * host: the one host of the API, dom0's own machine. Its reference is its UUID, which stays the
 * same over restarts of the daemon and of the machine.
 */
#ifndef XAPID_HOST_H
#define XAPID_HOST_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/xapid/method.h"

extern const struct method host_parts_methods[]; /* host_metrics.*, host_cpu.* */

/* Reads what is kept of the host in `state`, a folder, or makes it. 0, or -1 with a sentence.
 * Before the first call. */
int host_open(const char *state, struct failure *why);
void host_close(void);

/* 36 characters and a NUL; the same for the life of the process. Never NULL. */
const char *host_ref(void);

#endif
