/* SPDX-License-Identifier: MIT */
/*
 * The data path of a disk against a pretend guest, honest and not: what is answered, what stands
 * on the disk, and that a bad request harms only itself. The numbers in comments are those of the
 * list of abuses that other systems have seen.
 */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define SECTORS 2048u
#define DATA    100u /* first page for data */

static char folder[] = "/tmp/blkd-vbd-XXXXXX";
static struct vbd_host host;
static struct vbd_setup setup;
static struct vbd vbd;
static struct front front;
static struct failure why;

static int begin_with(bool writable, bool persistent, uint32_t ring_pages)
{
    fake_reset();
    memset(&host, 0, sizeof(host));
    host.folder = folder;
    setup = fake_setup(SECTORS, ring_pages);
    setup.image = fake_image(SECTORS, writable);
    setup.limits.readonly = !writable;
    setup.persistent = persistent;
    front_init(&front, ring_pages);
    memset(fake.access + DATA, FAKE_WRITE, FAKE_PAGES - DATA);
    return vbd_start(&vbd, &host, &setup, false, &why);
}

static int begin(void **state)
{
    (void)state;
    return begin_with(true, false, 1);
}

static int begin_persistent(void **state)
{
    (void)state;
    return begin_with(true, true, 1);
}

static int begin_readonly(void **state)
{
    (void)state;
    return begin_with(false, false, 1);
}

static int begin_large(void **state)
{
    (void)state;
    return begin_with(true, true, 4);
}

/* Whatever happened, nothing is held afterwards. */
static int end(void **state)
{
    (void)state;
    fake_complete_all();
    vbd_drain(&vbd);
    while (host.awake)
        vbd_run_all(&host);
    assert_true(vbd_is_idle(&vbd));
    vbd_end(&vbd, false);
    image_close(setup.image);
    assert_int_equal(fake.mapped, 0);
    assert_false(fake.bound);
    assert_int_equal(rmdir(folder), 0); /* no journal is left */
    assert_int_equal(mkdir(folder, 0700), 0);
    return 0;
}

/* What the event channel would bring about. */
static void kick(void)
{
    vbd_wake(&vbd);
    vbd_run_all(&host);
}

static void work(void)
{
    kick();
    while (fake.pending || host.awake) {
        fake_complete_all();
        vbd_run_all(&host);
    }
}

/* One request alone, to its answer. */
static blkif_response_t ask(const void *request)
{
    blkif_response_t r;

    front_put(&front, request);
    front_push(&front);
    work();
    assert_true(front_take(&front, &r));
    return r;
}

static int status_of(blkif_request_t r)
{
    blkif_response_t a = ask(&r);

    assert_int_equal(a.id, r.id);
    return a.status;
}

static void fill(uint32_t page, uint8_t value)
{
    memset(fake.pages[page], value, 4096);
}

static void expect_page(uint32_t page, uint8_t value)
{
    for (int i = 0; i < 4096; i++)
        assert_int_equal(fake.pages[page][i], value);
}

static void disk_holds(uint64_t sector, size_t n, uint8_t value)
{
    static _Alignas(4096) uint8_t got[65536]; /* the image may be open for O_DIRECT */

    assert_true(n <= sizeof(got));
    assert_int_equal(pread(setup.image->file.fd, got, n, (off_t)(sector * 512)), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(got[i], value);
}

/* --- honest guests --- */

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 11; i++)
        fill(DATA + i, (uint8_t)(i + 1));
    assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 1, 8, DATA, 11)), BLKIF_RSP_OKAY);
    for (uint32_t i = 0; i < 11; i++)
        disk_holds(8 + i * 8, 4096, (uint8_t)(i + 1));
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 2, 8, DATA + 20, 11)), BLKIF_RSP_OKAY);
    for (uint32_t i = 0; i < 11; i++)
        expect_page(DATA + 20 + i, (uint8_t)(i + 1));
}

