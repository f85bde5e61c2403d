/* SPDX-License-Identifier: MIT */
/*
 * The disk and the handshake against backends that are honest, forgetful, dead for a while, or
 * hostile (abuse cases 81 to 83).
 */
#include "pretend_blk.h"

#include "frontends/blkfront.h"
#include "frontends/console.h"
#include "frontends/xenbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISK    51712u
#define SECTORS 4096u /* 2 MiB */

static struct store *store;
static struct pretend_blk back;
static struct blkfront *front;

static int setup(void **state)
{
    if (pretend_setup(state) != 0)
        return -1;
    memset(&back, 0, sizeof(back));
    front = NULL;
    return store_open(&store);
}

static int teardown(void **state)
{
    if (front != NULL)
        blkfront_close(front);
    pretend_blk_destroy(&back);
    store_close(store);
    return pretend_teardown(state);
}

static void start(void)
{
    char path[XENBUS_PATH];

    pretend_blk_create(&back, DISK, SECTORS);
    assert_int_equal(xenbus_nth(store, "vbd", 0, path), 0);
    assert_string_equal(path, "device/vbd/51712");
    assert_int_equal(blkfront_open(&front, store, path), 0);
    assert_int_equal(blkfront_wait(front, os_now() + PRETEND_SECOND), 0);
}

static void start_full(void)
{
    back.indirect = 256;
    back.flush = back.discard = true;
    start();
}

static uint8_t buffer[SECTORS * 512];

static void fill(uint8_t *data, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 13 + i / 4096 + seed);
}

static void test_handshake(void **state)
{
    (void)state;
    start_full();
    assert_string_equal(pretend_read(GUEST_HOME "/device/vbd/51712/state"), "4");
    assert_string_equal(pretend_read(GUEST_HOME "/device/vbd/51712/protocol"), "x86_64-abi");
    assert_string_equal(pretend_read(GUEST_HOME "/device/vbd/51712/feature-persistent"), "1");
    assert_int_equal(blkfront_info(front)->sectors, SECTORS);
    assert_int_equal(blkfront_info(front)->segments, 32);
    blkfront_close(front);
    front = NULL;
    assert_string_equal(pretend_read(GUEST_HOME "/device/vbd/51712/state"), "6");
    assert_int_equal(back.bus.state, 6);
    assert_int_equal(pretend_pages, 0);
}

static void read_and_write(void)
{
    static const struct {
        uint64_t sector, sectors;
    } parts[] = {{0, 1},    {7, 1},       {8, 8},    {3, 90},     {100, 88},
                 {200, 89}, {1000, 1024}, {4095, 1}, {0, SECTORS}};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        uint64_t at = parts[i].sector, n = parts[i].sectors;
        memset(buffer, 0, sizeof(buffer));
        assert_int_equal(blkfront_do(front, BLKIF_OP_READ, at, buffer, n), 0);
        assert_memory_equal(buffer, back.disk + at * 512, n * 512);
        fill(buffer, n * 512, (unsigned)i);
        assert_int_equal(blkfront_do(front, BLKIF_OP_WRITE, at, buffer, n), 0);
        assert_memory_equal(buffer, back.disk + at * 512, n * 512);
    }
}

static void test_data_direct(void **state)
{
    (void)state;
    start();
    read_and_write();
    assert_int_equal(back.most_segments, 11);
}

static void test_data_indirect(void **state)
{
    (void)state;
    start_full();
    back.backwards = true;
    read_and_write();
    assert_int_equal(back.most_segments, 32);
    assert_int_equal(blkfront_do(front, BLKIF_OP_FLUSH_DISKCACHE, 0, NULL, 0), 0);
    assert_int_equal(blkfront_do(front, BLKIF_OP_DISCARD, 8, NULL, 4000), 0);
    assert_int_equal(back.flushes, 1);
    assert_int_equal(back.discards, 1);
    assert_int_equal(back.disk[8 * 512 + 5], 0);
}

static int ask(uint8_t operation, uint64_t sector, uint64_t sectors)
{
    return blkfront_do(front, operation, sector, buffer, sectors);
}

