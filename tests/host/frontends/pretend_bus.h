/* SPDX-License-Identifier: MIT */
/*
 * The backend's half of the handshake, as Linux's backends do it, played by the test as dom0: it
 * looks at the frontend's state whenever the guest waits, and moves its own.
 */
#ifndef TESTS_FRONTENDS_PRETEND_BUS_H
#define TESTS_FRONTENDS_PRETEND_BUS_H

#include "pretend_os.h"

struct pretend_bus {
    char path[64];            /* the frontend's, as the guest says it: device/vbd/51712 */
    char front[96], back[96]; /* both, absolute */
    int state, seen;          /* ours; the frontend's, when we looked last */
    uint32_t lazy;            /* not 0: lets some of its turns pass, at random from here on */
    bool patient;             /* waits for the frontend's Connected, as network backends do */
    bool dead;                /* does nothing */
    bool connected;           /* between connect() and disconnect() */
    bool (*connect)(struct pretend_bus *b);
    void (*disconnect)(struct pretend_bus *b);
};

/* The nodes as a toolstack leaves them, and state 1. The caller has set the functions. */
void pretend_bus_create(struct pretend_bus *b, const char *kind, unsigned id);
/* Looks and moves; true when it did. */
bool pretend_bus_step(struct pretend_bus *b);
void pretend_bus_state(struct pretend_bus *b, int state);
/* Whether the frontend stands by what it has granted: it is connected and has not broken off. */
bool pretend_bus_bound(struct pretend_bus *b);
/* The daemon dies (its mappings and ports with it, the nodes stay); a new one begins at `state`. */
void pretend_bus_kill(struct pretend_bus *b);
void pretend_bus_revive(struct pretend_bus *b, int state);
void pretend_bus_node(struct pretend_bus *b, const char *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
