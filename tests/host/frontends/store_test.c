/* SPDX-License-Identifier: MIT */
/*
 * The guest's store client and control/shutdown: against our own daemon, which is killed and
 * started now and then, and against stores that lie.
 */
#include "pretend_os.h"

#include "frontends/control.h"
#include "frontends/store.h"

#include <stdio.h>
#include <string.h>

static struct store *open_store(void)
{
    struct store *s = NULL;

    assert_int_equal(store_open(&s), 0);
    return s;
}

static void test_nodes(void **state)
{
    struct store *s = open_store();
    uint64_t number;
    char *value;
    size_t len;
    (void)state;

    assert_int_equal(store_write(s, STORE_NO_TX, "data/a", "one\0two", 7), 0);
    assert_int_equal(store_read(s, STORE_NO_TX, "data/a", &value, &len), 0);
    assert_int_equal(len, 7);
    assert_memory_equal(value, "one\0two", 8); /* and a NUL behind it */
    os_free(value);
    assert_int_equal(store_printf(s, STORE_NO_TX, "data", "b", "%d%s", 4, "2"), 0);
    assert_string_equal(pretend_read(GUEST_HOME "/data/b"), "42");
    assert_int_equal(store_read_u64(s, STORE_NO_TX, "data", "b", &number), 0);
    assert_int_equal(number, 42);
    assert_int_equal(store_read_u64(s, STORE_NO_TX, "data", "a", &number), -XEN_EINVAL);
    assert_int_equal(store_mkdir(s, STORE_NO_TX, "data/c"), 0);
    assert_int_equal(store_list(s, STORE_NO_TX, "data", &value, &len), 0);
    assert_int_equal(len, 6);
    assert_memory_equal(value, "a\0b\0c\0\0", 8);
    os_free(value);
    assert_int_equal(store_rm(s, STORE_NO_TX, "data/c"), 0);
    assert_string_equal(pretend_read(GUEST_HOME "/data/c"), "<ENOENT>");
    store_close(s);
}

static void test_refusals(void **state)
{
    struct store *s = open_store();
    static char long_path[5000];
    uint64_t number;
    char *value;
    (void)state;

    assert_int_equal(store_read(s, STORE_NO_TX, "nothing", &value, NULL), -XEN_ENOENT);
    pretend_write("/secret", "x");
    assert_int_equal(store_read(s, STORE_NO_TX, "/secret", &value, NULL), -XEN_EACCES);
    assert_int_equal(store_write(s, STORE_NO_TX, "/secret", "", 0), -XEN_EACCES);
    memset(long_path, 'a', sizeof(long_path) - 1);
    assert_int_equal(store_read(s, STORE_NO_TX, long_path, &value, NULL), -XEN_E2BIG);
    long_path[XENSTORE_PAYLOAD_MAX - 1] = '\0'; /* fits a message, but is no path */
    assert_int_equal(store_read(s, STORE_NO_TX, long_path, &value, NULL), -XEN_EINVAL);
    assert_int_equal(store_read_u64(s, STORE_NO_TX, long_path, "x", &number), -XEN_E2BIG);
    for (const char **n = (const char *[]){"", "-1", "1 ", "0x10", "18446744073709551616", NULL};
         *n; n++) {
        pretend_write(GUEST_HOME "/n", "%s", *n);
        assert_int_equal(store_read_u64(s, STORE_NO_TX, GUEST_HOME, "n", &number), -XEN_EINVAL);
    }
    store_close(s);
}

/* Bigger than the ring, both ways, at every place of it. */
static void test_large(void **state)
{
    struct store *s = open_store();
    static char data[2000];
    char *value;
    size_t len;
    (void)state;

    for (unsigned round = 0; round < 30; round++) {
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = (char)(i * 7 + round);
        assert_int_equal(store_write(s, STORE_NO_TX, "big", data, sizeof(data) - round), 0);
        assert_int_equal(store_read(s, STORE_NO_TX, "big", &value, &len), 0);
        assert_int_equal(len, sizeof(data) - round);
        assert_memory_equal(value, data, len);
        os_free(value);
    }
    store_close(s);
}