static void test_refusals(void **state)
{
    (void)state;
    back.sector_size = 4096;
    start();
    assert_int_equal(blkfront_info(front)->sector_size, 4096);
    assert_int_equal(ask(BLKIF_OP_READ, 8, 16), 0);
    assert_memory_equal(buffer, back.disk + 8 * 512, 16 * 512);
    assert_int_equal(ask(BLKIF_OP_READ, 1, 8), -XEN_EINVAL);
    assert_int_equal(ask(BLKIF_OP_READ, 8, 4), -XEN_EINVAL);
    assert_int_equal(ask(BLKIF_OP_READ, 8, 0), -XEN_EINVAL);
    assert_int_equal(ask(BLKIF_OP_READ, SECTORS, 8), -XEN_EINVAL);
    assert_int_equal(ask(BLKIF_OP_READ, SECTORS - 8, 16), -XEN_EINVAL);
    assert_int_equal(ask(BLKIF_OP_READ, 8, UINT64_MAX - 7), -XEN_EINVAL);
    assert_int_equal(ask(BLKIF_OP_READ, UINT64_MAX - 7, 8), -XEN_EINVAL);
    assert_int_equal(ask(BLKIF_OP_INDIRECT, 8, 8), -XEN_EINVAL);
    assert_int_equal(ask(BLKIF_OP_WRITE_BARRIER, 8, 8), -XEN_EINVAL);
    assert_int_equal(ask(BLKIF_OP_FLUSH_DISKCACHE, 0, 0), -XEN_EOPNOTSUPP);
    assert_int_equal(ask(BLKIF_OP_DISCARD, 0, 8), -XEN_EOPNOTSUPP);
    back.status = BLKIF_RSP_ERROR;
    assert_int_equal(ask(BLKIF_OP_READ, 0, 512), -XEN_EIO);
    back.status = BLKIF_RSP_EOPNOTSUPP;
    assert_int_equal(ask(BLKIF_OP_WRITE, 0, 8), -XEN_EOPNOTSUPP);
    back.status = 0;
    assert_int_equal(ask(BLKIF_OP_READ, 0, 512), 0);
}

static void test_readonly(void **state)
{
    (void)state;
    back.info = VDISK_READONLY | VDISK_CDROM;
    start_full();
    assert_true(blkfront_info(front)->readonly && blkfront_info(front)->cdrom);
    assert_int_equal(ask(BLKIF_OP_WRITE, 0, 8), -XEN_EROFS);
    assert_int_equal(ask(BLKIF_OP_DISCARD, 0, 8), -XEN_EROFS);
    assert_int_equal(ask(BLKIF_OP_READ, 0, 8), 0);
}

/* --- many at once */

#define MANY 100u
static struct blk_request many[MANY];
static unsigned done_count;

static void count_done(struct blk_request *r)
{
    assert_true(r->finished);
    done_count++;
}

static void submit_many(uint8_t operation)
{
    done_count = 0;
    for (unsigned i = 0; i < MANY; i++) {
        many[i] = (struct blk_request){.operation = operation,
                                       .sector = i * 40,
                                       .sectors = 1 + i % 40,
                                       .buffer = buffer + i * 40 * 512,
                                       .done = count_done};
        assert_int_equal(blkfront_submit(front, &many[i]), 0);
    }
}

static void finish_many(int status)
{
    for (unsigned i = 0; i < 10000 && done_count < MANY; i++) {
        blkfront_poll(front);
        if (done_count < MANY)
            os_wait(os_now() + PRETEND_SECOND);
    }
    assert_int_equal(done_count, MANY);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(many[i].status, status);
}

static void check_many(void)
{
    for (unsigned i = 0; i < MANY; i++)
        assert_memory_equal(buffer + i * 40 * 512, back.disk + i * 40 * 512, (1 + i % 40) * 512);
}

static void test_many(void **state)
{
    (void)state;
    start_full();
    back.backwards = true;
    submit_many(BLKIF_OP_READ);
    finish_many(0);
    check_many();
    fill(buffer, sizeof(buffer), 3);
    submit_many(BLKIF_OP_WRITE);
    finish_many(0);
    check_many();
}

/* --- backends that go away and come back */

enum way { BY_INIT_WAIT, BY_INITIALISING, BY_CLOSING, BY_CLOSED, SMALLER, WAYS };

static void come_back(enum way way)
{
    pretend_bus_kill(&back.bus);
    back.hold = false;
    if (way == SMALLER)
        back.indirect = 0;
    switch (way) {
    case BY_INITIALISING:
        pretend_bus_revive(&back.bus, 1);
        break;
    case BY_CLOSING:
        pretend_bus_revive(&back.bus, 5);
        break;
    case BY_CLOSED:
        pretend_bus_revive(&back.bus, 6);
        break;
    default:
        pretend_bus_revive(&back.bus, 2);
    }
}

