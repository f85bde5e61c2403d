/* SPDX-License-Identifier: MIT */
/*
 * The PV console of one guest: a ring shared with it, a terminal for whoever attaches, a log.
 *
 *   absent    not served yet: its store nodes are not there, or something failed (said once;
 *             tried again, ever more slowly)
 *   open      ring mapped, event channel bound, terminal named in console/tty
 *   broken    the guest wrote nonsense into the ring's indexes: said once; its text stays
 *             readable, the ring is let go
 *   foreign   another daemon serves it (console/type)
 *   over      the domain is gone and its ring was read to the end; there only until the reader
 *             of the terminal has all, and the log
 *
 * What the guest printed leaves the ring when log and backlog have it: whoever kills us in between
 * finds it twice, not never. A guest that prints all the time is served TURN_BYTES every TURN_MS;
 * what is beyond stays in its ring, and the guest waits.
 */
#ifndef CONSOLED_CONSOLE_H
#define CONSOLED_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/consoled/backlog.h"
#include "backends/consoled/kept.h"
#include "backends/consoled/log_file.h"
#include "backends/consoled/terminal.h"

struct hv;
struct store;
struct xencons_interface;

#define TURN_MS    200u
#define TURN_BYTES (128u << 10)

/* What all consoles share. */
struct consoled {
    struct store *store;
    struct hv *hv;
    int evtchn, gntdev, inotify; /* descriptors; gntdev -1: foreign mappings only */
    const char *log_folder, *kept_folder;
    bool log_guests;
    uint64_t now; /* milliseconds, monotonic; set before each round */
};

enum console_state {
    CONSOLE_ABSENT,
    CONSOLE_OPEN,
    CONSOLE_BROKEN,
    CONSOLE_FOREIGN,
    CONSOLE_OVER,
};

struct console {
    struct console *next;
    const struct consoled *c;
    uint16_t domid;
    uint8_t uuid[16];
    enum console_state state;
    struct xencons_interface *ring;
    bool by_grant;
    uint64_t grant_index;
    uint32_t port; /* local */
    struct terminal terminal;
    struct backlog unread;
    struct log_file log;
    struct kept kept;
    uint64_t seen; /* mark of the last listing of domains, which said: */
    uint64_t shared_info_frame, cpu_time_ns;
    /* absent: */
    unsigned failures;
    uint64_t retry_at;
    /* open: */
    uint32_t left; /* bytes of this turn */
    bool held;     /* its event waits, masked, for the next turn */
    /* over: */
    size_t rest;
    unsigned calm;
    uint64_t terminal_until, log_until;
};

struct console *console_new(const struct consoled *c, uint16_t domid, const uint8_t uuid[16]);
/* The domain lives on when the daemon ends: what is unread is left to the next one. */
void console_free(struct console *k);
/* Tries to go from absent to open, and serves it. */
void console_open(struct console *k);
/* Moves what the guest printed to log and backlog, to the terminal what fits, and what was typed to
 * the guest. */
void console_serve(struct console *k);
/* Who is attached is not known any more: hangs up on all of them and makes a new terminal, which
 * has what nobody had read. */
void console_hang_up(struct console *k);
/* The domain is gone: reads its ring to the end and lets go of it. */
void console_end(struct console *k);
/* Over: has everybody what is theirs, or waited long enough? */
bool console_done(struct console *k);
/* poll() events wanted on the terminal's master; 0: none, and none to be looked for. */
short console_poll_events(const struct console *k);

#endif
