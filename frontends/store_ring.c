/* SPDX-License-Identifier: MIT */
/* Bytes and messages of the store's ring; see store_ring.h. */
#include "frontends/store_ring.h"

static uint32_t load(const uint32_t *field)
{
    return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

static void publish(uint32_t *field, uint32_t value)
{
    __atomic_store_n(field, value, __ATOMIC_RELEASE);
    /* whoever looks at the other side's index next must not do so before this is seen */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void woken(void *context)
{
    struct store_ring *r = context;

    __atomic_store_n(&r->signalled, true, __ATOMIC_RELAXED);
}

int store_ring_open(struct store_ring *r)
{
    r->page = os_store_page(&r->port);
    if (r->page == NULL)
        return -XEN_ENODEV;
    r->req_prod = load(&r->page->req_prod);
    r->rsp_cons = load(&r->page->rsp_prod); /* what a kernel before us left unread */
    publish(&r->page->rsp_cons, r->rsp_cons);
    r->have = 0;
    return os_event_bind(r->port, woken, r);
}

void store_ring_close(struct store_ring *r)
{
    os_event_close(r->port);
}

long store_ring_send(struct store_ring *r, const void *data, size_t len)
{
    uint32_t used = r->req_prod - load(&r->page->req_cons);

    if (used > XENSTORE_RING_SIZE)
        return -XEN_EIO;
    size_t at = MASK_XENSTORE_IDX(r->req_prod), n = XENSTORE_RING_SIZE - used;
    if (n > len)
        n = len;
    if (n == 0)
        return 0;
    size_t first = XENSTORE_RING_SIZE - at < n ? XENSTORE_RING_SIZE - at : n;
    memcpy(r->page->req + at, data, first);
    memcpy(r->page->req, (const char *)data + first, n - first);
    r->req_prod += (uint32_t)n;
    publish(&r->page->req_prod, r->req_prod);
    os_event_send(r->port);
    return (long)n;
}

/* Up to `want` bytes more of the message. */
static long take_bytes(struct store_ring *r, size_t want)
{
    uint32_t there = load(&r->page->rsp_prod) - r->rsp_cons;
    char *to = (char *)&r->in + r->have;

    if (there > XENSTORE_RING_SIZE)
        return -XEN_EIO;
    if (there == 0)
        return 0;
    size_t at = MASK_XENSTORE_IDX(r->rsp_cons), n = there < want ? there : want;
    size_t first = XENSTORE_RING_SIZE - at < n ? XENSTORE_RING_SIZE - at : n;
    memcpy(to, r->page->rsp + at, first);
    memcpy(to + first, r->page->rsp, n - first);
    r->have += n;
    uint32_t before = r->rsp_cons;
    r->rsp_cons += (uint32_t)n;
    publish(&r->page->rsp_cons, r->rsp_cons);
    /* a writer that found the ring full waits for this */
    if (load(&r->page->rsp_prod) - before >= XENSTORE_RING_SIZE)
        os_event_send(r->port);
    return (long)n;
}

/* Takes until `total` bytes of the message are there: 1, 0, -XEN_EIO. */
static int fill(struct store_ring *r, size_t total)
{
    while (r->have < total) {
        long n = take_bytes(r, total - r->have);
        if (n <= 0)
            return (int)n;
    }
    return 1;
}

int store_ring_receive(struct store_ring *r)
{
    const size_t header = sizeof(r->in.header);

    int got = r->have < header ? fill(r, header) : 1;
    if (got <= 0)
        return got;
    if (r->in.header.len > XENSTORE_PAYLOAD_MAX)
        return -XEN_EIO;
    got = fill(r, header + r->in.header.len);
    if (got <= 0)
        return got;
    r->in.body[r->in.header.len] = '\0';
    r->have = 0;
    return 1;
}

bool store_ring_can_restart(const struct store_ring *r)
{
    return (load(&r->page->server_features) & XENSTORE_SERVER_FEATURE_RECONNECTION) != 0;
}

void store_ring_ask_restart(struct store_ring *r)
{
    publish(&r->page->connection, XENSTORE_RECONNECT);
    os_event_send(r->port);
}

bool store_ring_restarted(struct store_ring *r)
{
    if (load(&r->page->connection) != XENSTORE_CONNECTED)
        return false;
    r->req_prod = r->rsp_cons = 0; /* the ABI's promise; senseless indices are found at use */
    r->have = 0;
    return true;
}

_Static_assert(offsetof(struct store_message, body) == sizeof(struct xsd_sockmsg),
               "a message is received as one run of bytes");
