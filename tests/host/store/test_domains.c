/* SPDX-License-Identifier: MIT */
/*
 * Domains that come and go, with a pretend Xen in xen.c's place: introduced, shut down, resumed,
 * released, dead, their numbers used again. dom0's programs are fake sessions, guests write their
 * rings.
 */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "xenstore/conn.h"
#include "xenstore/domain.h"
#include "xenstore/loop.h"
#include "xenstore/request.h"
#include "xenstore/xen.h"

enum { DOMAINS = 8, PORTS = 64, DOM_EXC = 1 };

static struct {
    bool alive[DOMAINS], dying[DOMAINS], shut_down[DOMAINS];
    struct xenstore_domain_interface page[DOMAINS];
    int mapped[DOMAINS];
    bool refuse_map, refuse_bind;
    int owner[PORTS]; /* domain + 1 of a bound port, 0: free */
    int bound, notified[DOMAINS];
    int64_t pending[16];
    int events;
    int fd;
} xen;

int xen_domain(uint16_t domid, struct xen_domain_state *state)
{
    if (domid >= DOMAINS || !xen.alive[domid])
        return ESRCH;
    *state = (struct xen_domain_state){xen.dying[domid], xen.shut_down[domid]};
    return 0;
}

int xen_map_ring(uint16_t domid, uint64_t gfn, struct xen_page *page)
{
    (void)gfn;
    if (xen.refuse_map)
        return EFAULT;
    xen.mapped[domid]++;
    *page = (struct xen_page){.at = &xen.page[domid], .index = domid, .granted = true};
    return 0;
}

int xen_map_own_ring(struct xen_page *page, uint32_t *port)
{
    *port = 1;
    return xen_map_ring(0, 0, page);
}

void xen_unmap_ring(struct xen_page *page)
{
    if (page->at != NULL)
        xen.mapped[page->index]--;
    page->at = NULL;
}

int xen_evtchn_fd(void)
{
    return xen.fd;
}

int xen_evtchn_bind(uint16_t domid, uint32_t remote_port, uint32_t *port)
{
    (void)remote_port;
    if (xen.refuse_bind)
        return EINVAL;
    for (*port = 10; xen.owner[*port] != 0; ++*port)
        assert_true(*port < PORTS - 1);
    xen.owner[*port] = domid + 1;
    xen.bound++;
    return 0;
}

int xen_evtchn_bind_dom_exc(uint32_t *port)
{
    *port = DOM_EXC;
    return 0;
}

void xen_evtchn_unbind(uint32_t port)
{
    assert_true(xen.owner[port] != 0);
    xen.owner[port] = 0;
    xen.bound--;
}

void xen_evtchn_notify(uint32_t port)
{
    assert_true(xen.owner[port] != 0);
    xen.notified[xen.owner[port] - 1]++;
}

int64_t xen_evtchn_next(void)
{
    uint64_t count;
    if (xen.events == 0) {
        if (read(xen.fd, &count, sizeof(count)) < 0)
            assert_int_equal(errno, EAGAIN);
        return -1;
    }
    return xen.pending[--xen.events];
}

bool xen_open(void)
{
    return true;
}

void xen_close(void)
{
}

static void turn(int64_t port)
{
    uint64_t one = 1;
    if (port > 0) {
        xen.pending[xen.events++] = port;
        assert_int_equal(write(xen.fd, &one, sizeof(one)), sizeof(one));
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(loop_once(true), 0);
        conn_run_ready();
        conn_reap();
    }
}

static char last[64];

static void answer(struct request *r, uint32_t type, const void *data, size_t len)
{
    (void)r, (void)type;
    memcpy(last, data, len < sizeof(last) ? len : sizeof(last));
}

