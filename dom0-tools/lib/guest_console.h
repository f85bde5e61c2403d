/* SPDX-License-Identifier: MIT */
/*
 * The toolstack's part in losing nothing that a guest prints: a guest first runs when a console
 * daemon holds its ring, and is destroyed when the daemon has emptied it. Both waits are short and
 * end in vain where there is no daemon.
 */
#ifndef BONSAI_GUEST_CONSOLE_H
#define BONSAI_GUEST_CONSOLE_H

#include "dom0-tools/lib/guest.h"

#define GUEST_CONSOLE_MS 5000

/* The terminal that a daemon offers for the guest's console, malloc'ed; waits for it. NULL with
 * errno: ETIMEDOUT when there is none in time, ENOENT when there is no such domain. */
char *guest_console_terminal(struct store *s, uint32_t domid, int timeout_ms);

/* Waits until what the guest printed has been taken off its ring; it should not run. */
void guest_console_drain(struct toolstack *t, uint32_t domid, int timeout_ms);

#endif