/* Some answered, some on the ring, some queued: all are done in the end, and right. */
static void test_replay(void **state)
{
    (void)state;
    start_full();
    for (enum way way = 0; way < WAYS; way++) {
        for (int write = 0; write < 2; write++) {
            fill(buffer, sizeof(buffer), way + (unsigned)write);
            submit_many(write ? BLKIF_OP_WRITE : BLKIF_OP_READ);
            os_wait(os_now() + 1);
            blkfront_poll(front); /* a ringful answered */
            back.hold = true;
            os_wait(os_now() + 1); /* another one taken, and lost */
            assert_true(back.nwaiting > 0);
            assert_true(done_count > 0 && done_count < MANY);
            memset(back.disk, 0x55, 40 * 512 * 80);
            memset(buffer, write ? 0x77 : 0, sizeof(buffer));
            come_back(way);
            finish_many(0);
            for (unsigned i = MANY - 20; i < MANY; i++)
                assert_memory_equal(buffer + i * 40 * 512, back.disk + i * 40 * 512,
                                    (1 + i % 40) * 512);
        }
    }
    assert_false(pretend_said("broken"));
}

struct revival {
    uint64_t when;
    int state;
};

static bool revive_later(void *context)
{
    struct revival *r = context;

    if (r->when == 0 || pretend_now < r->when)
        return false;
    r->when = 0;
    pretend_bus_revive(&back.bus, r->state);
    return true;
}

/* A guest that waits for one request, for however long, and no matter in which of its waits an
 * event finds it. */
static void test_long_absence(void **state)
{
    static const int states[] = {1, 2, 5, 6};
    struct revival r;
    (void)state;

    start();
    pretend_act(revive_later, &r);
    for (size_t i = 0; i < 400; i++) {
        pretend_bus_kill(&back.bus);
        back.bus.lazy = (uint32_t)i;
        r = (struct revival){os_now() + 3600 * PRETEND_SECOND, states[i % 4]};
        pretend_wake_at(r.when);
        assert_int_equal(ask(BLKIF_OP_READ, 0, 100), 0);
        assert_memory_equal(buffer, back.disk, 100 * 512);
    }
    pretend_dismiss(&r);
}

/* A disk that has shrunk meanwhile, and one that has gone for good. */
static void test_changed_disk(void **state)
{
    (void)state;
    start();
    back.hold = true;
    submit_many(BLKIF_OP_READ);
    pretend_bus_kill(&back.bus);
    back.hold = false;
    back.sectors = 40;
    pretend_bus_revive(&back.bus, 2);
    for (unsigned i = 0; i < 50 && done_count < MANY; i++) {
        blkfront_poll(front);
        os_wait(os_now() + 1);
    }
    assert_int_equal(done_count, MANY);
    assert_int_equal(many[0].status, 0);
    assert_int_equal(many[1].status, -XEN_EIO);
    assert_true(pretend_said("now 40"));
}

static void test_gone(void **state)
{
    (void)state;
    start();
    back.hold = true;
    submit_many(BLKIF_OP_READ);
    os_wait(os_now() + 1);
    pretend_bus_node(&back.bus, "online", "0");
    pretend_bus_state(&back.bus, 5);
    finish_many(-XEN_EIO);
    assert_int_equal(blkfront_submit(front, &many[0]), -XEN_EIO);
    assert_int_equal(blkfront_wait(front, os_now() + PRETEND_SECOND), -XEN_EIO);
    assert_false(pretend_said("broken"));
}

/* --- hostile backends */

static void evil_id(struct pretend_blk *b, blkif_response_t *a)
{
    (void)b;
    a->id += 32; /* the slot's next use */
}

static void evil_far_id(struct pretend_blk *b, blkif_response_t *a)
{
    (void)b;
    a->id = UINT64_MAX;
}

static void evil_operation(struct pretend_blk *b, blkif_response_t *a)
{
    (void)b;
    a->operation ^= 1;
}

static void evil_status(struct pretend_blk *b, blkif_response_t *a)
{
    (void)b;
    a->status = 1;
}

static void evil_low_status(struct pretend_blk *b, blkif_response_t *a)
{
    (void)b;
    a->status = -32768;
}

static void evil_many(struct pretend_blk *b, blkif_response_t *a)
{
    pretend_blk_answer(b, a);
}