static void parts_of_pages_stay_parts(void **state)
{
    blkif_request_t r = front_rw(BLKIF_OP_WRITE, 1, 100, DATA, 2);

    (void)state;
    fill(DATA, 0x11);
    fill(DATA + 1, 0x22);
    r.seg[0].first_sect = r.seg[0].last_sect = 7;
    r.seg[1].last_sect = 1;
    assert_int_equal(status_of(r), BLKIF_RSP_OKAY);
    disk_holds(99, 512, 0);
    disk_holds(100, 512, 0x11);
    disk_holds(101, 1024, 0x22);
    disk_holds(103, 512, 0);
    fill(DATA + 2, 0x33);
    r = front_rw(BLKIF_OP_READ, 2, 101, DATA + 2, 1);
    r.seg[0].first_sect = r.seg[0].last_sect = 3;
    assert_int_equal(status_of(r), BLKIF_RSP_OKAY);
    assert_int_equal(fake.pages[DATA + 2][3 * 512 - 1], 0x33);
    assert_int_equal(fake.pages[DATA + 2][3 * 512], 0x22);
    assert_int_equal(fake.pages[DATA + 2][4 * 512 - 1], 0x22);
    assert_int_equal(fake.pages[DATA + 2][4 * 512], 0x33);
}

static blkif_request_t indirect(uint8_t operation, uint64_t sector, uint32_t page, uint16_t n)
{
    union {
        blkif_request_t r;
        struct blkif_request_indirect i;
    } u;
    struct blkif_request_segment *s = (void *)fake.pages[page];

    memset(&u, 0xee, sizeof(u));
    u.i.operation = BLKIF_OP_INDIRECT;
    u.i.indirect_op = operation;
    u.i.nr_segments = n;
    u.i.id = 77;
    u.i.sector_number = sector;
    u.i.indirect_grefs[0] = page;
    for (uint32_t k = 0; k < n; k++)
        s[k] = (struct blkif_request_segment){.gref = DATA + 200 + k, .last_sect = 7};
    return u.r;
}

static void indirect_requests(void **state)
{
    blkif_request_t r = indirect(BLKIF_OP_WRITE, 16, DATA, 32);
    blkif_response_t a;

    (void)state;
    for (uint32_t i = 0; i < 32; i++)
        fill(DATA + 200 + i, (uint8_t)(0x40 + i));
    a = ask(&r);
    assert_int_equal(a.status, BLKIF_RSP_OKAY);
    assert_int_equal(a.operation, BLKIF_OP_WRITE); /* Linux wants the inner one */
    assert_int_equal(a.id, 77);
    for (uint32_t i = 0; i < 32; i++)
        disk_holds(16 + i * 8, 4096, (uint8_t)(0x40 + i));
    for (uint32_t i = 0; i < 32; i++)
        fill(DATA + 200 + i, 0);
    r = indirect(BLKIF_OP_READ, 16, DATA, 32);
    assert_int_equal(ask(&r).status, BLKIF_RSP_OKAY);
    for (uint32_t i = 0; i < 32; i++)
        expect_page(DATA + 200 + i, (uint8_t)(0x40 + i));
}

static void flush_alone_and_with_data(void **state)
{
    (void)state;
    assert_int_equal(status_of(front_rw(BLKIF_OP_FLUSH_DISKCACHE, 1, 0, 0, 0)), BLKIF_RSP_OKAY);
    assert_int_equal(fake.flushes, 1);
    fill(DATA, 0x99);
    assert_int_equal(status_of(front_rw(BLKIF_OP_FLUSH_DISKCACHE, 2, 40, DATA, 1)), BLKIF_RSP_OKAY);
    assert_int_equal(fake.flushes, 2);
    assert_int_equal(fake.writes, 1);
    disk_holds(40, 4096, 0x99);
}

