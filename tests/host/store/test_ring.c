/* SPDX-License-Identifier: MIT */
/*
 * Guests' rings, the honest and the hostile: a page in memory plays the shared one, the test plays
 * the guest's kernel. Whatever it writes there, the daemon answers, waits, or stops that
 * connection, and nothing else.
 */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/ring.h"

struct guest {
    struct ring_conn ring; /* first */
    struct xenstore_domain_interface page;
    unsigned notified;
    bool freed;
};

static struct guest *guests[4];

static void notify(struct ring_conn *r)
{
    ((struct guest *)r)->notified++;
}

static void closed(struct ring_conn *r)
{
    ((struct guest *)r)->freed = true;
}

/* A domain with a home that it owns. */
static struct guest *start(uint16_t domid)
{
    struct guest *g = calloc(1, sizeof(*g));
    struct fake_session *dom0 = fake_open(0);
    char path[64], perms[16];
    assert_non_null(g);
    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    snprintf(perms, sizeof(perms), "n%u", domid);
    fake_exists[domid] = true;
    assert_int_equal(do_mkdir(dom0, NULL, path), 0);
    assert_int_equal(do_perms(dom0, NULL, path, perms), 0);
    fake_close(dom0);
    g->ring.page = &g->page;
    g->ring.notify = notify;
    g->ring.close = closed;
    assert_int_equal(ring_open(&g->ring, &fake_store, domid), 0);
    guests[domid] = g;
    return g;
}

/* A few turns of the daemon's loop. */
static void turns(struct guest *g)
{
    conn_ready(&g->ring.conn);
    for (int i = 0; i < 200 && conn_any_ready(); i++) {
        conn_run_ready();
        conn_reap();
    }
    assert_false(conn_any_ready());
}

static int setup(void **state)
{
    int rc = fake_setup(state);
    fake_store.wake = conn_wake;
    return rc;
}

static int teardown(void **state)
{
    while (fake_store.sessions != NULL && fake_store.sessions->who.domid == 0)
        fake_close((struct fake_session *)fake_store.sessions);
    conn_close_all();
    for (int i = 0; i < 4; i++) {
        if (guests[i] != NULL && !guests[i]->freed)
            fail_msg("connection of domain %d was not closed", i);
        free(guests[i]);
        guests[i] = NULL;
    }
    return fake_teardown(state);
}

/* What the guest's kernel does: puts bytes, at most what fits; says how many. */
static size_t put(struct guest *g, const void *data, size_t len)
{
    size_t n = 0;
    while (n < len && g->page.req_prod - g->page.req_cons < XENSTORE_RING_SIZE)
        g->page.req[g->page.req_prod++ % XENSTORE_RING_SIZE] = ((const char *)data)[n++];
    return n;
}

static size_t get(struct guest *g, void *data, size_t len)
{
    size_t n = 0;
    while (n < len && g->page.rsp_prod != g->page.rsp_cons)
        ((char *)data)[n++] = g->page.rsp[g->page.rsp_cons++ % XENSTORE_RING_SIZE];
    return n;
}

struct message {
    struct xsd_sockmsg h;
    char body[XENSTORE_PAYLOAD_MAX + 1];
};

static size_t make(struct message *m, uint32_t type, uint32_t id, const void *body, size_t len)
{
    m->h = (struct xsd_sockmsg){type, id, 0, (uint32_t)len};
    memcpy(m->body, body, len);
    return sizeof(m->h) + len;
}

static void send_all(struct guest *g, const struct message *m)
{
    size_t done = 0, len = sizeof(m->h) + m->h.len;
    while (done < len) {
        size_t n = put(g, (const char *)m + done, len - done);
        assert_true(n > 0);
        done += n;
        turns(g);
    }
}

static void receive(struct guest *g, struct message *m)
{
    size_t have = 0, want = sizeof(m->h);
    for (int i = 0; have < want; i++) {
        assert_true(i < 100);
        have += get(g, (char *)m + have, want - have);
        if (have == sizeof(m->h))
            want = sizeof(m->h) + m->h.len;
        turns(g);
    }
    m->body[m->h.len] = '\0';
}

static void ask(struct guest *g, uint32_t type, const void *body, size_t len,
                struct message *answer)
{
    static uint32_t id;
    struct message m;
    make(&m, type, ++id, body, len);
    send_all(g, &m);
    receive(g, answer);
    assert_int_equal(answer->h.req_id, id);
}

