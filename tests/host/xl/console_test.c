/* SPDX-License-Identifier: MIT */
/*
 * The toolstack waits for the console daemon, and not for ever: guest_console.c over a store in
 * memory and a page in the place of the guest's ring.
 */
#include "tests/host/xl/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/console.h>

#include "common/clock.h"
#include "dom0-tools/lib/guest_console.h"
#include "tests/host/xl/fake_store.h"

#define DOMID 7
#define HOME  "/local/domain/7/console"

static struct xencons_interface ring;
static int mapped, waits;
static bool dying;

void *hv_map_foreign(struct hv *hv, uint16_t domid, int prot, const uint64_t *frames, size_t n,
                     int *errors)
{
    (void)hv, (void)prot, (void)errors;
    assert_int_equal(domid, DOMID);
    assert_int_equal(n, 1);
    assert_int_equal(frames[0], 1234);
    if (dying) {
        errno = ESRCH;
        return NULL;
    }
    mapped++;
    return &ring;
}

void hv_unmap(void *address, size_t n)
{
    (void)n;
    assert_ptr_equal(address, &ring);
    mapped--;
}

static int set_up(void **state)
{
    static struct toolstack t;

    memset(&ring, 0, sizeof(ring));
    mapped = waits = 0;
    dying = false;
    t = (struct toolstack){.store = fake_store()};
    store_writef(t.store, STORE_NO_TX, "", HOME "/tty");
    store_writef(t.store, STORE_NO_TX, "1234", HOME "/ring-ref");
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    store_close(((struct toolstack *)*state)->store);
    return mapped;
}

static void offer_at_the_third(struct store *s)
{
    if (++waits == 3)
        store_writef(s, STORE_NO_TX, "/dev/pts/9", HOME "/tty");
}

static void nap(struct store *s)
{
    (void)s;
    waits++;
    usleep(1000);
}

static void vanish(struct store *s)
{
    (void)s;
    waits++;
    store_rm(s, STORE_NO_TX, "/local/domain/7");
}

static void daemon_comes(void **state)
{
    struct toolstack *t = *state;
    char *tty;

    fake_store_on_wait(t->store, offer_at_the_third);
    tty = guest_console_terminal(t->store, DOMID, 60000);
    assert_string_equal(tty, "/dev/pts/9");
    assert_int_equal(waits, 3);
    free(tty);
    tty = guest_console_terminal(t->store, DOMID, 0); /* there at once */
    assert_string_equal(tty, "/dev/pts/9");
    free(tty);
}

static void no_daemon_comes(void **state)
{
    struct toolstack *t = *state;
    int64_t begin = now_ms();

    fake_store_on_wait(t->store, nap);
    assert_null(guest_console_terminal(t->store, DOMID, 50));
    assert_int_equal(errno, ETIMEDOUT);
    assert_in_range(now_ms() - begin, 50, 5000);
    waits = 0;
    assert_null(guest_console_terminal(t->store, DOMID, 0));
    assert_int_equal(errno, ETIMEDOUT);
    assert_int_equal(waits, 0);
}

static void no_such_domain(void **state)
{
    struct toolstack *t = *state;

    fake_store_on_wait(t->store, nap);
    assert_null(guest_console_terminal(t->store, 8, 60000));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(waits, 0);
}

static void domain_goes_meanwhile(void **state)
{
    struct toolstack *t = *state;

    fake_store_on_wait(t->store, vanish);
    assert_null(guest_console_terminal(t->store, DOMID, 60000));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(waits, 1);
}

static void *take_slowly(void *arg)
{
    (void)arg;
    for (uint32_t i = 1; i <= 10; i++) {
        usleep(5000);
        __atomic_store_n(&ring.out_cons, i, __ATOMIC_RELEASE);
    }
    return NULL;
}

static void ring_is_emptied(void **state)
{
    struct toolstack *t = *state;
    int64_t begin = now_ms();
    pthread_t daemon;

    store_writef(t->store, STORE_NO_TX, "/dev/pts/9", HOME "/tty");
    ring.out_prod = 10;
    pthread_create(&daemon, NULL, take_slowly, NULL);
    guest_console_drain(t, DOMID, 60000);
    assert_int_equal(__atomic_load_n(&ring.out_cons, __ATOMIC_ACQUIRE), 10);
    assert_in_range(now_ms() - begin, 50, 30000);
    pthread_join(daemon, NULL);
}

static void ring_is_never_emptied(void **state)
{
    struct toolstack *t = *state;
    int64_t begin = now_ms();

    store_writef(t->store, STORE_NO_TX, "/dev/pts/9", HOME "/tty");
    ring.out_prod = 10;
    guest_console_drain(t, DOMID, 60);
    assert_in_range(now_ms() - begin, 60, 5000);
}

/* What there is no reason to wait for. */
static void nothing_to_wait_for(void **state)
{
    static const uint32_t senseless[] = {2049, 0x80000000, 0xffffffff};
    struct toolstack *t = *state;
    int64_t begin = now_ms();

    ring.out_prod = 10;
    guest_console_drain(t, DOMID, 60000); /* nobody serves it */
    store_writef(t->store, STORE_NO_TX, "/dev/pts/9", HOME "/tty");
    for (size_t i = 0; i < COUNT(senseless); i++) {
        ring.out_prod = senseless[i];
        guest_console_drain(t, DOMID, 60000);
    }
    ring.out_prod = 10;
    dying = true; /* its ring cannot be mapped */
    guest_console_drain(t, DOMID, 60000);
    dying = false;
    store_writef(t->store, STORE_NO_TX, "no number", HOME "/ring-ref");
    guest_console_drain(t, DOMID, 60000);
    assert_in_range(now_ms() - begin, 0, 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(daemon_comes),          TEST(no_daemon_comes), TEST(no_such_domain),
        TEST(domain_goes_meanwhile), TEST(ring_is_emptied), TEST(ring_is_never_emptied),
        TEST(nothing_to_wait_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
