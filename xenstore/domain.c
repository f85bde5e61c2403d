/* SPDX-License-Identifier: MIT */
/* The table of domains, what happens to them, and the operations that are about them. */
#include "xenstore/domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "xen/xen.h"

#include "xenstore/log.h"
#include "xenstore/loop.h"
#include "xenstore/parse.h"
#include "xenstore/request.h"
#include "xenstore/ring.h"
#include "xenstore/xen.h"

struct domain {
    struct domain *next;
    uint16_t id;
    bool introduced;          /* INTRODUCE came, and no RELEASE since */
    bool shut_down;           /* told so */
    struct domain_ring *ring; /* when introduced */
};

/* Outlives its domain by the rest of the loop's turn, unmapped and unbound then. */
struct domain_ring {
    struct ring_conn ring; /* first */
    struct xen_page page;
    uint32_t port; /* ours, 0: none */
};

static struct domain *domains;
static struct watched events = {.fd = -1};
static struct storage *storage;
static uint32_t dom_exc_port;

static struct domain *domain_find(uint16_t id)
{
    struct domain *d = domains;
    while (d != NULL && d->id != id)
        d = d->next;
    return d;
}

static struct domain *domain_new(uint16_t id)
{
    struct domain *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return NULL;
    d->id = id;
    d->next = domains;
    domains = d;
    return d;
}

static bool is_alive(uint16_t id)
{
    struct xen_domain_state state;
    int err = xen_domain(id, &state);
    if (err != 0 && err != ESRCH && err != ENODEV)
        log_line("cannot ask for domain %u: %s", id, strerror(err));
    return err == 0 && !state.dying;
}

/* Knows a domain that is alive; the first time, rights that its number was given before are void.
 */
static struct domain *domain_know(struct storage *st, uint16_t id)
{
    struct domain *d = domain_find(id);
    if (d != NULL || !is_alive(id) || (d = domain_new(id)) == NULL)
        return d;
    int err = storage_void_entries(st, id);
    if (err != 0)
        log_line("old permissions for domain %u may be left: %s", id, strerror(err));
    return d;
}

bool domain_exists(struct storage *st, uint16_t domid)
{
    return domid == 0 || domain_know(st, domid) != NULL;
}

static void ring_notify(struct ring_conn *ring)
{
    const struct domain_ring *r = (struct domain_ring *)ring;
    if (r->port != 0)
        xen_evtchn_notify(r->port);
}

static void release_ring(struct domain_ring *r)
{
    if (r->port != 0)
        xen_evtchn_unbind(r->port);
    r->port = 0;
    xen_unmap_ring(&r->page);
}

static void ring_close(struct ring_conn *ring)
{
    struct domain_ring *r = (struct domain_ring *)ring;
    release_ring(r);
    free(r);
}

static void disconnect(struct domain *d)
{
    struct domain_ring *r = d->ring;
    if (r == NULL)
        return;
    d->ring = NULL;
    conn_shut(&r->ring.conn);
    release_ring(r);
}

static int rebind(const struct domain *d, struct domain_ring *r, uint32_t remote_port)
{
    uint32_t port;
    if (r->port != 0)
        xen_evtchn_unbind(r->port);
    r->port = 0;
    int err = xen_evtchn_bind(d->id, remote_port, &port);
    if (err == 0)
        r->port = port;
    return err;
}

/* Gives a domain its connection. The page is the domain's by gfn, or this domain's own when own is
 * set. */
static int connect_ring(struct storage *st, struct domain *d, bool own, uint64_t gfn,
                        uint32_t remote_port)
{
    struct domain_ring *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return ENOMEM;
    int err = own ? xen_map_own_ring(&r->page, &remote_port) : xen_map_ring(d->id, gfn, &r->page);
    if (err == 0)
        err = rebind(d, r, remote_port);
    r->ring.page = r->page.at;
    r->ring.notify = ring_notify;
    r->ring.close = ring_close;
    if (err == 0)
        err = ring_open(&r->ring, st, d->id);
    if (err != 0) {
        release_ring(r);
        free(r);
        return err;
    }
    d->ring = r;
    return 0;
}

static bool parse_domid(const char *text, uint16_t *id)
{
    uint64_t value;
    if (!parse_number(text, DOMID_SELF - 1, &value))
        return false;
    *id = (uint16_t)value;
    return true;
}

int xs_introduce(struct request *r)
{
    const char *word[3];
    uint64_t gfn, port;
    uint16_t id;
    if (request_words(r, word, 3) != 3 || !parse_domid(word[0], &id) ||
        !parse_number(word[1], UINT64_MAX, &gfn) || !parse_number(word[2], UINT32_MAX, &port))
        return EINVAL;
    if (id == 0)
        return 0; /* is connected since the start */
    struct domain *d = domain_know(r->s->st, id);
    if (d == NULL)
        return EINVAL;
    int err = d->ring != NULL ? rebind(d, d->ring, (uint32_t)port)
                              : connect_ring(r->s->st, d, false, gfn, (uint32_t)port);
    if (err != 0) {
        log_line("domain %u cannot be introduced: %s", id, strerror(err));
        return EINVAL;
    }
    if (d->introduced)
        return 0;
    d->introduced = true;
    d->shut_down = false;
    special_fire(r->s->st, SPECIAL_INTRODUCE);
    return 0;
}

