/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer on the wire: the input is what a guest's kernel and a dom0 client send, byte for byte,
 * cut into pieces; the sanitizers and the store's own check are the judges. make fuzz-store
 * SECONDS=60
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/conn.h"
#include "xenstore/log.h"
#include "xenstore/ring.h"

static struct storage storage;
static struct xenstore_domain_interface page[2];

static bool exists(struct storage *st, uint16_t domid)
{
    (void)st;
    return domid < 4;
}

static void notify(struct ring_conn *r)
{
    /* the other side takes all that is there, or is stuck */
    if (r->conn.session.who.domid == 0 || r->page->rsp_prod % 3 != 0)
        r->page->rsp_cons = r->page->rsp_prod;
}

static void closed(struct ring_conn *r)
{
    (void)r;
}

static void start(struct ring_conn *r, uint16_t domid)
{
    memset(r, 0, sizeof(*r));
    memset(&page[domid], 0, sizeof(page[domid]));
    r->page = &page[domid];
    r->notify = notify;
    r->close = closed;
    if (ring_open(r, &storage, domid) != 0)
        abort();
}

static void turns(struct ring_conn *r)
{
    conn_ready(&r->conn);
    for (int i = 0; i < 64 && conn_any_ready(); i++) {
        conn_run_ready();
        conn_reap();
    }
}

static void put(struct ring_conn *r, const uint8_t *data, size_t len)
{
    struct xenstore_domain_interface *p = r->page;
    for (size_t i = 0; i < len && p->req_prod - p->req_cons < XENSTORE_RING_SIZE; i++)
        p->req[p->req_prod++ % XENSTORE_RING_SIZE] = (char)data[i];
    turns(r);
}

/* A guest's home, so that there is something it may do. */
static void furnish(struct ring_conn *dom0)
{
    const struct xsd_sockmsg mkdir = {XS_MKDIR, 0, 0, 16}, perms = {XS_SET_PERMS, 0, 0, 19};
    put(dom0, (const uint8_t *)&mkdir, sizeof(mkdir));
    put(dom0, (const uint8_t *)"/local/domain/1", 16);
    put(dom0, (const uint8_t *)&perms, sizeof(perms));
    put(dom0, (const uint8_t *)"/local/domain/1\0n1", 19);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ring_conn r[2];
    if (storage_init(&storage) != 0)
        abort();
    storage.domain_exists = exists;
    storage.wake = conn_wake;
    start(&r[0], 0);
    start(&r[1], 1);
    furnish(&r[0]);
    while (size > 3) { /* what comes, and from whom: two bits; how much: six */
        unsigned what = data[0] >> 6;
        size_t len = data[0] & 63u;
        const struct xsd_sockmsg h = {data[1] % 26u, 1, data[2] % 6u, (uint32_t)len};
        data += 3;
        size -= 3;
        if (len > size)
            len = size;
        if (what == 0)
            put(&r[1], data, len); /* bytes, whatever they are */
        else if (what == 3 && len >= 5)
            memcpy((char *)&page[1] + 2048 + data[0] % 25u, data + 1, 4);
        else if (len == h.len) { /* a message */
            put(&r[what & 1u], (const uint8_t *)&h, sizeof(h));
            put(&r[what & 1u], data, len);
        }
        data += len;
        size -= len;
    }
    turns(&r[0]);
    turns(&r[1]);
    const char *fault = storage_check(&storage);
    if (fault != NULL) {
        fprintf(stderr, "%s\n", fault);
        abort();
    }
    conn_close_all();
    storage_free(&storage);
    return 0;
}
