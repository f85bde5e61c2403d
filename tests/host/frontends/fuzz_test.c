/* SPDX-License-Identifier: MIT */
/*
 * Hostile backends and stores, as programs: an input is a list of steps for a disk, a network card
 * or the store's client, among them wrong answers, wild indices, states in any order, backends that
 * die and memory that ends. At the end everybody is honest again, all is closed, and nothing may be
 * left behind; the backends check what they are sent all the time.
 *
 * With libFuzzer: make fuzz-frontends. As a test: main() runs random programs, and given files as
 * arguments runs those.
 */
#include "pretend_blk.h"
#include "pretend_net.h"

#include "frontends/blkfront.h"
#include "frontends/netfront.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *program;
static size_t left;

static unsigned next(void)
{
    if (left == 0)
        return 0;
    left--;
    return *program++;
}

static uint64_t next64(void)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | next();
    return v;
}

static struct store *store;

/* What both kinds of devices have; true when `op` was one of these. */
static bool common_step(unsigned op, struct pretend_bus *bus)
{
    switch (op) {
    case 0:
        os_wait(os_now() + 1);
        return true;
    case 1:
        pretend_bus_state(bus, (int)(next() % 9));
        return true;
    case 2:
        pretend_bus_kill(bus);
        return true;
    case 3:
        if (bus->dead)
            pretend_bus_revive(bus, (int)(next() % 7));
        return true;
    case 4:
        pretend_bus_node(bus, "online", "%u", next() % 4 != 0);
        return true;
    case 5:
        pretend_fail_after = next() % 32;
        return true;
    case 6:
        pretend_fail_after = UINT32_MAX;
        return true;
    default:
        return false;
    }
}

/* --- disks */

#define REQUESTS 16u
static struct blk_request requests[REQUESTS];
static bool submitted[REQUESTS];
static uint8_t buffers[REQUESTS][64 * 512];

static void forge(struct pretend_blk *b, blkif_response_t *answer)
{
    (void)b;
    if (next() % 4 == 0)
        answer->id ^= next64() >> (next() % 64);
    if (next() % 8 == 0)
        answer->operation ^= (uint8_t)next();
    if (next() % 4 == 0)
        answer->status = (int16_t)(next64() >> (next() % 64));
}

static void submit(struct blkfront *front)
{
    static const uint8_t operations[] = {BLKIF_OP_READ, BLKIF_OP_WRITE, BLKIF_OP_FLUSH_DISKCACHE,
                                         BLKIF_OP_DISCARD, BLKIF_OP_INDIRECT};
    unsigned i = next() % REQUESTS;
    struct blk_request *r = &requests[i];

    if (submitted[i] && !r->finished)
        return;
    *r = (struct blk_request){.operation = operations[next() % 5],
                              .sector = next() * 2,
                              .sectors = next() % 64,
                              .buffer = buffers[i]};
    submitted[i] = blkfront_submit(front, r) == 0;
}

static void disk_step(struct pretend_blk *back, struct blkfront *front)
{
    unsigned op = next() % 20;

    if (common_step(op, &back->bus))
        return;
    switch (op) {
    case 7:
    case 8:
    case 9:
        submit(front);
        break;
    case 10:
        back->hold = !back->hold;
        break;
    case 11:
        back->backwards = !back->backwards;
        break;
    case 12:
        back->evil = back->evil == NULL ? forge : NULL;
        break;
    case 13: /* an answer out of the blue */
        os_wait(os_now() + 1);
        if (back->bus.connected)
            pretend_blk_answer(back,
                               &(blkif_response_t){.id = next64(), .operation = (uint8_t)next()});
        break;
    case 14: /* an index out of the blue */
        os_wait(os_now() + 1);
        if (back->bus.connected)
            back->ring.sring->rsp_prod += next();
        blkfront_poll(front);
        break;
    case 15:
        back->keep_maps = !back->keep_maps;
        break;
    case 16:
        pretend_blk_let_go(back);
        break;
    case 17:
        pretend_signal(back->port);
        break;
    default:
        blkfront_poll(front);
    }
}

