/* SPDX-License-Identifier: MIT */
/*
 * What the toolstack asks of the whole domain: control/shutdown in its home. We say which requests
 * we know (control/feature-*), watch the node, and take a request by emptying the node, all as the
 * ABI's other guests do. The kernel decides what becomes of it.
 */
#ifndef FRONTENDS_CONTROL_H
#define FRONTENDS_CONTROL_H

#include "frontends/store.h"

enum control_request {
    CONTROL_NONE,
    CONTROL_POWEROFF, /* "poweroff", "halt" */
    CONTROL_REBOOT,
};

struct control {
    struct store *store;
    struct store_watch watch;
};

/* Announces poweroff and reboot, and begins to watch. *c stays where it is until control_close().
 */
int control_open(struct control *c, struct store *s);
void control_close(struct control *c);
/* The request that has come since the last call and is now acknowledged, or CONTROL_NONE, or a
 * negative errno of the store (then ask again, but for -XEN_EIO). A request we do not know is
 * logged and left. */
int control_poll(struct control *c);
/* Waits, by os_wait(), for a request or for the deadline: as control_poll(). */
int control_wait(struct control *c, uint64_t deadline);

#endif