static blkif_request_t discard(uint64_t sector, uint64_t n, uint8_t flag)
{
    union {
        blkif_request_t r;
        struct blkif_request_discard d;
    } u;

    memset(&u, 0xee, sizeof(u));
    u.d.operation = BLKIF_OP_DISCARD;
    u.d.flag = flag;
    u.d.id = 5;
    u.d.sector_number = sector;
    u.d.nr_sectors = n;
    return u.r;
}

static void discards(void **state)
{
    (void)state;
    fill(DATA, 0x99);
    assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 1, 8, DATA, 1)), BLKIF_RSP_OKAY);
    assert_int_equal(status_of(discard(8, 8, BLKIF_DISCARD_SECURE)), BLKIF_RSP_EOPNOTSUPP);
    assert_int_equal(fake.discards, 0);
    assert_int_equal(status_of(discard(8, 8, 0)), BLKIF_RSP_OKAY);
    disk_holds(8, 4096, 0);
    assert_int_equal(status_of(discard(SECTORS - 1, 2, 0)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(discard(8, UINT64_MAX, 0)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(discard(UINT64_MAX - 3, 8, 0)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(discard(8, 0, 0)), BLKIF_RSP_ERROR);
    assert_int_equal(fake.discards, 1);
    fake.io_error = -95; /* EOPNOTSUPP */
    assert_int_equal(status_of(discard(8, 8, 0)), BLKIF_RSP_EOPNOTSUPP);
}

static void a_full_ring_many_times_over(void **state)
{
    uint64_t sent = 0, got = 0;
    blkif_response_t a;

    (void)state;
    for (int round = 0; round < 50; round++) {
        while (!RING_FULL(&front.ring)) {
            blkif_request_t r = front_rw(sent % 3 ? BLKIF_OP_WRITE : BLKIF_OP_READ, sent,
                                         sent % 200 * 8, DATA + (uint32_t)(sent % 300), 1);
            front_put(&front, &r);
            sent++;
        }
        front_push(&front);
        kick();
        while (fake.pending > 3) /* out of order, some stay */
            fake_complete(fake.pending / 2);
        vbd_run_all(&host);
        while (front_take(&front, &a)) {
            assert_int_equal(a.status, BLKIF_RSP_OKAY);
            got++;
        }
    }
    work();
    while (front_take(&front, &a))
        got++;
    assert_int_equal(got, sent);
}

static void a_batch_costs_one_call_of_each_kind(void **state)
{
    blkif_response_t a;

    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        blkif_request_t r = front_rw(BLKIF_OP_WRITE, i, i * 8, DATA + i, 1);
        front_put(&front, &r);
    }
    front.ring.sring->rsp_event = front.ring.rsp_cons + 1;
    front_push(&front);
    work();
    assert_int_equal(fake.copies, 1);
    assert_int_equal(fake.notified, 1);
    while (front_take(&front, &a))
        assert_int_equal(a.status, BLKIF_RSP_OKAY);
}

static void persistent_pages_are_mapped_once_and_given_back(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 1, 8, DATA, 4)), BLKIF_RSP_OKAY);
    assert_int_equal(fake.maps, 1 + 1); /* the ring, and the data */
    assert_int_equal(fake.mapped, 1 + 4);
    assert_int_equal(fake.copies, 0);
    /* end() looks whether all is unmapped */
}

/* 66: a guest that offers ever more pages is served, and we do not hoard them */
static void persistent_pages_have_a_limit(void **state)
{
    (void)state;
    for (uint32_t i = 0; i + 11 < FAKE_PAGES - DATA; i += 11) {
        fill(DATA + i, (uint8_t)i);
        assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, i, 8, DATA + i, 11)), BLKIF_RSP_OKAY);
        disk_holds(8, 4096, (uint8_t)i);
    }
    assert_true(fake.mapped <= 1 + 32 * (SEGMENTS_MAX + 1));
    assert_true(fake.copies > 0);
}