struct conflict {
    unsigned runs, conflicts;
};

static int conflict_step(struct store *s, store_tx tx, void *context)
{
    struct conflict *c = context;
    char *value;

    assert_int_equal(store_read(s, tx, "counter", &value, NULL), 0);
    os_free(value);
    if (c->runs++ < c->conflicts)
        pretend_write(GUEST_HOME "/counter", "%u", c->runs);
    return store_printf(s, tx, GUEST_HOME, "counter", "mine");
}

static int refusing_step(struct store *s, store_tx tx, void *context)
{
    (void)context;
    assert_int_equal(store_printf(s, tx, GUEST_HOME, "counter", "never"), 0);
    return -XEN_ENOSPC;
}

static void test_transactions(void **state)
{
    struct store *s = open_store();
    struct conflict c = {.conflicts = 3};
    (void)state;

    pretend_write(GUEST_HOME "/counter", "0");
    assert_int_equal(store_transact(s, conflict_step, &c), 0);
    assert_int_equal(c.runs, 4);
    assert_string_equal(pretend_read(GUEST_HOME "/counter"), "mine");
    c = (struct conflict){.conflicts = 1000};
    assert_int_equal(store_transact(s, conflict_step, &c), -XEN_EAGAIN);
    assert_int_equal(c.runs, STORE_TX_TRIES);
    assert_int_equal(store_transact(s, refusing_step, NULL), -XEN_ENOSPC);
    assert_string_not_equal(pretend_read(GUEST_HOME "/counter"), "never");
    store_close(s);
}

static void test_watches(void **state)
{
    struct store *s = open_store();
    struct store_watch one, two;
    (void)state;

    assert_int_equal(store_watch(s, &one, "data/one"), 0);
    assert_int_equal(store_watch(s, &two, "data/two"), 0);
    os_wait(os_now() + 1);
    assert_true(store_fired(s, &one));
    assert_true(store_fired(s, &two));
    assert_false(store_fired(s, &one));
    pretend_write(GUEST_HOME "/data/two", "x");
    os_wait(os_now() + 1);
    assert_false(store_fired(s, &one));
    assert_true(store_fired(s, &two));
    assert_int_equal(store_unwatch(s, &two), 0);
    assert_int_equal(store_unwatch(s, &two), -XEN_ENOENT);
    pretend_write(GUEST_HOME "/data/two", "y");
    os_wait(os_now() + 1);
    assert_false(store_fired(s, &two));
    assert_int_equal(store_unwatch(s, &one), 0);
    store_close(s);
}

/* starts the daemon at its time */
static bool restart(void *context)
{
    uint64_t *when = context;

    if (*when == 0 || pretend_now < *when)
        return false;
    *when = 0;
    pretend_store_start();
    return true;
}

static int killing_step(struct store *s, store_tx tx, void *context)
{
    uint64_t *when = context;
    int err = store_printf(s, tx, GUEST_HOME, "killed", "%s", *when == 0 ? "no" : "yes");

    if (err == 0 && *when == UINT64_MAX) {
        pretend_store_kill();
        *when = pretend_now + 40 * PRETEND_SECOND;
        pretend_wake_at(*when);
    }
    return err;
}