static void run_disk(void)
{
    static struct pretend_blk back;
    struct blkfront *front = NULL;

    memset(&back, 0, sizeof(back));
    memset(submitted, 0, sizeof(submitted));
    unsigned features = next();
    back.flush = features & 1;
    back.discard = features & 2;
    back.indirect = features & 4 ? 32 : 0;
    back.sector_size = features & 8 ? 4096 : 512;
    back.info = features & 16 ? VDISK_READONLY : 0;
    pretend_blk_create(&back, 51712, 512);
    assert_int_equal(blkfront_open(&front, store, back.bus.path), 0);
    if (features & 32)
        (void)blkfront_wait(front, os_now() + PRETEND_SECOND);
    while (left > 0)
        disk_step(&back, front);
    pretend_fail_after = UINT32_MAX;
    back.evil = NULL;
    back.keep_maps = back.hold = false;
    pretend_bus_kill(&back.bus); /* a backend that lies about its state may still hold the ring */
    pretend_blk_let_go(&back);
    blkfront_close(front);
    for (unsigned i = 0; i < REQUESTS; i++)
        assert_true(!submitted[i] || requests[i].finished);
    pretend_blk_destroy(&back);
}

/* --- networks */

static void forge_sent(struct pretend_net *n, netif_tx_response_t *answer)
{
    (void)n;
    answer->id ^= (uint16_t)(next() % 4 == 0 ? next64() : 0);
    answer->status = (int16_t)(next() % 4 == 0 ? next64() : 0);
}

static void forge_received(struct pretend_net *n, netif_rx_response_t *answer)
{
    (void)n;
    answer->id ^= (uint16_t)(next() % 4 == 0 ? next64() : 0);
    answer->offset = (uint16_t)(next() % 2 == 0 ? next64() : 0);
    answer->flags = (uint16_t)next();
    answer->status = (int16_t)next64();
}

static void net_step(struct pretend_net *back, struct netfront *front)
{
    static uint8_t frame[4096], got[NETFRONT_FRAME_MAX];
    unsigned op = next() % 20;

    if (common_step(op, &back->bus))
        return;
    switch (op) {
    case 7:
    case 8:
        (void)netfront_send(front, frame, next() * 8);
        break;
    case 9:
    case 10: /* a frame of the input's own bytes */
        for (size_t i = 0; i < 64; i++)
            frame[i] = (uint8_t)next();
        (void)pretend_net_put(back, frame, next() * 8, next() * 16, NETRXF_csum_blank);
        break;
    case 11:
        back->hold = !back->hold;
        break;
    case 12:
        back->evil_tx = back->evil_tx == NULL ? forge_sent : NULL;
        break;
    case 13:
        back->evil_rx = back->evil_rx == NULL ? forge_received : NULL;
        break;
    case 14:
        os_wait(os_now() + 1);
        if (back->bus.connected)
            back->tx.sring->rsp_prod += next();
        netfront_poll(front);
        break;
    case 15:
        os_wait(os_now() + 1);
        if (back->bus.connected)
            back->rx.sring->rsp_prod += next();
        (void)netfront_receive(front, got);
        break;
    case 16:
        netfront_poll(front);
        break;
    default:
        (void)netfront_receive(front, got);
    }
}

static void run_net(void)
{
    static struct pretend_net back;
    struct netfront *front = NULL;

    memset(&back, 0, sizeof(back));
    pretend_net_create(&back, 0, "00:16:3e:00:00:01");
    assert_int_equal(netfront_open(&front, store, back.bus.path), 0);
    if (next() & 1)
        (void)netfront_wait(front, os_now() + PRETEND_SECOND);
    while (left > 0)
        net_step(&back, front);
    pretend_fail_after = UINT32_MAX;
    pretend_bus_kill(&back.bus); /* a backend that lies about its state may still hold the rings */
    netfront_close(front);
    pretend_net_destroy(&back);
}

