/* SPDX-License-Identifier: MIT */
/*
 * Disks on the bus: the xenbus handshake (backends/lib/xenbus.c) and what stands between it and the
 * data path (disk.c), over a store in memory in which the test plays toolstack and frontend.
 */
#include "backends/blkd/disk.h"
#include "fake.h"
#include "tests/host/xl/fake_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define BACK  "/local/domain/0/backend/qdisk/7/51712"
#define FRONT "/local/domain/7/device/vbd/51712"
#define ERROR "/local/domain/0/error/backend/qdisk/7/51712/error"
#define DATA  100u

static char folder[] = "/tmp/blkd-disk-XXXXXX", image[64];
static struct store *store;
static struct xenbus *bus;
static struct xenbus_driver driver;
static struct vbd_host host;
static struct front front;
static bool changed; /* an event is due */
static bool dies;    /* the store's daemon */

/* --- what the pretend store lacks: one connection, and events that say "look at everything" --- */

struct store *store_open(void)
{
    return store;
}

int store_fd(const struct store *s)
{
    (void)s;
    return -1;
}

int store_watch(struct store *s, const char *path, const char *token)
{
    (void)s;
    assert_string_equal(path, "/local/domain/0/backend/qdisk");
    assert_string_equal(token, "back");
    return 0;
}

int store_next_event(struct store *s, struct store_event **event)
{
    static const struct store_event everything = {"/local/domain/0/backend/qdisk", "back"};

    (void)s;
    if (dies) {
        dies = false;
        errno = EPIPE;
        return -1;
    }
    if (!changed)
        return 0;
    changed = false;
    *event = malloc(sizeof(**event));
    **event = everything;
    return 1;
}

static bool list_fails;
char **__real_store_directory(struct store *s, store_tx tx, const char *path, size_t *n);
char **__wrap_store_directory(struct store *s, store_tx tx, const char *path, size_t *n);

char **__wrap_store_directory(struct store *s, store_tx tx, const char *path, size_t *n)
{
    if (!list_fails)
        return __real_store_directory(s, tx, path, n);
    errno = EPIPE;
    return NULL;
}

/* --- the other sides --- */

static void set(const char *directory, const char *key, const char *value)
{
    store_writef(store, STORE_NO_TX, value, "%s/%s", directory, key);
    changed = true;
}

static void set_number(const char *directory, const char *key, unsigned int value)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", value);
    set(directory, key, text);
}

static uint64_t get(const char *directory, const char *key)
{
    uint64_t value = 0;

    store_read_u64(store, STORE_NO_TX, &value, "%s/%s", directory, key);
    return value;
}

static void serve(void)
{
    for (int i = 0; i < 10; i++) {
        xenbus_serve(bus, true);
        vbd_run_all(&host);
    }
}

static void work(void)
{
    for (int i = 0; i < 10; i++) {
        serve();
        fake_complete_all();
    }
}

static void expect_state(enum xenbus_state want)
{
    work();
    assert_int_equal(get(BACK, "state"), want);
}

static void toolstack_makes(const char *params, const char *mode)
{
    set(BACK, "frontend", FRONT);
    set(BACK, "frontend-id", "7");
    set(BACK, "online", "1");
    set(BACK, "params", params);
    set(BACK, "mode", mode);
    set(BACK, "discard-enable", "1");
    set(FRONT, "backend", BACK);
    set(FRONT, "state", "1");
    set(BACK, "state", "1");
}

static void frontend_offers(uint32_t first_page)
{
    set_number(FRONT, "ring-ref", first_page);
    set_number(FRONT, "event-channel", FAKE_PORT);
    set(FRONT, "protocol", "x86_64-abi");
    set_number(FRONT, "feature-persistent", 1);
    set(FRONT, "state", "3");
}

static void fresh_ring(uint32_t page)
{
    fake.access[page] = FAKE_WRITE;
    XEN_FRONT_RING_INIT(&front.ring, (blkif_sring_t *)(void *)fake.pages[page], 4096u);
}