static void forget(struct storage *st, struct domain *d)
{
    struct domain **at = &domains;
    uint16_t id = d->id;
    disconnect(d);
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    free(d);
    for (struct session *s = st->sessions; s != NULL; s = s->next)
        if (s->who.target == id)
            s->who.target = DOMID_NOBODY;
    int err = storage_forget_domain(st, id);
    if (err != 0)
        log_line("nodes or permissions of dead domain %u may be left: %s", id, strerror(err));
    account_drop(st, id);
}

/* Looks at all known domains; tells of releases once. */
static void look_at_domains(struct storage *st)
{
    bool released = false;
    for (struct domain *d = domains, *next; d != NULL; d = next) {
        struct xen_domain_state state;
        next = d->next;
        if (d->id == 0)
            continue;
        int err = xen_domain(d->id, &state);
        if (err == ESRCH || (err == 0 && state.dying)) {
            released |= d->introduced;
            forget(st, d);
        } else if (err == 0 && state.shut_down && d->introduced && !d->shut_down) {
            d->shut_down = true;
            released = true;
        } else if (err != 0) {
            log_line("cannot ask for domain %u: %s", d->id, strerror(err));
        }
    }
    if (released)
        special_fire(st, SPECIAL_RELEASE);
}

/* One domain, by number, that has been introduced and is not dom0. */
static int introduced_domain(const struct request *r, struct domain **d)
{
    const char *word;
    uint16_t id;
    if (request_words(r, &word, 1) != 1 || !parse_domid(word, &id) || id == 0)
        return EINVAL;
    *d = domain_find(id);
    return *d != NULL && (*d)->introduced ? 0 : ENOENT;
}

int xs_release(struct request *r)
{
    struct domain *d;
    int err = introduced_domain(r, &d);
    if (err != 0)
        return err;
    d->introduced = false;
    disconnect(d);
    if (!is_alive(d->id))
        forget(r->s->st, d);
    special_fire(r->s->st, SPECIAL_RELEASE);
    return 0;
}

int xs_resume(struct request *r)
{
    struct domain *d;
    int err = introduced_domain(r, &d);
    if (err == 0)
        d->shut_down = false;
    return err;
}

int xs_set_target(struct request *r)
{
    const char *word[2];
    uint16_t id, target;
    if (request_words(r, word, 2) != 2 || !parse_domid(word[0], &id) ||
        !parse_domid(word[1], &target))
        return EINVAL;
    struct domain *d = domain_find(id), *t = domain_find(target);
    if ((id != 0 && (d == NULL || !d->introduced)) ||
        (target != 0 && (t == NULL || !t->introduced)))
        return ENOENT;
    if (d != NULL && d->ring != NULL && id != 0)
        d->ring->ring.conn.session.who.target = target;
    return 0;
}

int xs_is_domain_introduced(struct request *r)
{
    const char *word;
    uint64_t id;
    if (request_words(r, &word, 1) != 1 || !parse_number(word, UINT16_MAX, &id))
        return EINVAL;
    const struct domain *d = domain_find((uint16_t)id);
    bool yes = id == 0 || id == DOMID_SELF || (d != NULL && d->introduced);
    request_answer(r, yes ? "T" : "F", 2);
    return 0;
}

static void on_events(struct watched *w, uint32_t what)
{
    int64_t port;
    (void)w, (void)what;
    while ((port = xen_evtchn_next()) >= 0) {
        if (port == dom_exc_port) {
            look_at_domains(storage);
            continue;
        }
        for (struct domain *d = domains; d != NULL; d = d->next)
            if (d->ring != NULL && d->ring->port == port)
                conn_ready(&d->ring->ring.conn);
    }
}

bool domains_start(struct storage *st)
{
    storage = st;
    int err = xen_evtchn_bind_dom_exc(&dom_exc_port);
    if (err != 0) {
        log_line("cannot learn of domains' deaths: binding the event: %s%s", strerror(err),
                 err == EEXIST ? " (does another store daemon run?)" : "");
        return false;
    }
    events = (struct watched){.fd = xen_evtchn_fd(), .on = on_events};
    struct domain *dom0 = domain_new(0);
    err = dom0 == NULL ? ENOMEM : connect_ring(st, dom0, true, 0, 0);
    if (err == 0 && loop_add(&events, EPOLLIN) != 0)
        err = errno;
    if (err != 0) {
        log_line("cannot connect this domain's kernel by /proc/xen/xsd_kva and xsd_port: %s",
                 strerror(err));
        return false;
    }
    dom0->introduced = true;
    return true;
}

void domains_stop(void)
{
    while (domains != NULL) {
        struct domain *d = domains;
        domains = d->next;
        free(d);
    }
}