static void evil_twice(struct pretend_blk *b, blkif_response_t *a)
{
    static blkif_response_t last;

    if (b->nwaiting % 2 == 0)
        last = *a;
    else
        *a = last;
}

static void evil_index(struct pretend_blk *b, blkif_response_t *a)
{
    (void)a;
    b->ring.rsp_prod_pvt += 33;
}

static void evil_index_back(struct pretend_blk *b, blkif_response_t *a)
{
    (void)a;
    b->ring.rsp_prod_pvt -= 2;
}

static void evil_index_few(struct pretend_blk *b, blkif_response_t *a)
{
    (void)a;
    b->ring.rsp_prod_pvt += b->nwaiting + 1; /* within the ring, but more than was asked */
}

static const struct {
    void (*evil)(struct pretend_blk *b, blkif_response_t *answer);
    const char *sentence;
} evils[] = {
    {evil_id, "not waited for"},
    {evil_far_id, "not waited for"},
    {evil_operation, "for operation"},
    {evil_status, "does not exist"},
    {evil_low_status, "does not exist"},
    {evil_twice, "not waited for"},
    {evil_many, ""},
    {evil_index, "answers to"},
    {evil_index_back, "answers to"},
    {evil_index_few, ""},
};

static void test_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(evils) / sizeof(evils[0]); i++) {
        memset(&back, 0, sizeof(back));
        pretend_forget_log();
        start_full();
        submit_many(BLKIF_OP_WRITE);
        for (unsigned n = 0; n < 20; n++) {
            blkfront_poll(front);
            os_wait(os_now() + 1);
            back.evil = evils[i].evil;
        }
        assert_true(pretend_said("device/vbd/51712: broken: "));
        if (!pretend_said(evils[i].sentence))
            fail_msg("hostile backend %zu: expected \"%s\": %s", i, evils[i].sentence,
                     pretend_log());
        assert_int_equal(done_count, MANY);
        assert_int_equal(many[MANY - 1].status, -XEN_EIO);
        assert_int_equal(ask(BLKIF_OP_READ, 0, 8), -XEN_EIO);
        assert_string_equal(pretend_read(GUEST_HOME "/device/vbd/51712/state"), "6");
        assert_string_not_equal(pretend_read(GUEST_HOME "/error/device/vbd/51712/error"),
                                "<ENOENT>");
        blkfront_close(front);
        front = NULL;
        pretend_blk_destroy(&back);
        assert_int_equal(pretend_pages, 0);
        assert_int_equal(do_rm(pretend_dom0, NULL, back.bus.front), 0);
        assert_int_equal(do_rm(pretend_dom0, NULL, back.bus.back), 0);
    }
    memset(&back, 0, sizeof(back));
}

/* Pages that a backend keeps mapped are not used for anything else until it lets go. */
static void test_kept_grants(void **state)
{
    (void)state;
    back.keep_maps = true;
    start_full();
    assert_int_equal(ask(BLKIF_OP_READ, 0, 256), 0);
    unsigned kept = pretend_mapped();
    assert_true(kept >= 32);
    pretend_bus_kill(&back.bus);
    pretend_bus_revive(&back.bus, 2);
    assert_int_equal(ask(BLKIF_OP_READ, 0, 8), 0);
    assert_true(pretend_pages >= kept);
    unsigned before = pretend_pages;
    pretend_bus_kill(&back.bus);
    pretend_blk_let_go(&back);
    pretend_bus_revive(&back.bus, 2);
    assert_int_equal(ask(BLKIF_OP_READ, 0, 8), 0);
    assert_true(pretend_pages < before - kept + 8);
    back.keep_maps = false;
    pretend_blk_let_go(&back);
}

static void test_keeps_too_much(void **state)
{
    (void)state;
    back.keep_maps = true;
    start_full();
    for (unsigned i = 0; i < 40 && !pretend_said("broken"); i++) {
        (void)ask(BLKIF_OP_READ, 0, 2048);
        pretend_bus_kill(&back.bus);
        pretend_bus_revive(&back.bus, 2);
        os_wait(os_now() + 1);
        blkfront_poll(front);
    }
    assert_true(pretend_said("broken: it keeps"));
    assert_true(pretend_pages < 2000);
    back.keep_maps = false;
    pretend_blk_let_go(&back);
}