static void connect_all(void)
{
    toolstack_makes(image, "w");
    expect_state(XenbusStateInitWait);
    fresh_ring(1);
    frontend_offers(1);
    expect_state(XenbusStateConnected);
    set(FRONT, "state", "4");
    expect_state(XenbusStateConnected);
}

static void put(uint8_t operation, uint64_t id)
{
    blkif_request_t r = front_rw(operation, id, id * 8, DATA + (uint32_t)id, 1);

    front_put(&front, &r);
    front_push(&front);
    for (struct vbd *v = host.all; v; v = v->next)
        vbd_wake(v);
    vbd_run_all(&host);
}

static void expect_answer(uint64_t id, int status)
{
    blkif_response_t a;

    work();
    assert_true(front_take(&front, &a));
    assert_int_equal(a.id, id);
    assert_int_equal(a.status, status);
}

static void start_daemon(void)
{
    struct failure why;

    memset(&host, 0, sizeof(host));
    host.folder = folder;
    driver = disk_driver("qdisk", &host);
    bus = xenbus_open(&driver, &why);
    assert_non_null(bus);
}

static int begin(void **state)
{
    (void)state;
    fake_reset();
    memset(fake.access + DATA, FAKE_WRITE, FAKE_PAGES - DATA);
    store = fake_store();
    store_writef(store, STORE_NO_TX, "0", "domid");
    start_daemon();
    return 0;
}

/* The toolstack takes everything away: nothing may be left. */
static int end(void **state)
{
    (void)state;
    store_rm(store, STORE_NO_TX, BACK);
    changed = true;
    work();
    assert_null(xenbus_devices(bus));
    assert_null(host.all);
    assert_int_equal(fake.mapped, 0);
    assert_false(fake.bound);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    store_close(store);
    free(bus);
    return 0;
}

/* --- the usual --- */

static void a_disk_from_its_beginning_to_its_end(void **state)
{
    (void)state;
    connect_all();
    assert_int_equal(get(BACK, "sectors"), 2048);
    assert_int_equal(get(BACK, "sector-size"), 512);
    assert_int_equal(get(BACK, "info"), 0);
    assert_int_equal(get(BACK, "feature-flush-cache"), 1);
    assert_int_equal(get(BACK, "feature-persistent"), 1);
    assert_int_equal(get(BACK, "feature-discard"), 1);
    assert_int_equal(get(BACK, "feature-max-indirect-segments"), SEGMENTS_MAX);
    put(BLKIF_OP_WRITE, 1);
    expect_answer(1, BLKIF_RSP_OKAY);
    set(BACK, "online", "0"); /* the toolstack takes it away */
    set(BACK, "state", "5");
    work();
    assert_int_equal(get(BACK, "state"), 5); /* the frontend has not answered */
    assert_null(host.all);
    set(FRONT, "state", "6");
    expect_state(XenbusStateClosed);
    assert_int_equal(store_exists(store, STORE_NO_TX, ERROR), 0);
    set(BACK, "state", "5"); /* once more */
    expect_state(XenbusStateClosed);
}

static void a_readonly_disk_and_a_cdrom(void **state)
{
    (void)state;
    set(BACK, "device-type", "cdrom");
    toolstack_makes(image, "r");
    expect_state(XenbusStateInitWait);
    assert_int_equal(get(BACK, "info"), VDISK_READONLY | VDISK_CDROM | VDISK_REMOVABLE);
    assert_int_equal(get(BACK, "feature-discard"), 0);
    fresh_ring(1);
    frontend_offers(1);
    expect_state(XenbusStateConnected);
    put(BLKIF_OP_WRITE, 1);
    expect_answer(1, BLKIF_RSP_ERROR);
}

static void params_of_other_tools(void **state)
{
    char params[80];

    (void)state;
    snprintf(params, sizeof(params), "aio:%s", image);
    toolstack_makes(params, "w");
    expect_state(XenbusStateInitWait);
}

