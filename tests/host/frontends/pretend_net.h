/* SPDX-License-Identifier: MIT */
/*
 * A network backend whose wire is the test: what the guest sends is kept, what the test puts in is
 * handed up; strict in what it takes, and able to answer wrongly.
 */
#ifndef TESTS_FRONTENDS_PRETEND_NET_H
#define TESTS_FRONTENDS_PRETEND_NET_H

#include "pretend_bus.h"

#include <xen/io/netif.h>

struct pretend_net {
    struct pretend_bus bus; /* first */
    netif_tx_back_ring_t tx;
    netif_rx_back_ring_t rx;
    grant_ref_t tx_ref, rx_ref;
    evtchn_port_t port;
    bool hold;     /* takes nothing */
    bool no_copy;  /* does not know feature-rx-copy */
    int tx_status; /* of all answers */
    void (*evil_tx)(struct pretend_net *n, netif_tx_response_t *answer);
    void (*evil_rx)(struct pretend_net *n, netif_rx_response_t *answer);
    uint8_t frame[4096]; /* the last one sent */
    size_t frame_len;
    unsigned frames;
};

void pretend_net_create(struct pretend_net *n, unsigned id, const char *mac);
void pretend_net_destroy(struct pretend_net *n);
/* A frame for the guest, at this offset of its page; false when the guest offers none. */
bool pretend_net_put(struct pretend_net *n, const void *frame, size_t len, unsigned offset,
                     unsigned flags);
void pretend_net_answer_tx(struct pretend_net *n, const netif_tx_response_t *answer);

#endif
