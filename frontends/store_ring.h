/* SPDX-License-Identifier: MIT */
/*
 * The store's ring page as a stream of messages. Our own indices are kept privately and only
 * published; the other side's are read once and judged. Nothing here waits.
 */
#ifndef FRONTENDS_STORE_RING_H
#define FRONTENDS_STORE_RING_H

#include "frontends/store.h"

struct store_message {
    struct xsd_sockmsg header;
    char body[XENSTORE_PAYLOAD_MAX + 1]; /* header.len bytes and a NUL */
};

struct store_ring {
    struct xenstore_domain_interface *page;
    evtchn_port_t port;
    uint32_t req_prod, rsp_cons;
    struct store_message in;
    size_t have;    /* bytes of `in` that have arrived, header first */
    bool signalled; /* by the handler: an event has come since this was cleared */
};

/* -XEN_ENODEV without a page. */
int store_ring_open(struct store_ring *r);
void store_ring_close(struct store_ring *r);
/* Bytes put on the ring, 0 when it is full, -XEN_EIO when the reader's index makes no sense. */
long store_ring_send(struct store_ring *r, const void *data, size_t len);
/* 1: a message is complete in r->in, until the next call. 0: not yet. -XEN_EIO: the stream makes no
 * sense. */
int store_ring_receive(struct store_ring *r);

/* A fresh start, where the other side can: ask, and look whether it has been granted. */
bool store_ring_can_restart(const struct store_ring *r);
void store_ring_ask_restart(struct store_ring *r);
bool store_ring_restarted(struct store_ring *r);

#endif