static void a_frontend_that_vanishes(void **state)
{
    (void)state;
    connect_all();
    fake.manual = true;
    put(BLKIF_OP_WRITE, 1);
    store_rm(store, STORE_NO_TX, FRONT);
    changed = true;
    serve();
    assert_int_equal(get(BACK, "state"), 5); /* I/O is under way */
    assert_non_null(host.all);
    expect_state(XenbusStateClosed);
    assert_null(host.all);
}

/* 67, and what a kernel does that is started by another one */
static void a_frontend_closes_and_comes_again(void **state)
{
    (void)state;
    connect_all();
    put(BLKIF_OP_WRITE, 1); /* in flight */
    set(FRONT, "state", "5");
    serve();
    assert_int_equal(get(BACK, "state"), 5);
    set(FRONT, "state", "6");
    expect_state(XenbusStateClosed);
    set(FRONT, "state", "1");
    expect_state(XenbusStateInitWait);
    fresh_ring(2);
    frontend_offers(2);
    expect_state(XenbusStateConnected);
    put(BLKIF_OP_WRITE, 2);
    expect_answer(2, BLKIF_RSP_OKAY);
}

/* 67: without a word, with requests in flight, to the same ring or another */
static void a_frontend_starts_anew_without_closing(void **state)
{
    (void)state;
    connect_all();
    put(BLKIF_OP_WRITE, 1);
    set(FRONT, "state", "1");
    serve();
    assert_int_equal(get(BACK, "state"), 4); /* its I/O is waited for */
    expect_state(XenbusStateInitWait);
    fresh_ring(1);
    frontend_offers(1);
    expect_state(XenbusStateConnected);
    put(BLKIF_OP_WRITE, 2);
    serve();
    fresh_ring(2);
    frontend_offers(2); /* state 3 again, other details */
    expect_state(XenbusStateConnected);
    put(BLKIF_OP_WRITE, 3);
    expect_answer(3, BLKIF_RSP_OKAY);
    assert_int_equal(fake.mapped, 1 + 1); /* the new ring and a page of data */
}

static void toggling_is_survived(void **state)
{
    (void)state;
    connect_all();
    for (int i = 0; i < 200; i++) {
        fresh_ring(1 + (uint32_t)i % 8);
        frontend_offers(1 + (uint32_t)i % 8);
        set_number(FRONT, "state", (unsigned int)rand() % 9);
        serve();
        if (host.all && host.all->mode == VBD_RUNNING && i % 2)
            put(BLKIF_OP_WRITE, 1);
        if (fake.pending && i % 3 == 0)
            fake_complete(0);
    }
    set(FRONT, "state", "6");
    expect_state(XenbusStateClosed);
}

/* --- what goes wrong --- */

static void expect_error(const char *word)
{
    char *text;

    expect_state(XenbusStateClosing);
    text = store_read(store, STORE_NO_TX, ERROR, NULL);
    assert_non_null(text);
    assert_non_null(strstr(text, word));
    free(text);
}

static void images_that_cannot_be_used(void **state)
{
    static const struct {
        const char *params, *mode, *word;
    } bad[] = {
        {"/nonexistent/image", "w", "No such file"},
        {"/dev/null", "w", "neither a file"},
        {"/tmp", "r", "neither a file"},
        {"qcow2:/tmp/x", "w", "only raw images"},
        {"relative", "w", "only raw images"},
        {"", "r", "no medium"},
        {"aio:", "r", "no medium"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        toolstack_makes(bad[i].params, bad[i].mode);
        expect_error(bad[i].word);
        store_rm(store, STORE_NO_TX, BACK);
        changed = true;
        work();
        assert_null(xenbus_devices(bus));
        assert_int_equal(store_exists(store, STORE_NO_TX, ERROR), 0);
    }
}

static void frontends_with_bad_nodes(void **state)
{
    static const struct {
        const char *key, *value, *word;
    } bad[] = {
        {"ring-ref", "nonsense", "ring-ref"},     {"ring-ref", "99999999999", "ring-ref"},
        {"ring-ref", "60", "cannot be mapped"},   {"event-channel", "77", "event channel"},
        {"event-channel", "-1", "event-channel"}, {"protocol", "x86_32-abi", "protocol"},
        {"ring-page-order", "9", "ring-page"},    {"ring-page-order", "2", "ring-ref0"},
    };

    (void)state;
    toolstack_makes(image, "w");
    expect_state(XenbusStateInitWait);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fresh_ring(1);
        frontend_offers(1);
        set(FRONT, bad[i].key, bad[i].value);
        expect_error(bad[i].word);
        store_rm(store, STORE_NO_TX, FRONT "/ring-page-order");
        set(FRONT, "state", "6");
        expect_state(XenbusStateClosed);
        set(FRONT, "state", "1"); /* it may try again */
        expect_state(XenbusStateInitWait);
        assert_int_equal(store_exists(store, STORE_NO_TX, ERROR), 0);
    }
    fresh_ring(1);
    frontend_offers(1);
    expect_state(XenbusStateConnected);
}