/* Nodes that make no sense. */
static void test_bad_nodes(void **state)
{
    static const struct {
        const char *node, *value;
    } bad[] = {{"sector-size", "0"},
               {"sector-size", "513"},
               {"sector-size", "8192"},
               {"sector-size", "-512"},
               {"sectors", "0"},
               {"sectors", "18446744073709551615"},
               {"sectors", "many"},
               {"info", "x"},
               {"feature-flush-cache", "yes"},
               {"feature-max-indirect-segments", "1e6"}};
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&back, 0, sizeof(back));
        pretend_forget_log();
        back.bad_node = bad[i].node;
        back.bad_value = bad[i].value;
        pretend_blk_create(&back, DISK, SECTORS);
        assert_int_equal(blkfront_open(&front, store, back.bus.path), 0);
        assert_int_equal(blkfront_wait(front, os_now() + PRETEND_SECOND), -XEN_EIO);
        assert_true(pretend_said("broken: "));
        blkfront_close(front);
        front = NULL;
        pretend_blk_destroy(&back);
        assert_int_equal(do_rm(pretend_dom0, NULL, back.bus.front), 0);
    }
    memset(&back, 0, sizeof(back));
}

/* Any state, in any order, with requests on their way: nothing is lost, nothing hangs. */
static void test_any_state(void **state)
{
    unsigned seed = 1;
    (void)state;

    start_full();
    submit_many(BLKIF_OP_READ);
    for (unsigned i = 0; i < 400; i++) {
        seed = seed * 1103515245 + 12345;
        pretend_bus_state(&back.bus, (int)(seed >> 16) % 10);
        os_wait(os_now() + 1);
        blkfront_poll(front);
        if (done_count == MANY && blkfront_submit(front, &many[0]) == 0)
            done_count--;
    }
    pretend_bus_state(&back.bus, 6);
    for (unsigned i = 0; i < 50; i++) {
        os_wait(os_now() + 1);
        blkfront_poll(front);
    }
    if (!pretend_said("broken")) {
        finish_many(0);
        assert_int_equal(ask(BLKIF_OP_READ, 0, 8), 0);
    }
}

/* However many events: one call each, no memory. */
static void test_event_flood(void **state)
{
    (void)state;
    start();
    unsigned pages = pretend_pages;
    for (unsigned i = 0; i < 100000; i++) {
        pretend_signal(back.port);
        os_wait(os_now() + 1);
        blkfront_poll(front);
    }
    assert_int_equal(pretend_pages, pages);
    assert_int_equal(ask(BLKIF_OP_READ, 0, 8), 0);
}

/* Memory that ends anywhere: an error, and nothing lost. */
static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 120; n++) {
        memset(&back, 0, sizeof(back));
        back.indirect = 256;
        pretend_blk_create(&back, DISK, SECTORS);
        pretend_fail_after = n;
        int err = blkfront_open(&front, store, back.bus.path);
        if (err == 0)
            err = blkfront_wait(front, os_now() + 5 * PRETEND_SECOND);
        if (err == 0)
            err = ask(BLKIF_OP_READ, 0, 1000);
        pretend_fail_after = UINT32_MAX;
        if (err == 0)
            assert_memory_equal(buffer, back.disk, 1000 * 512);
        else
            assert_true(err == -XEN_ENOMEM || err == -XEN_EIO || err == -XEN_ENOSPC);
        if (front != NULL)
            blkfront_close(front);
        front = NULL;
        pretend_blk_destroy(&back);
        assert_int_equal(pretend_pages, 0);
        assert_int_equal(do_rm(pretend_dom0, NULL, back.bus.front), 0);
    }
    memset(&back, 0, sizeof(back));
}

static void test_several_disks(void **state)
{
    static struct pretend_blk second;
    struct blkfront *b;
    char path[XENBUS_PATH];
    (void)state;

    memset(&second, 0, sizeof(second));
    pretend_blk_create(&second, 51728, 16);
    pretend_write(GUEST_HOME "/device/vbd/abc", "no number");
    pretend_write(GUEST_HOME "/device/vbd/7x", "no number");
    pretend_write(GUEST_HOME "/device/vbd/99999999999999999999", "too large");
    start();
    assert_int_equal(xenbus_nth(store, "vbd", 1, path), 0);
    assert_string_equal(path, "device/vbd/51728");
    assert_int_equal(xenbus_nth(store, "vbd", 2, path), -XEN_ENOENT);
    assert_int_equal(xenbus_nth(store, "vif", 0, path), -XEN_ENOENT);
    assert_int_equal(blkfront_open(&b, store, "device/vbd/51728"), 0);
    assert_int_equal(blkfront_wait(b, os_now() + PRETEND_SECOND), 0);
    assert_int_equal(blkfront_do(b, BLKIF_OP_READ, 0, buffer, 16), 0);
    assert_memory_equal(buffer, second.disk, 16 * 512);
    assert_int_equal(blkfront_do(front, BLKIF_OP_READ, 0, buffer, 16), 0);
    assert_memory_equal(buffer, back.disk, 16 * 512);
    blkfront_close(b);
    pretend_blk_destroy(&second);
}