/* Asks with words separated by blanks; the answer's first word. */
static const char *ask(struct fake_session *s, uint32_t type, const char *words)
{
    char body[128];
    size_t len = strlen(words) + 1;
    memcpy(body, words, len);
    for (size_t i = 0; i < len; i++)
        if (body[i] == ' ')
            body[i] = '\0';
    struct request r = {
        .s = &s->s, .header = {type, 1, 0, (uint32_t)len}, .body = body, .answer = answer};
    request_run(&r);
    return last;
}

/* A guest asks by its ring: the answer's body is left in text. */
static const char *guest_ask(uint16_t domid, uint32_t type, const char *words)
{
    static char text[XENSTORE_RING_SIZE];
    struct xenstore_domain_interface *p = &xen.page[domid];
    struct xsd_sockmsg h = {type, 9, 0, (uint32_t)strlen(words) + 1};
    for (size_t i = 0; i < sizeof(h) + h.len; i++) {
        char c = i < sizeof(h) ? ((char *)&h)[i] : words[i - sizeof(h)];
        p->req[p->req_prod++ % XENSTORE_RING_SIZE] = c == ' ' && i >= sizeof(h) ? '\0' : c;
    }
    for (int port = 0; port < PORTS; port++)
        if (xen.owner[port] == domid + 1)
            turn(port);
    size_t n = 0;
    while (p->rsp_cons != p->rsp_prod && n < sizeof(text) - 1)
        text[n++] = p->rsp[p->rsp_cons++ % XENSTORE_RING_SIZE];
    text[n] = '\0';
    return n >= sizeof(h) ? text + sizeof(h) : "nothing";
}

static struct fake_session *dom0;

static int setup(void **state)
{
    memset(&xen, 0, sizeof(xen));
    xen.fd = eventfd(0, EFD_NONBLOCK);
    if (fake_setup(state) != 0 || loop_init() != 0)
        return -1;
    fake_store.domain_exists = domain_exists;
    fake_store.wake = conn_wake;
    xen.alive[0] = true;
    if (!domains_start(&fake_store))
        return -1;
    dom0 = fake_open(0);
    return 0;
}

static int teardown(void **state)
{
    fake_close(dom0);
    conn_close_all();
    domains_stop();
    close(xen.fd);
    for (int d = 0; d < DOMAINS; d++)
        if (xen.mapped[d] != 0)
            fail_msg("domain %d's page is mapped %d times", d, xen.mapped[d]);
    assert_int_equal(xen.bound, 0);
    return fake_teardown(state);
}

static void watch_special(void)
{
    assert_int_equal(do_watch(dom0, "@introduceDomain", "i"), 0);
    assert_int_equal(do_watch(dom0, "@releaseDomain", "r"), 0);
}

/* Domain d with a home it owns, as xl makes it, introduced. */
static void make_domain(uint16_t d)
{
    char text[64];
    xen.alive[d] = true;
    xen.dying[d] = xen.shut_down[d] = false;
    memset(&xen.page[d], 0, sizeof(xen.page[d]));
    snprintf(text, sizeof(text), "/local/domain/%u/data", d);
    assert_int_equal(do_mkdir(dom0, NULL, text), 0);
    char perms[16];
    snprintf(perms, sizeof(perms), "n%u", d);
    assert_int_equal(do_perms(dom0, NULL, text, perms), 0);
    snprintf(text, sizeof(text), "%u 100 5", d);
    assert_string_equal(ask(dom0, XS_INTRODUCE, text), "OK");
}

static void own_kernel(void **state)
{
    (void)state;
    turn(0);
    assert_int_equal(xen.notified[0], 1); /* it waits for that */
    assert_string_equal(guest_ask(0, XS_READ, "/tool/none"), "ENOENT");
    assert_string_equal(ask(dom0, XS_IS_DOMAIN_INTRODUCED, "0"), "T");
    assert_string_equal(ask(dom0, XS_INTRODUCE, "0 1 2"), "OK");
    assert_string_equal(ask(dom0, XS_RELEASE, "0"), "EINVAL");
    assert_string_equal(ask(dom0, XS_RESUME, "0"), "EINVAL");
}