static void test_daemon_restarts(void **state)
{
    struct store *s = open_store();
    struct store_watch w;
    uint64_t when = 0;
    char *value;
    (void)state;

    pretend_act(restart, &when);
    assert_int_equal(store_watch(s, &w, "data/w"), 0);
    pretend_write(GUEST_HOME "/v", "kept");

    /* in the midst of a request */
    pretend_store_kill();
    when = pretend_now + 100 * PRETEND_SECOND;
    pretend_wake_at(when);
    assert_int_equal(store_read(s, STORE_NO_TX, "v", &value, NULL), 0);
    assert_string_equal(value, "kept");
    os_free(value);
    assert_true(store_fired(s, &w)); /* whatever was missed */
    pretend_write(GUEST_HOME "/data/w", "x");
    os_wait(os_now() + 1);
    assert_true(store_fired(s, &w)); /* it is set again */

    /* in a transaction: begun anew by itself */
    when = UINT64_MAX;
    assert_int_equal(store_transact(s, killing_step, &when), 0);
    assert_string_equal(pretend_read(GUEST_HOME "/killed"), "no");
    (void)store_fired(s, &w);

    /* while nobody talks: its first event tells that it forgot us */
    pretend_now += 5 * PRETEND_SECOND;
    os_wait(os_now() + 1);
    (void)store_fired(s, &w);
    pretend_store_kill();
    pretend_store_start();
    os_wait(os_now() + 1);
    assert_true(store_fired(s, &w));
    pretend_write(GUEST_HOME "/data/w", "y");
    os_wait(os_now() + 1);
    assert_true(store_fired(s, &w));
    assert_int_equal(store_unwatch(s, &w), 0);
    store_close(s);
}

/* --- stores that lie */

struct liar {
    void (*lie)(struct liar *l, const struct xsd_sockmsg *request);
    bool reconnects; /* knows the feature */
    unsigned lies;   /* that many, then honest answers of "7" */
    unsigned requests, restarts;
    char stream[8192];
    size_t have;
};

static void say_bytes(const void *data, size_t len)
{
    struct xenstore_domain_interface *p = pretend_store_page;

    for (size_t i = 0; i < len; i++)
        p->rsp[MASK_XENSTORE_IDX(p->rsp_prod++)] = ((const char *)data)[i];
    pretend_signal(PRETEND_STORE_PORT);
}

static void say(uint32_t type, uint32_t req_id, uint32_t len, const void *body, size_t real)
{
    struct xsd_sockmsg h = {.type = type, .req_id = req_id, .len = len};

    say_bytes(&h, sizeof(h));
    say_bytes(body, real);
}

static bool liar_acts(void *context)
{
    struct xenstore_domain_interface *p = pretend_store_page;
    struct liar *l = context;
    struct xsd_sockmsg h;

    p->server_features = l->reconnects ? XENSTORE_SERVER_FEATURE_RECONNECTION : 0;
    if (p->connection == XENSTORE_RECONNECT && l->reconnects) {
        p->req_cons = p->req_prod = p->rsp_cons = p->rsp_prod = 0;
        p->connection = XENSTORE_CONNECTED;
        l->have = 0;
        l->restarts++;
        pretend_signal(PRETEND_STORE_PORT);
        return true;
    }
    if (p->req_prod - p->req_cons > XENSTORE_RING_SIZE)
        return false; /* a lie of ours */
    while (p->req_cons != p->req_prod && l->have < sizeof(l->stream))
        l->stream[l->have++] = p->req[MASK_XENSTORE_IDX(p->req_cons++)];
    if (l->have < sizeof(h))
        return false;
    memcpy(&h, l->stream, sizeof(h));
    if (l->have < sizeof(h) + h.len)
        return false;
    l->have = 0;
    l->requests++;
    if (l->lies > 0) {
        l->lies--;
        l->lie(l, &h);
    } else {
        say(h.type, h.req_id, 2, "7", 2);
    }
    return true;
}

static void lie_length(struct liar *l, const struct xsd_sockmsg *h)
{
    (void)l;
    say(h->type, h->req_id, XENSTORE_PAYLOAD_MAX + 1, "x", 1);
}

static void lie_length_max(struct liar *l, const struct xsd_sockmsg *h)
{
    (void)l;
    say(h->type, h->req_id, UINT32_MAX, "x", 1);
}

static void lie_id(struct liar *l, const struct xsd_sockmsg *h)
{
    (void)l;
    say(h->type, h->req_id + 1, 2, "9", 2);
}

static void lie_type(struct liar *l, const struct xsd_sockmsg *h)
{
    (void)l;
    say(h->type + 1, h->req_id, 2, "9", 2);
}