/* --- the console's ring, honest and not */

static void test_console(void **state)
{
    struct xencons_interface *page = pretend_console_page();
    static char text[3000], got[3000];
    struct console c;
    (void)state;

    pretend_blk_create(&back, DISK, 8);
    assert_int_equal(console_open(&c), 0);
    fill((uint8_t *)text, sizeof(text), 9);
    assert_int_equal(console_put(&c, text, 3000), 2048);
    assert_int_equal(console_put(&c, text, 1), 0);
    assert_false(console_drained(&c));
    page->out_cons += 100;
    assert_int_equal(console_put(&c, text + 2048, 952), 100);
    memcpy(got, page->out + 100, 1948);
    memcpy(got + 1948, page->out, 100);
    assert_memory_equal(got, text + 100, 2048);
    page->out_cons = page->out_prod + 5; /* senseless */
    assert_int_equal(console_put(&c, text, 10), 10);
    assert_int_equal(page->out_prod - page->out_cons, 10);
    page->out_cons = page->out_prod;
    assert_true(console_drained(&c));

    assert_int_equal(console_get(&c, got, 10), 0);
    memcpy(page->in, text, 1024);
    page->in_prod = 1024;
    assert_int_equal(console_get(&c, got, 1000), 1000);
    assert_memory_equal(got, text, 1000);
    page->in_prod = 1000000; /* senseless: dropped */
    assert_int_equal(console_get(&c, got, 1000), 0);
    page->in_prod++;
    assert_int_equal(console_get(&c, got, 1000), 1);
    os_event_close(PRETEND_CONSOLE_PORT);
}

static char printed[8192];
static size_t printed_len;

static bool read_console(void *context)
{
    struct xencons_interface *page = context;

    if (!pretend_kicked(PRETEND_CONSOLE_PORT))
        return false;
    for (int i = 0; i < 700 && page->out_cons != page->out_prod; i++)
        printed[printed_len++] = page->out[MASK_XENCONS_IDX(page->out_cons++, page->out)];
    pretend_signal(PRETEND_CONSOLE_PORT);
    if (page->out_cons != page->out_prod)
        os_event_send(PRETEND_CONSOLE_PORT); /* more next time */
    return true;
}

/* More than the ring holds, to a slow reader; and to nobody at all. */
static void test_console_waits(void **state)
{
    struct xencons_interface *page = pretend_console_page();
    static char text[6000];
    struct console c;
    (void)state;

    pretend_blk_create(&back, DISK, 8);
    assert_int_equal(console_open(&c), 0);
    pretend_act(read_console, page);
    fill((uint8_t *)text, sizeof(text), 4);
    printed_len = 0;
    console_write(&c, text, sizeof(text));
    while (!console_drained(&c))
        os_wait(os_now() + 1);
    assert_int_equal(printed_len, sizeof(text));
    assert_memory_equal(printed, text, sizeof(text));
    pretend_dismiss(page);
    os_event_close(PRETEND_CONSOLE_PORT);

    console_attach(&c, NULL, 0);
    console_write(&c, text, sizeof(text));
    assert_true(console_drained(&c));
    assert_int_equal(console_get(&c, text, 1), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_handshake),      TEST(test_data_direct),   TEST(test_data_indirect),
        TEST(test_refusals),       TEST(test_readonly),      TEST(test_many),
        TEST(test_replay),         TEST(test_long_absence),  TEST(test_changed_disk),
        TEST(test_gone),           TEST(test_hostile),       TEST(test_kept_grants),
        TEST(test_keeps_too_much), TEST(test_bad_nodes),     TEST(test_any_state),
        TEST(test_event_flood),    TEST(test_no_memory),     TEST(test_several_disks),
        TEST(test_console),        TEST(test_console_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
