/* SPDX-License-Identifier: MIT */
/*
 * Pages that a backend may use. A page is granted once and stays so until the connection ends; what
 * a backend writes there is copied out before anybody believes it.
 *
 * Ending can fail: a backend that still maps the page keeps it. Such a page goes to the graveyard
 * with its grant, is used for nothing else, and is freed by graveyard_sweep() once the backend has
 * let go. Its place there is made together with the grant, so burying cannot fail.
 */
#ifndef FRONTENDS_GRANTED_H
#define FRONTENDS_GRANTED_H

#include "frontends/os.h"

struct grave {
    struct grave *next;
    void *page;
    grant_ref_t ref;
};

struct granted {
    void *page; /* NULL: none */
    grant_ref_t ref;
    struct grave *grave; /* not in use yet */
};

struct graveyard {
    struct grave *graves;
    unsigned pages;
};

/* A fresh zeroed page, granted; -XEN_ENOMEM, or what os_grant() says. */
int granted_open(struct granted *g, domid_t domid, bool readonly);
/* Takes the page away from the backend, or buries it. Allowed on one that holds none. */
void granted_close(struct granted *g, struct graveyard *y);
void graveyard_sweep(struct graveyard *y);

#endif