static void honest(void **state)
{
    struct guest *g = start(1);
    struct message m;
    char body[XENSTORE_PAYLOAD_MAX];
    (void)state;
    assert_int_equal(g->page.server_features,
                     XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR);
    turns(g);
    assert_int_equal(g->notified, 1); /* that the store is there */
    ask(g, XS_WRITE, "data\0hello", 10, &m);
    assert_int_equal(m.h.type, XS_WRITE);
    ask(g, XS_READ, "data", 5, &m);
    assert_string_equal(m.body, "hello");
    ask(g, XS_READ, "/tool", 6, &m);
    assert_int_equal(m.h.type, XS_ERROR);
    assert_string_equal(m.body, "EACCES");
    /* messages longer than the ring, both ways, many times round */
    memset(body, 'x', sizeof(body));
    memcpy(body, "big", 4);
    for (int i = 0; i < 30; i++) {
        ask(g, XS_WRITE, body, 1500 + (size_t)i, &m);
        assert_int_equal(m.h.type, XS_WRITE);
        ask(g, XS_READ, "big", 4, &m);
        assert_int_equal(m.h.len, 1500 + i - 4);
    }
}

static void byte_by_byte(void **state)
{
    struct guest *g = start(1);
    struct message m, answer;
    (void)state;
    size_t len = make(&m, XS_GET_DOMAIN_PATH, 5, "1", 2);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(put(g, (char *)&m + i, 1), 1);
        turns(g);
    }
    receive(g, &answer);
    assert_string_equal(answer.body, "/local/domain/1");
}

static void many_at_once(void **state)
{
    struct guest *g = start(1);
    struct message m;
    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        size_t len = make(&m, XS_GET_DOMAIN_PATH, i, "7", 2);
        assert_int_equal(put(g, &m, len), len);
    }
    turns(g);
    for (uint32_t i = 0; i < 50; i++) {
        receive(g, &m);
        assert_int_equal(m.h.req_id, i);
    }
}

static void stopped(struct guest *g, uint32_t error)
{
    assert_int_equal(g->page.error, error);
    assert_int_equal(g->ring.conn.session.watches == NULL, 1);
    unsigned before = g->notified;
    uint32_t cons = g->page.req_cons;
    turns(g);
    turns(g);
    assert_int_equal(g->notified, before);
    assert_int_equal(g->page.req_cons, cons);
}

static void fresh_start(struct guest *g)
{
    struct message m;
    g->page.connection = XENSTORE_RECONNECT;
    turns(g);
    assert_int_equal(g->page.connection, XENSTORE_CONNECTED);
    assert_int_equal(g->page.error, XENSTORE_ERROR_NONE);
    assert_int_equal(g->page.req_prod | g->page.rsp_prod | g->page.req_cons | g->page.rsp_cons, 0);
    ask(g, XS_GET_DOMAIN_PATH, "3", 2, &m);
    assert_string_equal(m.body, "/local/domain/3");
}

static void lying_indexes(void **state)
{
    static const uint32_t jumps[] = {XENSTORE_RING_SIZE + 1, 5000, 0x80000000u, UINT32_MAX};
    struct guest *g = start(1);
    struct message m;
    (void)state;
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        ask(g, XS_WATCH, "data\0t", 7, &m);
        receive(g, &m); /* the first event */
        g->page.req_prod += jumps[i];
        turns(g);
        stopped(g, XENSTORE_ERROR_RINGIDX);
        fresh_start(g);
        make(&m, XS_GET_DOMAIN_PATH, 1, "3", 2);
        g->page.rsp_cons += jumps[i] == UINT32_MAX ? 1 : jumps[i]; /* one less would be no lie */
        put(g, &m, sizeof(m.h) + 2);
        turns(g);
        stopped(g, XENSTORE_ERROR_RINGIDX);
        fresh_start(g);
    }
    /* our own indexes in the page are not believed */
    ask(g, XS_GET_DOMAIN_PATH, "3", 2, &m);
    uint32_t cons = g->page.req_cons;
    g->page.req_cons = 12345;
    g->page.rsp_prod = 999;
    make(&m, XS_GET_DOMAIN_PATH, 1, "4", 2);
    g->page.req_cons = cons; /* where the guest's own put() looks */
    put(g, &m, sizeof(m.h) + 2);
    g->page.req_cons = 77;
    turns(g);
    assert_int_equal(g->page.error, XENSTORE_ERROR_NONE);
    assert_int_equal(g->page.req_cons, cons + sizeof(m.h) + 2);
    receive(g, &m);
    assert_string_equal(m.body, "/local/domain/4");
}

static void lying_lengths(void **state)
{
    static const uint32_t lengths[] = {XENSTORE_PAYLOAD_MAX + 1, 65536, 0x80000000u, UINT32_MAX};
    struct guest *g = start(1);
    struct message m;
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        make(&m, XS_READ, 1, "/tool", 6);
        m.h.len = lengths[i];
        put(g, &m, 22);
        turns(g);
        stopped(g, XENSTORE_ERROR_PROTO);
        fresh_start(g);
    }
    /* too short for what follows is not a lie: the rest is the next message, and nonsense */
    make(&m, XS_READ, 1, "/tool", 6);
    m.h.len = 3;
    put(g, &m, 22);
    turns(g);
    receive(g, &m);
    assert_string_equal(m.body, "EINVAL");
}