static void a_broken_ring_closes_its_disk(void **state)
{
    (void)state;
    connect_all();
    front.ring.sring->req_prod = 1000;
    vbd_wake(host.all);
    vbd_run_all(&host);
    expect_error("index of requests (1000) makes no sense");
    assert_null(host.all);
}

static void an_image_that_another_program_holds(void **state)
{
    int fd = open(image, O_RDWR);

    (void)state;
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    toolstack_makes(image, "w");
    expect_state(XenbusStateInitialising);
    assert_true(xenbus_timeout(bus) >= 0);
    close(fd);
    usleep(50000);
    expect_state(XenbusStateInitWait);
    fd = open(image, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1); /* now it is ours */
    close(fd);
}

/* --- a successor --- */

/* The daemon is gone, with all that it had mapped, bound and under way. */
static void kill_daemon(void)
{
    struct vbd *v = host.all;

    fake.pending = 0;
    v->in_flight = 0;
    vbd_end(v, true);
    for (struct xenbus_device *d = xenbus_devices(bus), *next; d; d = next) {
        next = d->next;
        host.folder = "/nonexistent"; /* a killed one tidies nothing up */
        driver.release(d);
        free(d);
    }
    free(bus);
    start_daemon();
}

static void a_successor_goes_on(void **state)
{
    (void)state;
    connect_all();
    memset(fake.pages[DATA + 1], 0x42, 4096);
    put(BLKIF_OP_WRITE, 1);
    put(BLKIF_OP_WRITE, 2);
    fake_complete(1);
    kill_daemon();
    work();
    assert_int_equal(get(BACK, "state"), 4);
    expect_answer(1, BLKIF_RSP_OKAY);
    expect_answer(2, BLKIF_RSP_OKAY);
    put(BLKIF_OP_READ, 1);
    expect_answer(1, BLKIF_RSP_OKAY);
    assert_int_equal(fake.pages[DATA + 1][4095], 0x42);
}

static void a_successor_waits_for_its_predecessors_io(void **state)
{
    int fd;

    (void)state;
    connect_all();
    put(BLKIF_OP_WRITE, 1);
    kill_daemon();
    fd = open(image, O_RDWR); /* the lock, as an open file with I/O under way keeps it */
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    work();
    assert_null(host.all);
    assert_int_equal(get(BACK, "state"), 4);
    assert_int_equal(fake.pending, 0);
    close(fd);
    usleep(50000);
    expect_answer(1, BLKIF_RSP_OKAY);
}

static void a_successor_without_its_journal_says_so(void **state)
{
    char path[80];

    (void)state;
    connect_all();
    put(BLKIF_OP_WRITE, 1);
    snprintf(path, sizeof(path), "%s/7-51712", folder);
    unlink(path);
    kill_daemon();
    expect_error("journal");
    assert_null(host.all);
    set(FRONT, "state", "6");
    expect_state(XenbusStateClosed);
}

