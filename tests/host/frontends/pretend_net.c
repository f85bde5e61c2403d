/* SPDX-License-Identifier: MIT */
/* See pretend_net.h. */
#include "pretend_net.h"

#include <stdio.h>
#include <string.h>

static bool attach(struct pretend_bus *bus)
{
    struct pretend_net *n = (struct pretend_net *)bus;

    n->tx_ref = (grant_ref_t)pretend_number(bus->front, "tx-ring-ref");
    n->rx_ref = (grant_ref_t)pretend_number(bus->front, "rx-ring-ref");
    n->port = (evtchn_port_t)pretend_number(bus->front, "event-channel");
    if (pretend_number(bus->front, "request-rx-copy") != 1 ||
        pretend_number(bus->front, "feature-rx-notify") != 1 || !pretend_port_open(n->port))
        return false;
    netif_tx_sring_t *tx = pretend_map(n->tx_ref, true);
    netif_rx_sring_t *rx = pretend_map(n->rx_ref, true);
    if (tx == NULL || rx == NULL) {
        if (tx != NULL)
            pretend_unmap(n->tx_ref);
        if (rx != NULL)
            pretend_unmap(n->rx_ref);
        return false;
    }
    BACK_RING_INIT(&n->tx, tx, OS_PAGE_SIZE);
    BACK_RING_INIT(&n->rx, rx, OS_PAGE_SIZE);
    return true;
}

static void detach(struct pretend_bus *bus)
{
    struct pretend_net *n = (struct pretend_net *)bus;

    pretend_unmap(n->tx_ref);
    pretend_unmap(n->rx_ref);
}

void pretend_net_answer_tx(struct pretend_net *n, const netif_tx_response_t *answer)
{
    int notify;

    *RING_GET_RESPONSE(&n->tx, n->tx.rsp_prod_pvt) = *answer;
    n->tx.rsp_prod_pvt++;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&n->tx, notify);
    if (notify)
        pretend_signal(n->port);
}

static void take_frame(struct pretend_net *n, const netif_tx_request_t *r)
{
    assert_int_equal(r->flags, 0);
    assert_true(r->size >= 14 && r->offset + r->size <= OS_PAGE_SIZE);
    const char *page = pretend_map(r->gref, false);
    if (page == NULL) {
        assert_false(pretend_bus_bound(&n->bus));
        return;
    }
    assert_null(pretend_map(r->gref, true)); /* what is sent is not for writing */
    memcpy(n->frame, page + r->offset, r->size);
    n->frame_len = r->size;
    n->frames++;
    pretend_unmap(r->gref);
}

static bool act(void *context)
{
    struct pretend_net *n = context;
    bool did = pretend_bus_step(&n->bus);

    if (!n->bus.connected || n->bus.dead)
        return did;
    (void)pretend_kicked(n->port);
    while (!n->hold && n->bus.connected && RING_HAS_UNCONSUMED_REQUESTS(&n->tx)) {
        netif_tx_request_t r;
        RING_COPY_REQUEST(&n->tx, n->tx.req_cons, &r);
        n->tx.req_cons++;
        take_frame(n, &r);
        netif_tx_response_t answer = {.id = r.id, .status = (int16_t)n->tx_status};
        if (n->evil_tx != NULL)
            n->evil_tx(n, &answer);
        pretend_net_answer_tx(n, &answer);
        did = true;
    }
    if (n->bus.connected)
        n->tx.sring->req_event = n->tx.req_cons + 1;
    return did;
}

bool pretend_net_put(struct pretend_net *n, const void *frame, size_t len, unsigned offset,
                     unsigned flags)
{
    netif_rx_request_t r;
    int notify;

    if (!n->bus.connected || !RING_HAS_UNCONSUMED_REQUESTS(&n->rx))
        return false;
    RING_COPY_REQUEST(&n->rx, n->rx.req_cons, &r);
    n->rx.req_cons++;
    char *page = pretend_map(r.gref, true);
    if (page == NULL) {
        assert_false(pretend_bus_bound(&n->bus));
        return false;
    }
    if (offset + len <= OS_PAGE_SIZE)
        memcpy(page + offset, frame, len);
    pretend_unmap(r.gref);
    netif_rx_response_t answer = {
        .id = r.id, .offset = (uint16_t)offset, .flags = (uint16_t)flags, .status = (int16_t)len};
    if (n->evil_rx != NULL)
        n->evil_rx(n, &answer);
    *RING_GET_RESPONSE(&n->rx, n->rx.rsp_prod_pvt) = answer;
    n->rx.rsp_prod_pvt++;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&n->rx, notify);
    if (notify)
        pretend_signal(n->port);
    return true;
}

void pretend_net_create(struct pretend_net *n, unsigned id, const char *mac)
{
    char path[128];

    n->bus.patient = true;
    n->bus.connect = attach;
    n->bus.disconnect = detach;
    pretend_bus_create(&n->bus, "vif", id);
    pretend_bus_node(&n->bus, "feature-rx-copy", "%d", !n->no_copy);
    snprintf(path, sizeof(path), "%s/mac", n->bus.front);
    pretend_write(path, "%s", mac);
    assert_int_equal(do_perms(pretend_dom0, NULL, n->bus.front, "n1"), 0);
    pretend_act(act, n);
}

void pretend_net_destroy(struct pretend_net *n)
{
    pretend_bus_kill(&n->bus);
    pretend_dismiss(n);
}