static void introduce(void **state)
{
    (void)state;
    watch_special();
    assert_string_equal(ask(dom0, XS_INTRODUCE, "3 100 5"), "EINVAL"); /* no such domain */
    assert_string_equal(ask(dom0, XS_INTRODUCE, "3 100"), "EINVAL");
    assert_string_equal(ask(dom0, XS_INTRODUCE, "32752 1 1"), "EINVAL");
    assert_string_equal(ask(dom0, XS_RELEASE, "3"), "ENOENT");
    assert_string_equal(fake_events(dom0), "");
    make_domain(3);
    assert_string_equal(fake_events(dom0), "@introduceDomain i\n");
    assert_string_equal(ask(dom0, XS_IS_DOMAIN_INTRODUCED, "3"), "T");
    assert_string_equal(guest_ask(3, XS_WRITE, "data/x 1"), "OK");
    assert_string_equal(do_get_perms(dom0, "/local/domain/3/data/x"), "n3");
    /* again: only the port is new */
    assert_string_equal(ask(dom0, XS_INTRODUCE, "3 100 7"), "OK");
    assert_string_equal(fake_events(dom0), "");
    assert_int_equal(xen.mapped[3], 1);
    assert_string_equal(guest_ask(3, XS_READ, "/tool/none"), "EACCES");
    /* released and introduced in one turn of the loop */
    assert_string_equal(ask(dom0, XS_RELEASE, "3"), "OK");
    assert_string_equal(ask(dom0, XS_RELEASE, "3"), "ENOENT");
    assert_string_equal(ask(dom0, XS_INTRODUCE, "3 100 7"), "OK");
    assert_string_equal(fake_events(dom0), "@releaseDomain r\n@introduceDomain i\n");
    assert_string_equal(do_read(dom0, NULL, "/local/domain/3/data"),
                        ""); /* it lives, so they stay */
    turn(0);
    memset(&xen.page[3], 0, sizeof(xen.page[3]));
    assert_string_equal(ask(dom0, XS_RELEASE, "3"), "OK");
    turn(0);
    assert_int_equal(xen.mapped[3], 0);
}

static void refused(void **state)
{
    (void)state;
    watch_special();
    xen.alive[2] = true;
    xen.refuse_map = true;
    assert_string_equal(ask(dom0, XS_INTRODUCE, "2 1 1"), "EINVAL");
    xen.refuse_map = false;
    xen.refuse_bind = true;
    assert_string_equal(ask(dom0, XS_INTRODUCE, "2 1 1"), "EINVAL");
    assert_int_equal(xen.mapped[2], 0);
    assert_string_equal(ask(dom0, XS_IS_DOMAIN_INTRODUCED, "2"), "F");
    xen.refuse_bind = false;
    assert_string_equal(ask(dom0, XS_INTRODUCE, "2 1 1"), "OK");
    assert_string_equal(fake_events(dom0), "@introduceDomain i\n");
}

static void shutdown_resume_death(void **state)
{
    (void)state;
    make_domain(3);
    make_domain(4);
    watch_special();
    assert_string_equal(guest_ask(3, XS_WATCH, "data t"), "OK");
    assert_string_equal(guest_ask(3, XS_TRANSACTION_START, ""), "1");
    turn(DOM_EXC);
    assert_string_equal(fake_events(dom0), "");
    xen.shut_down[3] = true;
    turn(DOM_EXC);
    turn(DOM_EXC);
    assert_string_equal(fake_events(dom0), "@releaseDomain r\n"); /* once */
    assert_string_equal(ask(dom0, XS_RESUME, "3"), "OK");
    turn(DOM_EXC);
    assert_string_equal(fake_events(dom0), "@releaseDomain r\n");
    xen.dying[3] = true;
    turn(DOM_EXC);
    assert_string_equal(fake_events(dom0), "@releaseDomain r\n");
    assert_string_equal(ask(dom0, XS_IS_DOMAIN_INTRODUCED, "3"), "F");
    assert_string_equal(ask(dom0, XS_INTRODUCE, "3 1 1"), "EINVAL"); /* it is dying */
    assert_int_equal(xen.mapped[3], 0);
    assert_string_equal(do_list(dom0, NULL, "/local/domain/3"),
                        ""); /* home is dom0's, data was not */
    assert_null(account_find(&fake_store, 3));
    assert_string_equal(guest_ask(4, XS_WRITE, "data/x 1"), "OK");
}

