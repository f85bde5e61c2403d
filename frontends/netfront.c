/* SPDX-License-Identifier: MIT */
/*
 * A network card; see netfront.h. Each direction has a fixed set of pages, granted as long as the
 * connection lasts, and a page is either ours or on the ring. The id of a message is the page's
 * number and a count that changes with each use, so that an answer which comes twice is seen.
 */
#include "frontends/netfront.h"
#include "frontends/granted.h"
#include "frontends/netfront_csum.h"
#include "frontends/xenbus.h"

#define NET_TX     64u /* frames on their way; at most the ring's slots, a power of two */
#define NET_RX     128u
#define NET_GRAVES 1024u
#define ETH_HEADER 14u
#define VLAN_TAG   4u

/* Pages of one direction. */
struct net_page {
    struct granted granted;
    bool on_ring;
    uint16_t id;
};

struct netfront {
    struct xenbus_device bus;
    struct netfront_info info;
    struct netfront_counts counts;
    bool open, running;
    evtchn_port_t port;

    struct granted tx_ring_page, rx_ring_page;
    netif_tx_front_ring_t tx;
    netif_rx_front_ring_t rx;
    struct net_page tx_pages[NET_TX], rx_pages[NET_RX];
    struct graveyard graves;
};

_Static_assert(NET_TX <= __CONST_RING_SIZE(netif_tx, OS_PAGE_SIZE), "more frames than slots");
_Static_assert(NET_RX <= __CONST_RING_SIZE(netif_rx, OS_PAGE_SIZE), "more frames than slots");
_Static_assert((NET_TX & (NET_TX - 1)) == 0 && (NET_RX & (NET_RX - 1)) == 0, "ids are masked");

static int open_pages(struct net_page *pages, unsigned count, domid_t backend, bool readonly)
{
    for (unsigned i = 0; i < count; i++) {
        int err = granted_open(&pages[i].granted, backend, readonly);
        if (err != 0)
            return err;
        pages[i].on_ring = false;
        pages[i].id = (uint16_t)i;
    }
    return 0;
}

static void close_pages(struct net_page *pages, unsigned count, struct graveyard *y)
{
    for (unsigned i = 0; i < count; i++)
        granted_close(&pages[i].granted, y);
}

static int prepare(struct xenbus_device *d)
{
    struct netfront *n = d->driver;
    domid_t backend = d->backend_id;
    int err = granted_open(&n->tx_ring_page, backend, false);

    if (err == 0)
        err = granted_open(&n->rx_ring_page, backend, false);
    if (err == 0)
        err = open_pages(n->tx_pages, NET_TX, backend, true);
    if (err == 0)
        err = open_pages(n->rx_pages, NET_RX, backend, false);
    if (err != 0)
        return err;
    netif_tx_sring_t *tx = n->tx_ring_page.page;
    netif_rx_sring_t *rx = n->rx_ring_page.page;
    XEN_FRONT_RING_INIT(&n->tx, tx, OS_PAGE_SIZE);
    XEN_FRONT_RING_INIT(&n->rx, rx, OS_PAGE_SIZE);
    err = os_event_alloc(backend, os_event_ignore, n, &n->port);
    n->open = err == 0;
    return err;
}

static void drop(struct xenbus_device *d)
{
    struct netfront *n = d->driver;

    if (n->open)
        os_event_close(n->port);
    n->open = n->running = false;
    granted_close(&n->tx_ring_page, &n->graves);
    granted_close(&n->rx_ring_page, &n->graves);
    close_pages(n->tx_pages, NET_TX, &n->graves);
    close_pages(n->rx_pages, NET_RX, &n->graves);
}

static int publish(struct xenbus_device *d, store_tx tx)
{
    struct netfront *n = d->driver;
    const struct {
        const char *node;
        unsigned value;
    } nodes[] = {
        {"tx-ring-ref", n->tx_ring_page.ref},
        {"rx-ring-ref", n->rx_ring_page.ref},
        {"event-channel", n->port},
        {"request-rx-copy", 1},
        {"feature-rx-notify", 1},
        {"feature-sg", 0},
        {"feature-gso-tcpv4", 0},
        {"feature-gso-tcpv6", 0},
    };

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        int err = store_printf(d->store, tx, d->path, nodes[i].node, "%u", nodes[i].value);
        if (err != 0)
            return err;
    }
    return 0;
}