static void a_ring_of_four_pages(void **state)
{
    blkif_response_t a;

    (void)state;
    assert_int_equal(RING_SIZE(&front.ring), RING_SLOTS_MAX);
    for (uint32_t i = 0; i < RING_SLOTS_MAX; i++) {
        blkif_request_t r = front_rw(BLKIF_OP_READ, i, i * 8, DATA + i, 1);
        front_put(&front, &r);
    }
    front_push(&front);
    work();
    for (uint32_t i = 0; i < RING_SLOTS_MAX; i++) {
        assert_true(front_take(&front, &a));
        assert_int_equal(a.status, BLKIF_RSP_OKAY);
    }
}

static void io_errors_reach_the_guest_and_short_ones_go_on(void **state)
{
    (void)state;
    fake.io_error = -5;
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 1, 0, DATA, 1)), BLKIF_RSP_ERROR);
    fake.io_error = -11; /* EAGAIN: again */
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 2, 0, DATA, 1)), BLKIF_RSP_OKAY);
    fill(DATA, 0x77);
    fake.short_by = 3072;
    assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 3, 0, DATA, 1)), BLKIF_RSP_OKAY);
    disk_holds(0, 4096, 0x77);
    fill(DATA, 0);
    fake.short_by = 3072;
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 4, 0, DATA, 1)), BLKIF_RSP_OKAY);
    expect_page(DATA, 0x77);
    assert_int_equal(ftruncate(setup.image->file.fd, 512), 0); /* somebody shortens the image */
    fill(DATA, 0xab);
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 5, 0, DATA, 1)), BLKIF_RSP_ERROR);
    expect_page(DATA, 0xab); /* nothing of a failed read is shown */
}

/* --- guests that are not --- */

/* 64: a request that changes after it was taken is done as it was */
static void changed_after_it_was_read(void **state)
{
    blkif_request_t r = front_rw(BLKIF_OP_WRITE, 1, 8, DATA, 1), evil;
    blkif_response_t a;

    (void)state;
    fill(DATA, 0x11);
    front_put(&front, &r);
    front_push(&front);
    kick(); /* taken, judged, not done */
    memset(&evil, 0xff, sizeof(evil));
    memcpy(RING_GET_REQUEST(&front.ring, 0), &evil, sizeof(evil));
    fill(DATA, 0x66);
    work();
    assert_true(front_take(&front, &a));
    assert_int_equal(a.id, 1);
    assert_int_equal(a.status, BLKIF_RSP_OKAY);
    disk_holds(8, 4096, 0x11);
}

/* 64: likewise the segments of an indirect request */
static void indirect_segments_changed_after_they_were_read(void **state)
{
    blkif_request_t r = indirect(BLKIF_OP_READ, 0, DATA, 20);
    blkif_response_t a;

    (void)state;
    front_put(&front, &r);
    front_push(&front);
    kick();
    memset(fake.pages[DATA], 0xff, 4096);
    memset(fake.pages[DATA + 300], 0xab, 4096);
    work();
    assert_true(front_take(&front, &a));
    assert_int_equal(a.status, BLKIF_RSP_OKAY);
    expect_page(DATA + 300, 0xab);
}

/* 65: counts and places */
static void requests_outside_the_disk_or_the_page(void **state)
{
    blkif_request_t r;

    (void)state;
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 1, SECTORS - 8, DATA, 1)), BLKIF_RSP_OKAY);
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 2, SECTORS - 7, DATA, 1)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 3, SECTORS, DATA, 1)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 4, UINT64_MAX, DATA, 1)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 5, UINT64_MAX - 7, DATA, 1)),
                     BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 5, UINT64_MAX / 512 - 7, DATA, 1)),
                     BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 6, 0, DATA, 0)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 7, 0, DATA, 12)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 8, 0, DATA, 255)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_FLUSH_DISKCACHE, 9, 0, DATA, 12)),
                     BLKIF_RSP_ERROR);
    r = front_rw(BLKIF_OP_READ, 10, 0, DATA, 2);
    r.seg[1].last_sect = 8;
    assert_int_equal(status_of(r), BLKIF_RSP_ERROR);
    r.seg[1].last_sect = 255;
    assert_int_equal(status_of(r), BLKIF_RSP_ERROR);
    r.seg[1].first_sect = 5;
    r.seg[1].last_sect = 4;
    assert_int_equal(status_of(r), BLKIF_RSP_ERROR);
    assert_int_equal(fake.reads, 1);
    assert_int_equal(fake.writes, 0);
}