static void release_of_the_dead(void **state)
{
    (void)state;
    make_domain(3);
    watch_special();
    xen.alive[3] = false;
    assert_string_equal(ask(dom0, XS_RELEASE, "3"), "OK"); /* before the event came */
    assert_string_equal(fake_events(dom0), "@releaseDomain r\n");
    assert_string_equal(do_list(dom0, NULL, "/local/domain/3"), "");
    turn(DOM_EXC);
    assert_string_equal(fake_events(dom0), "");
}

static void never_introduced(void **state)
{
    (void)state;
    xen.alive[5] = true;
    assert_int_equal(do_mkdir(dom0, NULL, "/a"), 0);
    assert_int_equal(do_perms(dom0, NULL, "/a", "n5"), 0);
    assert_int_equal(do_perms(dom0, NULL, "/tool", "n0 r5"), 0);
    watch_special();
    xen.alive[5] = false;
    turn(DOM_EXC);
    assert_string_equal(fake_events(dom0), "");
    assert_string_equal(do_list(dom0, NULL, "/"), "tool");
    assert_string_equal(do_get_perms(dom0, "/tool"), "n0");
}

static void a_number_used_again(void **state)
{
    (void)state;
    assert_int_equal(do_perms(dom0, NULL, "/tool", "n0 r3 r4"), 0); /* neither exists */
    assert_string_equal(do_get_perms(dom0, "/tool"), "n0 r3 r4");
    make_domain(3);
    assert_string_equal(do_get_perms(dom0, "/tool"), "n0 r4");
    assert_string_equal(guest_ask(3, XS_READ, "/tool"), "EACCES");
    assert_int_equal(do_perms(dom0, NULL, "/tool", "n0 r3"), 0);
    assert_int_equal(strlen(guest_ask(3, XS_READ, "/tool")), 0);
    assert_string_equal(guest_ask(3, XS_WATCH, "/tool t"), "OK");
    xen.alive[3] = false;
    turn(DOM_EXC);
    make_domain(3);
    assert_string_equal(guest_ask(3, XS_READ, "/tool"), "EACCES");
    assert_string_equal(guest_ask(3, XS_UNWATCH, "/tool t"), "ENOENT");
    assert_int_equal(account_find(&fake_store, 3)->nodes, 1);
}

static void target(void **state)
{
    (void)state;
    make_domain(3);
    make_domain(4);
    assert_string_equal(guest_ask(4, XS_READ, "/local/domain/3/data"), "EACCES");
    assert_string_equal(ask(dom0, XS_SET_TARGET, "4 9"), "ENOENT");
    assert_string_equal(ask(dom0, XS_SET_TARGET, "4 3"), "OK");
    assert_int_equal(strlen(guest_ask(4, XS_READ, "/local/domain/3/data")), 0);
    assert_string_equal(guest_ask(3, XS_READ, "/local/domain/4/data"), "EACCES");
    /* who stands in for a domain that died does not for the next of its number */
    xen.alive[3] = false;
    turn(DOM_EXC);
    make_domain(3);
    assert_string_equal(guest_ask(4, XS_READ, "/local/domain/3/data"), "EACCES");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(own_kernel),
        T(introduce),
        T(refused),
        T(shutdown_resume_death),
        T(release_of_the_dead),
        T(never_introduced),
        T(a_number_used_again),
        T(target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
