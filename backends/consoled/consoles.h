/* SPDX-License-Identifier: MIT */
/*
 * All consoles: which there are is asked of the hypervisor, by consoles_refresh(), whenever the
 * store tells of a domain's coming or going. Fairness between guests is kept here: each has a turn,
 * see console.h.
 *
 * One thread. The caller sets shared.now before it calls, and polls: inotify, evtchn, and the
 * masters of all consoles.
 */
#ifndef CONSOLED_CONSOLES_H
#define CONSOLED_CONSOLES_H

#include "backends/consoled/console.h"

struct consoles {
    struct consoled shared; /* filled in by the caller */
    struct console *first;
    uint64_t mark, turn_end;
};

/* Compares the hypervisor's list of domains with ours; what is gone is read to its end. -1 with
 * errno when the hypervisor gives no list, or there is no memory. */
int consoles_refresh(struct consoles *s);
/* Removes what earlier daemons left of domains that are gone; after the first refresh. */
void consoles_sweep(struct consoles *s);
/* An event came. true: it may come again; false: later, we unmask it then. */
bool consoles_port(struct consoles *s, uint32_t port);
/* Somebody opened or closed a terminal: reads shared.inotify. */
void consoles_attached(struct consoles *s);
/* What time brings: the next turn, another try, the end of what is over. -1 as consoles_refresh. */
int consoles_tick(struct consoles *s);
/* Milliseconds until consoles_tick() is wanted, -1: not at all. */
int consoles_timeout(const struct consoles *s);
/* Log files have been moved away. */
void consoles_reopen_logs(struct consoles *s);
/* Takes what is in the rings and lets go of everything. */
void consoles_stop(struct consoles *s);

#endif