/* Offers a page for a frame to come in. */
static void offer(struct netfront *n, unsigned i)
{
    struct net_page *p = &n->rx_pages[i];
    netif_rx_request_t *r = RING_GET_REQUEST(&n->rx, n->rx.req_prod_pvt);

    p->id = (uint16_t)(p->id + NET_RX); /* the number stays in the low bits */
    p->on_ring = true;
    r->id = p->id;
    r->pad = 0;
    r->gref = p->granted.ref;
    n->rx.req_prod_pvt++;
}

static int connect(struct xenbus_device *d)
{
    struct netfront *n = d->driver;
    uint64_t copy;
    int err = xenbus_backend_u64(d, "feature-rx-copy", 0, &copy);

    if (err == -XEN_EINVAL || (err == 0 && copy == 0))
        return xenbus_break(d, "it cannot copy what it receives into our pages");
    if (err != 0)
        return err;
    for (unsigned i = 0; i < NET_RX; i++)
        offer(n, i);
    RING_PUSH_REQUESTS(&n->rx);
    os_event_send(n->port);
    n->running = true;
    return 0;
}

static const struct xenbus_ops ops = {XenbusStateConnected, prepare, publish, connect, drop};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "00:16:3e:01:02:03" and nothing else. */
static bool parse_mac(const char *text, uint8_t mac[6])
{
    if (strlen(text) != 17)
        return false;
    for (int i = 0; i < 6; i++, text += 3) {
        int high = hex_digit(text[0]), low = hex_digit(text[1]);
        if (high < 0 || low < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int read_info(struct netfront *n, struct store *s, const char *path)
{
    char node[XENBUS_PATH + 8], *value;
    uint64_t mtu = 1500;

    (void)snprintf(node, sizeof(node), "%s/mac", path); /* too long a path is not found */
    int err = store_read(s, STORE_NO_TX, node, &value, NULL);
    if (err != 0)
        return err;
    if (!parse_mac(value, n->info.mac)) {
        os_log("%s: its mac \"%.32s\" is none", path, value);
        err = -XEN_EINVAL;
    }
    os_free(value);
    if (err != 0)
        return err;
    err = store_read_u64(s, STORE_NO_TX, path, "mtu", &mtu);
    if (err != 0 && err != -XEN_ENOENT)
        return err;
    n->info.mtu = mtu < 68 || mtu > 1500 ? 1500 : (unsigned)mtu;
    return 0;
}

int netfront_open(struct netfront **out, struct store *s, const char *path)
{
    struct netfront *n = os_alloc(sizeof(*n));

    if (n == NULL)
        return -XEN_ENOMEM;
    int err = read_info(n, s, path);
    if (err == 0)
        err = xenbus_open(&n->bus, s, path, &ops, n);
    if (err != 0) {
        os_free(n);
        return err;
    }
    *out = n;
    return 0;
}

int netfront_wait(struct netfront *n, uint64_t deadline)
{
    return xenbus_wait(&n->bus, deadline);
}

void netfront_close(struct netfront *n)
{
    xenbus_close(&n->bus);
    graveyard_sweep(&n->graves);
    if (n->graves.pages != 0)
        os_log("%s: the backend keeps %u pages, which are lost", n->bus.path, n->graves.pages);
    os_free(n);
}

const struct netfront_info *netfront_info(const struct netfront *n)
{
    return &n->info;
}

const struct netfront_counts *netfront_counts(const struct netfront *n)
{
    return &n->counts;
}

bool netfront_alive(const struct netfront *n)
{
    return n->bus.phase != XENBUS_GONE;
}

static int take_sent(struct netfront *n, const netif_tx_response_t *answer)
{
    struct net_page *p = &n->tx_pages[answer->id % NET_TX];

    if (!p->on_ring || p->id != answer->id)
        return xenbus_break(&n->bus, "an answer with id %u, which is not waited for", answer->id);
    if (answer->status > NETIF_RSP_OKAY || answer->status < NETIF_RSP_DROPPED)
        return xenbus_break(&n->bus, "an answer with status %d, which does not exist",
                            answer->status);
    p->on_ring = false;
    if (answer->status == NETIF_RSP_OKAY)
        n->counts.sent++;
    else
        n->counts.send_errors++;
    return 0;
}

/* How many answers are there, or 0 and the wish for an event; -XEN_EIO when there cannot be as
 * many. */
static int answers(struct netfront *n, const RING_IDX *prod, RING_IDX *event, RING_IDX asked,
                   RING_IDX cons)
{
    unsigned count = 0;

    for (int i = 0; i < 2 && count == 0; i++) {
        count = __atomic_load_n(prod, __ATOMIC_ACQUIRE) - cons;
        if (count > asked - cons)
            return xenbus_break(&n->bus, "%u answers to %u requests", count, asked - cons);
        if (count != 0)
            break;
        *event = cons + 1;
        xen_mb(); /* and look once more, or the event may be missed */
    }
    return (int)count;
}

static int answers_tx(struct netfront *n)
{
    netif_tx_sring_t *shared = n->tx.sring;

    return answers(n, &shared->rsp_prod, &shared->rsp_event, n->tx.req_prod_pvt, n->tx.rsp_cons);
}

static int answers_rx(struct netfront *n)
{
    netif_rx_sring_t *shared = n->rx.sring;

    return answers(n, &shared->rsp_prod, &shared->rsp_event, n->rx.req_prod_pvt, n->rx.rsp_cons);
}

/* As many answers as there were frames on their way can come at a time. */
static void take_all_sent(struct netfront *n)
{
    int count;

    for (unsigned taken = 0; taken < NET_TX; taken += (unsigned)count) {
        count = answers_tx(n);
        if (count <= 0)
            return;
        for (int i = 0; i < count; i++) {
            netif_tx_response_t answer;
            RING_COPY_RESPONSE(&n->tx, n->tx.rsp_cons, &answer);
            n->tx.rsp_cons++;
            if (take_sent(n, &answer) != 0)
                return;
        }
    }
}

void netfront_poll(struct netfront *n)
{
    if (n->graves.graves != NULL)
        graveyard_sweep(&n->graves);
    xenbus_poll(&n->bus);
    if (n->running)
        take_all_sent(n);
    if (n->graves.pages > NET_GRAVES)
        xenbus_break(&n->bus, "it keeps %u pages", n->graves.pages);
}

int netfront_send(struct netfront *n, const void *frame, size_t len)
{
    unsigned i = 0;
    int notify = 0;

    if (!n->running)
        return -XEN_ENOTCONN;
    if (len < ETH_HEADER || len > n->info.mtu + ETH_HEADER + VLAN_TAG)
        return -XEN_EMSGSIZE;
    while (i < NET_TX && n->tx_pages[i].on_ring)
        i++;
    if (i == NET_TX)
        return -XEN_EAGAIN;
    struct net_page *p = &n->tx_pages[i];
    memcpy(p->granted.page, frame, len);
    p->id = (uint16_t)(p->id + NET_TX);
    p->on_ring = true;
    *RING_GET_REQUEST(&n->tx, n->tx.req_prod_pvt) = (netif_tx_request_t){
        .gref = p->granted.ref, .offset = 0, .flags = 0, .id = p->id, .size = (uint16_t)len};
    n->tx.req_prod_pvt++;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&n->tx, notify);
    if (notify)
        os_event_send(n->port);
    return 0;
}

/* The frame that an answer names, into the caller's buffer; the answer is a copy of ours. */
static long take_received(struct netfront *n, const netif_rx_response_t *answer, void *frame)
{
    struct net_page *p = &n->rx_pages[answer->id % NET_RX];
    long len = answer->status;

    if (!p->on_ring || p->id != answer->id)
        return xenbus_break(&n->bus, "a frame with id %u, which is not waited for", answer->id);
    if (len > 0 && answer->offset + len > OS_PAGE_SIZE)
        return xenbus_break(&n->bus, "a frame of %ld bytes at offset %u of a page", len,
                            answer->offset);
    if (answer->flags & (NETRXF_more_data | NETRXF_extra_info | NETRXF_gso_prefix))
        return xenbus_break(&n->bus, "a frame with flags %x, which were not offered",
                            answer->flags);
    p->on_ring = false;
    if (len < (long)ETH_HEADER || len > (long)NETFRONT_FRAME_MAX) {
        n->counts.receive_errors++;
        return -XEN_EMSGSIZE;
    }
    memcpy(frame, (const char *)p->granted.page + answer->offset, (size_t)len);
    if ((answer->flags & NETRXF_csum_blank) && netfront_fill_checksum(frame, (size_t)len))
        n->counts.checksums_filled++;
    n->counts.received++;
    return len;
}

long netfront_receive(struct netfront *n, void *frame)
{
    netif_rx_response_t answer;
    int notify = 0;

    if (!n->running || answers_rx(n) <= 0)
        return 0;
    RING_COPY_RESPONSE(&n->rx, n->rx.rsp_cons, &answer);
    n->rx.rsp_cons++;
    long len = take_received(n, &answer, frame);
    if (!n->running)
        return 0;
    offer(n, answer.id % NET_RX);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&n->rx, notify);
    if (notify)
        os_event_send(n->port);
    return len;
}