static void never_reads(void **state)
{
    struct guest *g = start(1), *other = start(2);
    struct message m;
    (void)state;
    make(&m, XS_READ, 1, "/local/domain/1", 16);
    for (int i = 0; i < 100000 && put(g, &m, 32) == 32; i++)
        turns(g);
    assert_true(g->ring.conn.queued < 20000);
    assert_int_equal(g->page.error, XENSTORE_ERROR_NONE);
    ask(other, XS_GET_DOMAIN_PATH, "1", 2, &m);
    assert_string_equal(m.body, "/local/domain/1");
}

static void does_not_take_its_events(void **state)
{
    struct guest *g = start(1);
    struct fake_session *dom0 = fake_open(0);
    struct message m;
    char path[256];
    (void)state;
    ask(g, XS_WATCH, "x\0t", 4, &m);
    receive(g, &m);
    /* the same again says nothing new */
    for (int i = 0; i < 100000; i++)
        assert_int_equal(do_write(dom0, NULL, "/local/domain/1/x", ""), 0);
    turns(g);
    assert_true(g->ring.conn.messages < 3);
    assert_int_equal(g->page.error, XENSTORE_ERROR_NONE);
    /* ever new ones end the connection's patience, and no other's */
    for (int i = 0; i < 40000 && g->page.error == XENSTORE_ERROR_NONE; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/x/%0200d", i);
        assert_int_equal(do_write(dom0, NULL, path, ""), 0);
        if (i % 100 == 0)
            turns(g);
    }
    turns(g);
    stopped(g, XENSTORE_ERROR_COMM);
    assert_int_equal(g->ring.conn.queued, 0);
    fresh_start(g);
    assert_int_equal(do_rm(dom0, NULL, "/local/domain/1/x"), 0);
}

/* Who floods another with events waits until they are taken. */
static void flooding_another(void **state)
{
    struct guest *g = start(1), *victim = start(2);
    struct fake_session *dom0 = fake_open(0);
    struct message m;
    char body[1024];
    (void)state;
    assert_int_equal(do_perms(dom0, NULL, "/local/domain/1", "r1"), 0);
    memset(body, 'y', sizeof(body));
    memcpy(body, "/local/domain/1\0", 16);
    body[500] = '\0'; /* a long token fills the ring soon */
    ask(victim, XS_WATCH, body, 501, &m);
    receive(victim, &m);
    unsigned done = 0;
    for (int i = 0; i < 200; i++) {
        size_t len = (size_t)sprintf(body, "n%d", i) + 1;
        make(&m, XS_MKDIR, 1, body, len);
        if (put(g, &m, sizeof(m.h) + len) < sizeof(m.h) + len)
            break;
        turns(g);
        while (get(g, &m, sizeof(m.h) + 3) > 0)
            done++;
        turns(g);
    }
    assert_in_range(done, 15, 30);
    assert_int_equal(g->ring.conn.session.account->outstanding, fake_store.limits.outstanding);
    for (unsigned taken = 0; taken < done; taken++) {
        receive(victim, &m);
        assert_int_equal(m.h.type, XS_WATCH_EVENT);
    }
    turns(g);
    while (get(g, &m, sizeof(m.h) + 3) > 0)
        done++;
    assert_true(done > 40); /* goes on */
}

static void noise(void **state)
{
    struct guest *g = start(1), *other = start(2);
    struct message m;
    (void)state;
    srand(5);
    for (int i = 0; i < 3000; i++) {
        char *page = (char *)&g->page;
        for (int k = rand() % 20; k > 0; k--)
            page[rand() % (rand() % 4 == 0 ? (int)sizeof(g->page) : 1024)] = (char)(rand() % 24);
        if (rand() % 3 == 0)
            g->page.req_prod = g->ring.req_cons + (uint32_t)rand() % 1100;
        if (rand() % 3 == 0)
            g->page.rsp_cons = g->ring.rsp_prod - (uint32_t)rand() % 1100;
        if (rand() % 10 == 0)
            g->page.connection = (uint32_t)rand() % 3;
        turns(g);
        if (i % 100 == 0) {
            ask(other, XS_GET_DOMAIN_PATH, "1", 2, &m);
            assert_string_equal(m.body, "/local/domain/1");
        }
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(honest),
        T(byte_by_byte),
        T(many_at_once),
        T(lying_indexes),
        T(lying_lengths),
        T(never_reads),
        T(does_not_take_its_events),
        T(flooding_another),
        T(noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