static void lie_twice(struct liar *l, const struct xsd_sockmsg *h)
{
    (void)l;
    say(h->type, h->req_id - 1, 2, "9", 2);
    say(h->type, h->req_id, 2, "9", 2);
}

static void lie_prod(struct liar *l, const struct xsd_sockmsg *h)
{
    (void)l;
    (void)h;
    pretend_store_page->rsp_prod += XENSTORE_RING_SIZE + 1;
    pretend_signal(PRETEND_STORE_PORT);
}

static void lie_silence(struct liar *l, const struct xsd_sockmsg *h)
{
    (void)l;
    (void)h;
}

static void lie_half(struct liar *l, const struct xsd_sockmsg *h)
{
    (void)l;
    say_bytes(h, 7);
}

static void lie_events(struct liar *l, const struct xsd_sockmsg *h)
{
    static const char bodies[][28] = {
        "", "x", "path\0", "path\0007", "p\000999999999999999999999", "p\0-1"};

    (void)l;
    for (unsigned i = 0; i < 12; i++)
        say(XS_WATCH_EVENT, i, 6, bodies[i % 6], 6);
    say(h->type, h->req_id, 2, "7", 2);
}

static void (*const lies[])(struct liar *, const struct xsd_sockmsg *) = {
    lie_length, lie_length_max, lie_id, lie_type, lie_twice, lie_prod, lie_silence, lie_half,
};

/* One lie and the connection is at its end; where the store can begin afresh, it does. */
static void test_liars(void **state)
{
    uint64_t number;
    (void)state;

    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        for (int reconnects = 0; reconnects < 2; reconnects++) {
            struct liar l = {.lie = lies[i], .reconnects = reconnects != 0, .lies = 1};
            memset(pretend_store_page, 0, OS_PAGE_SIZE);
            pretend_act(liar_acts, &l);
            struct store *s = open_store();
            l.reconnects ? (void)liar_acts(&l) : (void)0;
            int err = store_read_u64(s, STORE_NO_TX, "data", "x", &number);
            if (i == 4 && !reconnects)
                assert_int_equal(err, -XEN_EIO);
            if (reconnects) {
                assert_int_equal(l.restarts, 1);
                assert_int_equal(err, -XEN_EINVAL); /* "7" and a NUL is no number */
            } else {
                assert_int_equal(err, -XEN_EIO);
                assert_int_equal(store_read_u64(s, STORE_NO_TX, "data", "x", &number), -XEN_EIO);
                assert_int_equal(l.requests, 1);
            }
            store_close(s);
            pretend_dismiss(&l);
        }
    }
}

static void test_liar_for_ever(void **state)
{
    struct liar l = {.lie = lie_id, .reconnects = true, .lies = UINT32_MAX};
    uint64_t number;
    (void)state;

    pretend_act(liar_acts, &l);
    (void)liar_acts(&l);
    struct store *s = open_store();
    assert_int_equal(store_read_u64(s, STORE_NO_TX, "data", "x", &number), -XEN_EIO);
    assert_true(l.requests < 20);
    store_close(s);
}

/* Nobody ever comes back: given up, after a time. */
static void test_dead_store(void **state)
{
    struct store *s = open_store();
    uint64_t number, start = pretend_now;
    (void)state;

    pretend_store_page->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    assert_int_equal(store_read_u64(s, STORE_NO_TX, "data", "x", &number), -XEN_ETIMEDOUT);
    assert_true(pretend_now - start >= STORE_PATIENCE);
    store_close(s);
}

static void test_event_garbage(void **state)
{
    struct liar l = {.lie = lie_events, .lies = 20};
    struct store_watch w;
    uint64_t number;
    (void)state;

    pretend_act(liar_acts, &l);
    struct store *s = open_store();
    assert_int_equal(store_watch(s, &w, "data/w"), 0);
    assert_int_equal(store_read_u64(s, STORE_NO_TX, "data", "x", &number), -XEN_EINVAL);
    assert_false(store_fired(s, &w));
    assert_int_equal(store_unwatch(s, &w), 0);
    store_close(s);
}

