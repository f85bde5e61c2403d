/* SPDX-License-Identifier: MIT */
/* The ring transport: two streams of bytes in a page. See ring.h. */
#include "xenstore/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct ring_conn *of_conn(struct conn *c)
{
    return (struct ring_conn *)c;
}

static uint32_t load(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* Copies between a ring and a linear buffer; the guest may write the ring meanwhile, so each byte
 * is read once. */
static ssize_t ring_read(struct conn *c, void *to, size_t len)
{
    struct ring_conn *r = of_conn(c);
    uint32_t there = load(&r->page->req_prod) - r->req_cons;
    if (there > XENSTORE_RING_SIZE) {
        errno = EPROTO;
        return -1;
    }
    if (there == 0) {
        errno = EAGAIN;
        return -1;
    }
    size_t n = there < len ? there : len;
    uint32_t at = r->req_cons & (XENSTORE_RING_SIZE - 1);
    size_t first = XENSTORE_RING_SIZE - at < n ? XENSTORE_RING_SIZE - at : n;
    memcpy(to, r->page->req + at, first);
    memcpy((char *)to + first, r->page->req, n - first);
    r->req_cons += (uint32_t)n;
    store(&r->page->req_cons, r->req_cons);
    r->moved = true;
    return (ssize_t)n;
}

static ssize_t ring_write(struct conn *c, const void *from, size_t len)
{
    struct ring_conn *r = of_conn(c);
    uint32_t used = r->rsp_prod - load(&r->page->rsp_cons);
    if (used > XENSTORE_RING_SIZE) {
        errno = EPROTO;
        return -1;
    }
    size_t room = XENSTORE_RING_SIZE - used, n = room < len ? room : len;
    if (n == 0) {
        errno = EAGAIN;
        return -1;
    }
    uint32_t at = r->rsp_prod & (XENSTORE_RING_SIZE - 1);
    size_t first = XENSTORE_RING_SIZE - at < n ? XENSTORE_RING_SIZE - at : n;
    memcpy(r->page->rsp + at, from, first);
    memcpy(r->page->rsp, (const char *)from + first, n - first);
    r->rsp_prod += (uint32_t)n;
    store(&r->page->rsp_prod, r->rsp_prod);
    r->moved = true;
    return (ssize_t)n;
}

/* The guest asked for a fresh start (it was kexec'ed, say): both rings empty, nothing known. */
static void reconnect(struct ring_conn *r)
{
    conn_restart(&r->conn);
    r->req_cons = r->rsp_prod = 0;
    store(&r->page->req_cons, 0);
    store(&r->page->req_prod, 0);
    store(&r->page->rsp_cons, 0);
    store(&r->page->rsp_prod, 0);
    store(&r->page->error, XENSTORE_ERROR_NONE);
    store(&r->page->connection, XENSTORE_CONNECTED);
    r->stopped = false;
    r->moved = true;
}

static bool ring_begin(struct conn *c)
{
    struct ring_conn *r = of_conn(c);
    if (load(&r->page->connection) == XENSTORE_RECONNECT)
        reconnect(r);
    return !r->stopped;
}

static void ring_end(struct conn *c, bool output_waits)
{
    struct ring_conn *r = of_conn(c);
    (void)output_waits; /* the guest notifies when it has taken something */
    if (r->moved)
        r->notify(r);
    r->moved = false;
}

static bool ring_failed(struct conn *c, uint32_t error)
{
    struct ring_conn *r = of_conn(c);
    store(&r->page->error, error);
    r->notify(r);
    r->stopped = true;
    return true;
}

static void ring_close(struct conn *c)
{
    struct ring_conn *r = of_conn(c);
    r->close(r);
}

static const struct transport ring_transport = {
    .read = ring_read,
    .write = ring_write,
    .begin = ring_begin,
    .end = ring_end,
    .failed = ring_failed,
    .close = ring_close,
};

int ring_open(struct ring_conn *r, struct storage *st, uint16_t domid)
{
    r->req_cons = load(&r->page->req_cons);
    r->rsp_prod = load(&r->page->rsp_prod);
    store(&r->page->server_features,
          XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR);
    store(&r->page->error, XENSTORE_ERROR_NONE);
    int err = conn_open(&r->conn, st, domid, &ring_transport);
    if (err != 0)
        return err;
    /* Even with nothing to say: dom0's kernel takes the first event for the store being there. */
    r->moved = true;
    conn_ready(&r->conn);
    return 0;
}