static void bad_indirect_requests(void **state)
{
    blkif_request_t r;

    (void)state;
    r = indirect(BLKIF_OP_READ, 0, DATA, 0);
    assert_int_equal(ask(&r).status, BLKIF_RSP_ERROR);
    r = indirect(BLKIF_OP_READ, 0, DATA, SEGMENTS_MAX + 1);
    assert_int_equal(ask(&r).status, BLKIF_RSP_ERROR);
    r = indirect(BLKIF_OP_READ, 0, DATA, 512);
    assert_int_equal(ask(&r).status, BLKIF_RSP_ERROR);
    r = indirect(BLKIF_OP_INDIRECT, 0, DATA, 1);
    assert_int_equal(ask(&r).status, BLKIF_RSP_ERROR);
    r = indirect(BLKIF_OP_DISCARD, 0, DATA, 1);
    assert_int_equal(ask(&r).status, BLKIF_RSP_ERROR);
    r = indirect(BLKIF_OP_READ, SECTORS - 100, DATA, 20);
    assert_int_equal(ask(&r).status, BLKIF_RSP_ERROR);
    r = indirect(BLKIF_OP_READ, 0, DATA, 20);
    ((struct blkif_request_segment *)(void *)fake.pages[DATA])[19].last_sect = 9;
    assert_int_equal(ask(&r).status, BLKIF_RSP_ERROR);
    r = indirect(BLKIF_OP_READ, 0, DATA, 20);
    fake.access[DATA] = FAKE_NONE; /* 66: the page of segments itself */
    assert_int_equal(ask(&r).status, BLKIF_RSP_ERROR);
    assert_int_equal(fake.reads, 0);
}

static void unknown_operations(void **state)
{
    (void)state;
    for (unsigned int op = 0; op < 256; op++) {
        blkif_request_t r = front_rw((uint8_t)op, op, 0, DATA, 1);
        blkif_response_t a;

        if (op == BLKIF_OP_READ || op == BLKIF_OP_WRITE || op == BLKIF_OP_FLUSH_DISKCACHE ||
            op == BLKIF_OP_DISCARD || op == BLKIF_OP_INDIRECT)
            continue;
        a = ask(&r);
        assert_int_equal(a.status, BLKIF_RSP_EOPNOTSUPP);
        assert_int_equal(a.operation, op);
        assert_int_equal(a.id, op);
    }
    assert_int_equal(fake.reads + fake.writes + fake.flushes + fake.discards, 0);
}

/* 66: pages that cannot be had fail their own request, others beside it go through */
static void pages_that_are_not_granted(void **state)
{
    blkif_response_t a;

    (void)state;
    fake.access[DATA + 1] = FAKE_NONE;
    fake.access[DATA + 2] = FAKE_READ;
    for (uint32_t i = 0; i < 4; i++) {
        blkif_request_t r = front_rw(i < 2 ? BLKIF_OP_WRITE : BLKIF_OP_READ, i, 8, DATA + i, 1);
        front_put(&front, &r);
    }
    front_push(&front);
    work();
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(front_take(&front, &a));
        assert_int_equal(a.status, a.id == 1 || a.id == 2 ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY);
    }
    assert_int_equal(fake.writes, 1); /* nothing of the failed one reached the disk */
    assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 9, 8, FAKE_PAGES + 5, 1)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 9, 8, UINT32_MAX, 1)), BLKIF_RSP_ERROR);
    fake.access[DATA + 2] = FAKE_READ; /* enough to write from */
    assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 9, 8, DATA + 2, 1)), BLKIF_RSP_OKAY);
}