static void test_no_memory(void **state)
{
    struct store *s = NULL;
    char *value;
    (void)state;

    pretend_fail_after = 0;
    assert_int_equal(store_open(&s), -XEN_ENOMEM);
    pretend_fail_after = UINT32_MAX;
    s = open_store();
    pretend_write(GUEST_HOME "/v", "x");
    pretend_fail_after = 0;
    assert_int_equal(store_read(s, STORE_NO_TX, "v", &value, NULL), -XEN_ENOMEM);
    assert_int_equal(store_list(s, STORE_NO_TX, GUEST_HOME, &value, NULL), -XEN_ENOMEM);
    store_close(s);
}

/* --- control/shutdown */

static int asked(struct control *c, const char *request)
{
    pretend_write(GUEST_HOME "/control/shutdown", "%s", request);
    return control_wait(c, os_now() + PRETEND_SECOND);
}

static void test_control(void **state)
{
    struct store *s = open_store();
    struct control c;
    (void)state;

    pretend_write(GUEST_HOME "/control/shutdown", "%s", "");
    assert_int_equal(do_perms(pretend_dom0, NULL, GUEST_HOME "/control/shutdown", "n1"), 0);
    assert_int_equal(control_open(&c, s), 0);
    assert_string_equal(pretend_read(GUEST_HOME "/control/feature-poweroff"), "1");
    assert_string_equal(pretend_read(GUEST_HOME "/control/feature-reboot"), "1");
    assert_string_equal(pretend_read(GUEST_HOME "/control/feature-suspend"), "<ENOENT>");
    assert_int_equal(control_wait(&c, os_now() + PRETEND_SECOND), CONTROL_NONE);
    assert_int_equal(asked(&c, "poweroff"), CONTROL_POWEROFF);
    assert_string_equal(pretend_read(GUEST_HOME "/control/shutdown"), "");
    assert_int_equal(asked(&c, "reboot"), CONTROL_REBOOT);
    assert_int_equal(asked(&c, "halt"), CONTROL_POWEROFF);
    assert_int_equal(asked(&c, "dance"), CONTROL_NONE);
    assert_true(pretend_said("dance"));
    assert_string_equal(pretend_read(GUEST_HOME "/control/shutdown"), "dance");
    assert_int_equal(control_wait(&c, os_now() + PRETEND_SECOND), CONTROL_NONE);
    control_close(&c);
    store_close(s);
}

/* A store whose connection is at its end asks for nothing any more, and is not asked for ever. */
static void test_control_without_store(void **state)
{
    struct liar l = {.lie = lie_id};
    struct control c;
    (void)state;

    pretend_act(liar_acts, &l);
    struct store *s = open_store();
    assert_int_equal(control_open(&c, s), 0);
    l.lies = UINT32_MAX;
    c.watch.fired = true;
    assert_int_equal(control_wait(&c, os_now() + PRETEND_SECOND), -XEN_EIO);
    assert_int_equal(control_wait(&c, os_now() + PRETEND_SECOND), CONTROL_NONE);
    assert_int_equal(l.requests, 4);
    control_close(&c);
    store_close(s);
}

int main(void)
{
#define WITH_STORE(f) cmocka_unit_test_setup_teardown(f, pretend_setup, pretend_teardown)
#define ALONE(f)      cmocka_unit_test_setup_teardown(f, pretend_setup_no_store, pretend_teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_nodes),
        WITH_STORE(test_refusals),
        WITH_STORE(test_large),
        WITH_STORE(test_transactions),
        WITH_STORE(test_watches),
        WITH_STORE(test_daemon_restarts),
        ALONE(test_liars),
        ALONE(test_liar_for_ever),
        ALONE(test_dead_store),
        ALONE(test_event_garbage),
        WITH_STORE(test_no_memory),
        WITH_STORE(test_control),
        ALONE(test_control_without_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
