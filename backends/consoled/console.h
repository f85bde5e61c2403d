/* SPDX-License-Identifier: MIT */
/*
 * The PV console of one guest: a ring shared with it, a terminal for whoever attaches, a log.
 *
 *   absent    the guest's store nodes are not there yet: tried again at every event
 *   open      ring mapped, event channel bound, terminal named in console/tty
 *   broken    the guest wrote nonsense into the ring's indexes: said once; its text stays readable,
 * the ring is no longer touched
 *
 * Every index is read once into a local and judged; the guest may write any of them at any time.
 */
#ifndef CONSOLED_CONSOLE_H
#define CONSOLED_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/consoled/backlog.h"
#include "backends/consoled/guest_log.h"

struct hv;
struct store;
struct xencons_interface;

/* What all consoles share. */
struct consoled {
    struct store *store;
    struct hv *hv;
    int evtchn, gntdev; /* descriptors; gntdev -1: foreign mappings only */
    const char *log_folder;
    bool log_guests;
};

struct console {
    struct console *next;
    const struct consoled *c;
    uint16_t domid;
    bool open, broken;
    struct xencons_interface *ring;
    bool by_grant;
    uint64_t grant_index;
    uint32_t port;     /* local */
    int master, slave; /* the terminal; -1 */
    struct backlog unread;
    struct guest_log log;
    uint64_t seen; /* mark of the last listing of domains */
};

struct console *console_new(const struct consoled *c, uint16_t domid);
void console_free(struct console *k);
/* Tries to go from absent to open. 0 when open; 1: not yet; -1: cannot be, said on stderr. */
int console_open(struct console *k);
/* Moves what the guest printed to log, terminal and backlog; from the terminal to the guest what
 * fits. */
void console_serve(struct console *k);
/* poll() events wanted on k->master. */
short console_poll_events(const struct console *k);

#endif