/* 66: and mapping is given up on, service is not */
static void pages_that_cannot_be_mapped(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        fake.access[DATA + i] = FAKE_READ;
        assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, i, 8, DATA + i, 1)), BLKIF_RSP_OKAY);
    }
    assert_true(fake.maps < 20);
    assert_int_equal(fake.mapped, 1);
}

/* 68: every byte of an answer is ours */
static void answers_have_no_stray_bytes(void **state)
{
    blkif_request_t r = front_rw(BLKIF_OP_READ, 0x1122334455667788, 0, DATA, 1);
    const uint8_t want[16] = {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, BLKIF_OP_READ};
    blkif_response_t a;

    (void)state;
    a = ask(&r);
    assert_memory_equal(&a, want, sizeof(want));
}

/* 69 */
static void writes_to_a_readonly_disk(void **state)
{
    blkif_request_t r;

    (void)state;
    assert_int_equal(status_of(front_rw(BLKIF_OP_READ, 1, 0, DATA, 1)), BLKIF_RSP_OKAY);
    assert_int_equal(status_of(front_rw(BLKIF_OP_WRITE, 2, 0, DATA, 1)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_FLUSH_DISKCACHE, 3, 0, DATA, 1)), BLKIF_RSP_ERROR);
    assert_int_equal(status_of(front_rw(BLKIF_OP_FLUSH_DISKCACHE, 4, 0, 0, 0)), BLKIF_RSP_OKAY);
    assert_int_equal(status_of(discard(0, 8, 0)), BLKIF_RSP_ERROR);
    r = indirect(BLKIF_OP_WRITE, 0, DATA, 12);
    assert_int_equal(ask(&r).status, BLKIF_RSP_ERROR);
    assert_int_equal(fake.writes + fake.discards, 0);
}

static void a_producer_index_out_of_range_stops_the_disk(void **state)
{
    blkif_request_t r = front_rw(BLKIF_OP_WRITE, 1, 0, DATA, 1);
    blkif_response_t a;

    (void)state;
    front_put(&front, &r);
    front_push(&front);
    kick();
    front.ring.sring->req_prod = 34; /* 33 more, of 32, with one in hand */
    kick();
    assert_int_equal(fake_broken, 1);
    assert_non_null(strstr(fake_why.text, "index"));
    assert_false(vbd_is_idle(&vbd)); /* what is in hand ends first */
    work();
    assert_true(vbd_is_idle(&vbd));
    assert_true(fake_idle > 0);
    assert_false(front_take(&front, &a)); /* and the ring is left alone */
    front.ring.sring->req_prod = 2;
    kick();
    assert_int_equal(fake_broken, 1);
    assert_int_equal(fake.writes, 1);
}

static void a_producer_index_going_back_stops_the_disk(void **state)
{
    blkif_request_t r = front_rw(BLKIF_OP_WRITE, 1, 0, DATA, 1);

    (void)state;
    assert_int_equal(status_of(r), BLKIF_RSP_OKAY);
    front.ring.sring->req_prod = 0;
    kick();
    assert_int_equal(fake_broken, 1);
}

/* Back behind what has been taken, not behind what has been answered: whoever takes all the way
 * round to it runs out of slots. */
static void a_producer_index_going_back_over_work_in_hand_stops_the_disk(void **state)
{
    blkif_request_t r = front_rw(BLKIF_OP_WRITE, 1, 0, DATA, 1);

    (void)state;
    for (int i = 0; i < 32; i++)
        front_put(&front, &r);
    front.ring.sring->req_prod = 2;
    kick();
    assert_int_equal(vbd.in_flight, 2);
    front.ring.sring->req_prod = 1;
    kick();
    assert_int_equal(fake_broken, 1);
    work();
    assert_true(vbd_is_idle(&vbd));
    assert_int_equal(fake.writes, 2);
}