/* Whoever took it for an empty one would throw all journals away. */
static void a_store_that_dies_meanwhile_is_no_empty_one(void **state)
{
    struct store *first = store;
    struct failure why;

    (void)state;
    store = fake_store();
    store_writef(store, STORE_NO_TX, "0", "domid");
    list_fails = true;
    assert_null(xenbus_open(&driver, &why)); /* which closes it */
    list_fails = false;
    assert_non_null(strstr(why.text, "cannot be listed"));
    store = first;
}

/* A store that comes back empty takes no running disk along; nodes made anew are believed again. */
static void a_store_that_loses_its_tree(void **state)
{
    (void)state;
    connect_all();
    dies = true;
    serve(); /* which closes it */
    store = fake_store();
    store_writef(store, STORE_NO_TX, "0", "domid");
    for (int i = 0; i < 100 && !xenbus_devices(bus)->orphan; i++) {
        usleep(50000);
        serve();
    }
    assert_true(xenbus_devices(bus)->orphan);
    changed = true;
    work();
    put(BLKIF_OP_WRITE, 1);
    expect_answer(1, BLKIF_RSP_OKAY);
    set(BACK, "frontend", FRONT);
    set(BACK, "frontend-id", "7");
    set(BACK, "online", "1");
    set(FRONT, "backend", BACK);
    frontend_offers(1);
    set(FRONT, "state", "4");
    set(BACK, "state", "4");
    work();
    assert_false(xenbus_devices(bus)->orphan);
    put(BLKIF_OP_WRITE, 2);
    expect_answer(2, BLKIF_RSP_OKAY);
}

/* What happened while nobody was there. */
static void a_successor_finds_its_frontend_gone_or_new(void **state)
{
    (void)state;
    connect_all();
    put(BLKIF_OP_WRITE, 1);
    set(FRONT, "state", "1");
    kill_daemon();
    expect_state(XenbusStateInitWait);
    fresh_ring(2);
    frontend_offers(2);
    expect_state(XenbusStateConnected);
    put(BLKIF_OP_WRITE, 2);
    store_rm(store, STORE_NO_TX, FRONT);
    kill_daemon();
    expect_state(XenbusStateClosed);
    assert_int_equal(store_exists(store, STORE_NO_TX, ERROR), 0);
    assert_int_equal(fake.writes, 2); /* nothing was done again */
}

static void a_daemon_told_to_stop_rests_first(void **state)
{
    (void)state;
    connect_all();
    put(BLKIF_OP_WRITE, 1);
    assert_false(disks_at_rest(bus));
    fake_complete_all();
    vbd_run_all(&host);
    assert_true(disks_at_rest(bus));
    assert_int_equal(get(BACK, "state"), 4);
    expect_answer(1, BLKIF_RSP_OKAY);
    put(BLKIF_OP_WRITE, 2); /* not taken any more */
    assert_int_equal(fake.pending, 0);
    kill_daemon();
    expect_answer(2, BLKIF_RSP_OKAY);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_disk_from_its_beginning_to_its_end),
        TEST(a_readonly_disk_and_a_cdrom),
        TEST(params_of_other_tools),
        TEST(a_frontend_that_vanishes),
        TEST(a_frontend_closes_and_comes_again),
        TEST(a_frontend_starts_anew_without_closing),
        TEST(toggling_is_survived),
        TEST(images_that_cannot_be_used),
        TEST(frontends_with_bad_nodes),
        TEST(a_broken_ring_closes_its_disk),
        TEST(an_image_that_another_program_holds),
        TEST(a_successor_goes_on),
        TEST(a_successor_waits_for_its_predecessors_io),
        TEST(a_successor_without_its_journal_says_so),
        TEST(a_store_that_dies_meanwhile_is_no_empty_one),
        TEST(a_store_that_loses_its_tree),
        TEST(a_successor_finds_its_frontend_gone_or_new),
        TEST(a_daemon_told_to_stop_rests_first),
    };
    int failed, fd;

    if (!mkdtemp(folder))
        return 1;
    snprintf(image, sizeof(image), "%s.image", folder);
    fd = open(image, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 1 << 20))
        return 1;
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(image);
    rmdir(folder);
    return failed;
}
