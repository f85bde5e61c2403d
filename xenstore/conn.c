/* SPDX-License-Identifier: MIT */
/*
 * Connections: requests in, answers and events out, and whose turn it is.
 *
 * Bounds. In comes at most two messages' worth. A request is taken only while less than QUEUE_CALM
 * bytes wait to go out, so answers never pile up. Events do, when the other side does not read: one
 * that is just like another still queued is dropped, since it would say nothing new; a domain that
 * lets more than QUEUE_GUEST bytes gather loses its connection, a dom0 client QUEUE_DOM0. A domain
 * whose own doings have put too many events into others' queues waits until they are taken.
 */
#include "xenstore/conn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/log.h"
#include "xenstore/request.h"

#define ROUND           16u /* requests until others have their turn */
#define QUEUE_CALM      (16u * 1024)
#define QUEUE_GUEST     (1024u * 1024)
#define QUEUE_DOM0      (64u * 1024 * 1024)
#define LOGGED_FAILURES 10u   /* of a guest that starts afresh to fail again */
#define COALESCE_UP_TO  1024u /* messages in a queue that is still searched for the same event */

struct out {
    struct out *next;
    struct account *cause; /* whose outstanding event this is, or NULL */
    bool event;
    size_t len, done;
    char data[];
};

static struct conn *all;
static bool any_dead; /* conn_reap() has work */
static struct conn *ready_first, **ready_last = &ready_first;

static const char *name_of(const struct conn *c, char *text, size_t size)
{
    if (c->session.who.domid != 0)
        snprintf(text, size, "d%u", c->session.who.domid);
    else
        snprintf(text, size, "dom0-%u", c->number);
    return text;
}

static void trace(const struct conn *c, const char *dir, const struct xsd_sockmsg *h,
                  const char *body)
{
    char who[32];
    const char *what = request_name(h->type);
    if (!log_tracing)
        return;
    if (what == NULL)
        what = h->type == XS_WATCH_EVENT ? "WATCH_EVENT" : h->type == XS_ERROR ? "ERROR" : "?";
    log_message(dir, name_of(c, who, sizeof(who)), what, h->tx_id, body, h->len);
}

void conn_fail(struct conn *c, uint32_t error, const char *fmt, ...)
{
    char why[160], who[32];
    va_list args;
    if (c->dead)
        return;
    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    if (error != XENSTORE_ERROR_NONE && c->failures++ < LOGGED_FAILURES)
        log_line("connection %s stopped: %s", name_of(c, who, sizeof(who)), why);
    c->dead = any_dead = true;
    c->error = error;
}

static void pop(struct conn *c)
{
    struct out *o = c->first;
    c->first = o->next;
    if (c->first == NULL)
        c->last = &c->first;
    c->queued -= o->len;
    c->messages--;
    account_event_taken(c->session.st, o->cause);
    free(o);
}

static bool is_queued(const struct conn *c, const char *body, size_t len)
{
    if (c->messages > COALESCE_UP_TO)
        return false;
    for (const struct out *o = c->first; o != NULL; o = o->next)
        if (o->event && o->done == 0 && o->len == sizeof(struct xsd_sockmsg) + len &&
            memcmp(o->data + sizeof(struct xsd_sockmsg), body, len) == 0)
            return true;
    return false;
}

static void queue(struct conn *c, const struct xsd_sockmsg *h, const void *body,
                  struct account *cause)
{
    struct out *o = malloc(sizeof(*o) + sizeof(*h) + h->len);
    if (o == NULL) {
        conn_fail(c, XENSTORE_ERROR_COMM, "no memory for a message to it");
        return;
    }
    *o = (struct out){
        .cause = cause, .event = h->type == XS_WATCH_EVENT, .len = sizeof(*h) + h->len};
    memcpy(o->data, h, sizeof(*h));
    if (h->len > 0)
        memcpy(o->data + sizeof(*h), body, h->len);
    if (cause != NULL)
        cause->outstanding++;
    *c->last = o;
    c->last = &o->next;
    c->queued += o->len;
    c->messages++;
    trace(c, "out", h, o->data + sizeof(*h));
    if (c->queued > (c->session.who.privileged ? QUEUE_DOM0 : QUEUE_GUEST))
        conn_fail(c, XENSTORE_ERROR_COMM, "it does not read its events, %zu bytes wait", c->queued);
}

/* After -1 from a transport. */
static void transport_failed(struct conn *c)
{
    if (errno == EPROTO)
        conn_fail(c, XENSTORE_ERROR_RINGIDX, "a ring's index is out of range");
    else if (errno != EAGAIN)
        conn_fail(c, XENSTORE_ERROR_NONE, "%s", strerror(errno));
}

static void flush(struct conn *c)
{
    while (c->first != NULL && !c->dead) {
        struct out *o = c->first;
        ssize_t n = c->transport->write(c, o->data + o->done, o->len - o->done);
        if (n < 0) {
            transport_failed(c);
            return;
        }
        o->done += (size_t)n;
        if (o->done == o->len)
            pop(c);
    }
}

static void deliver(struct session *s, const char *path, const char *token, struct account *cause)
{
    struct conn *c = (struct conn *)s;
    char body[2 * XENSTORE_PAYLOAD_MAX];
    size_t path_len = strlen(path) + 1, len = path_len + strlen(token) + 1;
    if (c->dead)
        return;
    if (len > XENSTORE_PAYLOAD_MAX) { /* watch_add() saw to it that this cannot be */
        conn_fail(c, XENSTORE_ERROR_PROTO, "an event of %zu bytes fits no message", len);
        return;
    }
    memcpy(body, path, path_len);
    memcpy(body + path_len, token, len - path_len);
    if (is_queued(c, body, len))
        return;
    const struct xsd_sockmsg h = {.type = XS_WATCH_EVENT, .len = (uint32_t)len};
    bool idle = c->first == NULL;
    queue(c, &h, body, s->account == cause ? NULL : cause);
    if (idle)
        flush(c); /* at once: only what waits because the other side is slow may be coalesced */
    conn_ready(c);
}

