/* SPDX-License-Identifier: MIT */
/*
 * A connection over a page shared with a domain's kernel. The indexes that are ours are kept
 * privately and only written to the page; the guest's are read once each time, and judged: more
 * than a ring's size apart ends the connection, with the reason in the page's error field.
 */
#ifndef XENSTORE_RING_H
#define XENSTORE_RING_H

#include "xenstore/conn.h"
#include "xenstore/xen.h"

struct ring_conn {
    struct conn conn;
    struct xenstore_domain_interface *page;
    uint32_t req_cons, rsp_prod; /* ours */
    bool moved;                  /* something was taken or put: tell the other side */
    bool stopped;                /* failed: waits for the guest to ask for a fresh start */
    /* hooks */
    void (*notify)(struct ring_conn *r);
    void (*close)(struct ring_conn *r); /* the last call: frees it */
};

/* Takes up where the page's indexes stand. r is malloc()ed, page and hooks set; freed by the
 * connection. */
int ring_open(struct ring_conn *r, struct storage *st, uint16_t domid);

#endif