/* A guest that asks for nonsense without end does not keep the others waiting. */
static void nonsense_without_end_takes_turns(void **state)
{
    (void)state;
    for (int turn = 0; turn < 10; turn++) {
        /* always a full ring ahead of what has been answered */
        front.ring.sring->req_prod = vbd.ring.rsp_prod_pvt + 32;
        kick();
        assert_true(vbd.ring.rsp_prod_pvt <= (uint32_t)(turn + 1) * 64);
        assert_int_equal(fake_broken, 0);
        fake_complete_all();
    }
}

/* --- ends --- */

static void a_drained_disk_answers_what_it_has(void **state)
{
    blkif_request_t r = front_rw(BLKIF_OP_WRITE, 1, 8, DATA, 1);
    blkif_response_t a;

    (void)state;
    fill(DATA, 0x12);
    front_put(&front, &r);
    front_push(&front);
    kick();
    vbd_drain(&vbd);
    front_put(&front, &r);
    front_push(&front);
    vbd_run_all(&host);
    assert_false(vbd_is_idle(&vbd));
    work();
    assert_true(vbd_is_idle(&vbd));
    assert_true(front_take(&front, &a));
    assert_false(front_take(&front, &a)); /* the second was not taken */
    disk_holds(8, 4096, 0x12);
}

static void rings_that_cannot_be_had(void **state)
{
    struct vbd other;
    struct vbd_setup bad = setup;

    (void)state;
    bad.ring.vdev = 51728;
    bad.ring.refs[0] = 60; /* not granted */
    assert_int_equal(vbd_start(&other, &host, &bad, false, &why), -1);
    assert_non_null(strstr(why.text, "ring"));
    bad = setup;
    bad.ring.vdev = 51728;
    fake.bind_errno = 22;
    assert_int_equal(vbd_start(&other, &host, &bad, false, &why), -1);
    assert_non_null(strstr(why.text, "event channel"));
    assert_int_equal(fake.mapped, 1); /* the first disk's */
    assert_ptr_equal(host.all, &vbd);
}

int main(void)
{
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, end)
    const struct CMUnitTest tests[] = {
        WITH(begin, what_is_written_is_read),
        WITH(begin_persistent, what_is_written_is_read),
        WITH(begin, parts_of_pages_stay_parts),
        WITH(begin_persistent, parts_of_pages_stay_parts),
        WITH(begin, indirect_requests),
        WITH(begin_persistent, indirect_requests),
        WITH(begin, flush_alone_and_with_data),
        WITH(begin, discards),
        WITH(begin, a_full_ring_many_times_over),
        WITH(begin_large, a_full_ring_many_times_over),
        WITH(begin, a_batch_costs_one_call_of_each_kind),
        WITH(begin_persistent, persistent_pages_are_mapped_once_and_given_back),
        WITH(begin_persistent, persistent_pages_have_a_limit),
        WITH(begin_large, a_ring_of_four_pages),
        WITH(begin, io_errors_reach_the_guest_and_short_ones_go_on),
        WITH(begin, changed_after_it_was_read),
        WITH(begin_persistent, changed_after_it_was_read),
        WITH(begin, indirect_segments_changed_after_they_were_read),
        WITH(begin, requests_outside_the_disk_or_the_page),
        WITH(begin, bad_indirect_requests),
        WITH(begin, unknown_operations),
        WITH(begin, pages_that_are_not_granted),
        WITH(begin_persistent, pages_that_are_not_granted),
        WITH(begin_persistent, pages_that_cannot_be_mapped),
        WITH(begin, answers_have_no_stray_bytes),
        WITH(begin_readonly, writes_to_a_readonly_disk),
        WITH(begin, a_producer_index_out_of_range_stops_the_disk),
        WITH(begin, a_producer_index_going_back_stops_the_disk),
        WITH(begin, a_producer_index_going_back_over_work_in_hand_stops_the_disk),
        WITH(begin, nonsense_without_end_takes_turns),
        WITH(begin, a_drained_disk_answers_what_it_has),
        WITH(begin, rings_that_cannot_be_had),
    };
    int failed;

    if (!mkdtemp(folder))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
