/* SPDX-License-Identifier: MIT */
/*
 * host: the one host of the API, dom0's own machine. Its reference is its UUID, which stays the
 * same over restarts of the daemon and of the machine.
 */
#ifndef XAPID_HOST_H
#define XAPID_HOST_H

/* 36 characters and a NUL; the same for the life of the process. Never NULL. */
const char *host_ref(void);

#endif