/* --- the store: any bytes, now and then what was asked for */

static bool any_bytes(void *context)
{
    struct xenstore_domain_interface *p = pretend_store_page;
    struct xsd_sockmsg h = {.type = (uint32_t) * (unsigned *)context};

    if (left == 0)
        return false;
    unsigned how = next();
    p->server_features = how & 1;
    if (how & 2 && p->connection == XENSTORE_RECONNECT) {
        p->req_cons = p->req_prod = p->rsp_cons = p->rsp_prod = 0;
        p->connection = XENSTORE_CONNECTED;
    }
    if (how & 4)
        p->req_cons = how & 8 ? p->req_prod : (uint32_t)next64();
    if (how & 16)
        p->rsp_prod = (uint32_t)next64();
    size_t n = next();
    uint8_t bytes[sizeof(h) + 255];
    for (size_t i = 0; i < n; i++)
        bytes[sizeof(h) + i] = (uint8_t)next();
    if (how & 32) {
        h.type = next() % 24;
        h.req_id = next() % 8;
        h.len = how & 64 ? (uint32_t)n : (uint32_t)next64();
    }
    memcpy(bytes, &h, sizeof(h));
    for (size_t i = how & 32 ? 0 : sizeof(h); i < sizeof(h) + n; i++)
        p->rsp[MASK_XENSTORE_IDX(p->rsp_prod++)] = (char)bytes[i];
    pretend_signal(PRETEND_STORE_PORT);
    return true;
}

static void run_store(void)
{
    struct store_watch watch = {0};
    unsigned type = 0;
    uint64_t number;
    bool watching = false;

    pretend_act(any_bytes, &type);
    while (left > 0) {
        char *text = NULL;
        store_tx tx;
        switch (next() % 6) {
        case 0:
            if (store_read(store, STORE_NO_TX, "a", &text, NULL) == 0)
                os_free(text);
            break;
        case 1:
            if (store_list(store, STORE_NO_TX, "a", &text, NULL) == 0)
                os_free(text);
            break;
        case 2:
            (void)store_read_u64(store, STORE_NO_TX, "a", "b", &number);
            break;
        case 3:
            if (store_begin(store, &tx) == 0)
                (void)store_end(store, tx, true);
            break;
        case 4:
            if (!watching)
                watching = store_watch(store, &watch, "a") == 0;
            break;
        default:
            if (watching)
                (void)store_fired(store, &watch);
        }
    }
    if (watching)
        (void)store_unwatch(store, &watch);
    pretend_dismiss(&type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *state = NULL;

    program = data;
    left = size;
    unsigned kind = next() % 3;
    assert_int_equal(kind == 2 ? pretend_setup_no_store(&state) : pretend_setup(&state), 0);
    assert_int_equal(store_open(&store), 0);
    if (kind == 0)
        run_disk();
    else if (kind == 1)
        run_net();
    else
        run_store();
    pretend_fail_after = UINT32_MAX;
    store_close(store);
    assert_int_equal(pretend_teardown(&state), 0);
    return 0;
}

#ifndef WITH_LIBFUZZER
#define PROGRAMS 3000u

static void run_file(const char *name)
{
    static uint8_t data[65536];
    FILE *f = fopen(name, "rb");

    if (f == NULL) {
        perror(name);
        exit(2);
    }
    size_t n = fread(data, 1, sizeof(data), f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
}

int main(int argc, char **argv)
{
    uint8_t data[400];
    uint64_t seed = 1;

    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    for (unsigned run = 0; argc == 1 && run < PROGRAMS; run++) {
        for (size_t i = 0; i < sizeof(data); i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            data[i] = (uint8_t)(seed >> 56);
        }
        data[0] = (uint8_t)run;
        LLVMFuzzerTestOneInput(data, 20 + run % 380);
    }
    printf("%u programs\n", argc == 1 ? PROGRAMS : (unsigned)argc - 1);
    return 0;
}
#endif