static void answer(struct request *r, uint32_t type, const void *data, size_t len)
{
    const struct xsd_sockmsg h = {type, r->header.req_id, r->header.tx_id, (uint32_t)len};
    queue((struct conn *)r->s, &h, data, NULL);
}

int conn_open(struct conn *c, struct storage *st, uint16_t domid, const struct transport *transport)
{
    int err = session_open(&c->session, st, domid);
    if (err != 0)
        return err;
    static unsigned number;
    c->number = number++;
    c->session.deliver = deliver;
    c->transport = transport;
    c->last = &c->first;
    c->next = all;
    all = c;
    return 0;
}

void conn_ready(struct conn *c)
{
    if (c->ready)
        return;
    c->ready = true;
    c->next_ready = NULL;
    *ready_last = c;
    ready_last = &c->next_ready;
}

bool conn_any_ready(void)
{
    return ready_first != NULL;
}

void conn_wake(struct session *s)
{
    conn_ready((struct conn *)s);
}

/* Is there a whole message at c->at? A length over the limit ends the connection. */
static bool message_there(struct conn *c, struct xsd_sockmsg *h)
{
    if (c->have - c->at < sizeof(*h))
        return false;
    memcpy(h, c->in + c->at, sizeof(*h));
    if (h->len > XENSTORE_PAYLOAD_MAX) {
        conn_fail(c, XENSTORE_ERROR_PROTO, "a message of %u bytes", h->len);
        return false;
    }
    return c->have - c->at >= sizeof(*h) + h->len;
}

/* Takes in what there is room for; sets *all_there when that was all there is. false: nothing came.
 */
static bool fill(struct conn *c, bool *all_there)
{
    if (c->at > 0) {
        memmove(c->in, c->in + c->at, c->have - c->at);
        c->have -= c->at;
        c->at = 0;
    }
    size_t room = sizeof(c->in) - c->have;
    ssize_t n = c->transport->read(c, c->in + c->have, room);
    *all_there = n < (ssize_t)room;
    if (n > 0) {
        c->have += (size_t)n;
        return true;
    }
    if (n == 0)
        conn_fail(c, XENSTORE_ERROR_NONE, "its end");
    else
        transport_failed(c);
    return false;
}

static bool may_take(const struct conn *c)
{
    const struct session *s = &c->session;
    return !c->dead && c->queued < QUEUE_CALM &&
           (s->who.privileged || s->account->outstanding < s->st->limits.outstanding);
}

/* A round: what waits goes out, some requests are carried out, what they caused goes out. */
static void round_of(struct conn *c)
{
    unsigned taken = 0;
    bool more = true, all_there = false;
    if (c->dead || !c->transport->begin(c))
        return;
    flush(c);
    while (more && taken < ROUND && may_take(c)) {
        struct request r = {.s = &c->session, .answer = answer};
        if (!message_there(c, &r.header)) {
            more = !c->dead && !all_there && fill(c, &all_there);
            continue;
        }
        r.body = c->in + c->at + sizeof(r.header);
        c->at += sizeof(r.header) + r.header.len;
        trace(c, "in", &r.header, r.body);
        request_run(&r);
        taken++;
        flush(c);
    }
    if (!c->dead)
        c->transport->end(c, c->first != NULL);
    if (more && taken == ROUND && !c->dead)
        conn_ready(c);
}

void conn_run_ready(void)
{
    struct conn **end = ready_last; /* who asks from now on has the next turn */
    bool last = ready_first == NULL;
    while (!last && ready_first != NULL) {
        struct conn *c = ready_first;
        last = &c->next_ready == end;
        ready_first = c->next_ready;
        if (ready_first == NULL)
            ready_last = &ready_first;
        c->ready = false;
        round_of(c);
    }
}

static void drop_queue(struct conn *c)
{
    while (c->first != NULL)
        pop(c);
}

void conn_restart(struct conn *c)
{
    drop_queue(c);
    c->at = c->have = 0;
    session_reset(&c->session);
}

static void unready(struct conn *c)
{
    struct conn **at = &ready_first;
    if (!c->ready)
        return;
    while (*at != c)
        at = &(*at)->next_ready;
    *at = c->next_ready;
    if (ready_last == &c->next_ready)
        ready_last = at;
    c->ready = false;
}

void conn_shut(struct conn *c)
{
    drop_queue(c);
    session_close(&c->session);
    c->dead = c->shut = any_dead = true;
}

static void destroy(struct conn *c)
{
    if (!c->shut)
        conn_shut(c);
    unready(c);
    c->transport->close(c);
}

void conn_reap(void)
{
    struct conn **at = &all;
    if (!any_dead)
        return;
    any_dead = false;
    while (*at != NULL) {
        struct conn *c = *at;
        if (c->dead && !c->shut && c->transport->failed(c, c->error)) {
            conn_restart(c);
            c->dead = false;
        }
        if (!c->dead) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        destroy(c);
    }
}

void conn_close_all(void)
{
    while (all != NULL) {
        struct conn *c = all;
        all = c->next;
        destroy(c);
    }
}
