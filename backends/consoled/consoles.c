/* SPDX-License-Identifier: MIT */
/* All consoles: see consoles.h. */
#include "backends/consoled/consoles.h"

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "backends/lib/evtchn.h"
#include "dom0-tools/lib/hv.h"
#include "xenstore/client.h"

#define LIST_CHUNK 64u
#define OVER_MS    100u                /* how often a console that is over is looked at */
#define JITTER_NS  UINT64_C(100000000) /* between two readings of a domain's CPU time */

/* One that is over is nobody's: its number may be another domain's already. */
static struct console *find(struct consoles *s, uint16_t domid)
{
    for (struct console *k = s->first; k; k = k->next)
        if (k->domid == domid && k->state != CONSOLE_OVER)
            return k;
    return NULL;
}

/* Whether it is still the domain that the console was made for, not a later one under the same
 * number. Its UUID changes when it is set aside, which is done to a domain that has stopped; the
 * time it has run never goes back, and its shared info (of an HVM guest: a guest's number) stays
 * where it is. */
static bool same(const struct console *k, const struct hv_dominfo *d)
{
    if (d->cpu_time_ns + JITTER_NS < k->cpu_time_ns ||
        (!d->hvm && d->shared_info_frame != k->shared_info_frame))
        return false;
    return d->shutdown || !memcmp(k->uuid, d->handle, sizeof(k->uuid));
}

static struct console *add(struct consoles *s, const struct hv_dominfo *d)
{
    struct console *k = console_new(&s->shared, d->domid, d->handle);

    if (!k)
        return NULL;
    k->shared_info_frame = d->shared_info_frame;
    k->next = s->first;
    s->first = k;
    return k;
}

static int meet(struct consoles *s, const struct hv_dominfo *d)
{
    struct console *k;

    if (d->domid == 0 || d->dying)
        return 0;
    k = find(s, d->domid);
    if (k && !same(k, d)) {
        console_end(k);
        k = NULL;
    }
    if (k && memcmp(k->uuid, d->handle, sizeof(k->uuid))) { /* set aside under another name */
        memcpy(k->uuid, d->handle, sizeof(k->uuid));
        kept_belongs(&k->kept, k->uuid);
    }
    if (!k && !(k = add(s, d)))
        return -1;
    k->seen = s->mark;
    k->cpu_time_ns = d->cpu_time_ns;
    if (k->state == CONSOLE_ABSENT)
        console_open(k);
    return 0;
}

static void drop_done(struct consoles *s)
{
    for (struct console **p = &s->first; *p;) {
        struct console *k = *p;

        if (k->state != CONSOLE_OVER || !console_done(k)) {
            p = &k->next;
            continue;
        }
        *p = k->next;
        console_free(k);
    }
}

int consoles_refresh(struct consoles *s)
{
    struct hv_dominfo list[LIST_CHUNK];
    uint16_t first = 0;
    int n;

    s->mark++;
    while ((n = hv_getdomaininfolist(s->shared.hv, first, list, LIST_CHUNK)) > 0) {
        for (int i = 0; i < n; i++)
            if (meet(s, &list[i]))
                return -1;
        first = (uint16_t)(list[n - 1].domid + 1);
    }
    if (n < 0)
        return -1;
    for (struct console *k = s->first; k; k = k->next)
        if (k->seen != s->mark && k->state != CONSOLE_OVER)
            console_end(k);
    drop_done(s);
    return 0;
}

static bool is_there(void *arg, uint16_t domid)
{
    return find(arg, domid) != NULL;
}

void consoles_sweep(struct consoles *s)
{
    kept_sweep(s->shared.kept_folder, is_there, s);
}

bool consoles_port(struct consoles *s, uint32_t port)
{
    for (struct console *k = s->first; k; k = k->next) {
        if (k->state != CONSOLE_OPEN || k->port != port)
            continue;
        if (!k->left) {
            k->held = true;
            return false;
        }
        console_serve(k);
    }
    return true;
}

/* Events were lost: who is attached cannot be counted any more, and begins anew. */
static void hang_up_all(struct consoles *s)
{
    fputs("bonsai-consoled: terminals were opened and closed faster than could be counted: all are "
          "closed and made anew\n",
          stderr);
    for (struct console *k = s->first; k; k = k->next)
        console_hang_up(k);
}

static void note(struct consoles *s, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW) {
        hang_up_all(s);
        return;
    }
    for (struct console *k = s->first; k; k = k->next) {
        if (k->terminal.watch != e->wd)
            continue;
        if (e->mask & IN_OPEN)
            k->terminal.attached++;
        else if (e->mask & IN_CLOSE && k->terminal.attached)
            k->terminal.attached--;
        console_serve(k);
    }
}

void consoles_attached(struct consoles *s)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n;

    while ((n = read(s->shared.inotify, events, sizeof(events))) > 0)
        for (char *p = events; p < events + n;) {
            const struct inotify_event *e = (const struct inotify_event *)p;

            note(s, e);
            p += sizeof(*e) + e->len;
        }
}

static void begin_turn(struct consoles *s)
{
    s->turn_end = s->shared.now + TURN_MS;
    for (struct console *k = s->first; k; k = k->next) {
        k->left = TURN_BYTES;
        if (!k->held)
            continue;
        k->held = false;
        console_serve(k);
        if (k->state == CONSOLE_OPEN && evtchn_unmask(s->shared.evtchn, k->port))
            perror("bonsai-consoled: unmasking an event channel");
    }
}

int consoles_tick(struct consoles *s)
{
    bool again = false;

    if (s->shared.now >= s->turn_end)
        begin_turn(s);
    for (struct console *k = s->first; k; k = k->next) {
        log_file_retry(&k->log, s->shared.now);
        again |= k->state == CONSOLE_ABSENT && s->shared.now >= k->retry_at;
    }
    drop_done(s);
    return again ? consoles_refresh(s) : 0;
}

/* The earlier of two moments, of which the first may be none (-1). */
static int sooner(int ms, uint64_t at, uint64_t now)
{
    const int wait = at <= now ? 0 : at - now > INT32_MAX ? INT32_MAX : (int)(at - now);

    return ms < 0 || wait < ms ? wait : ms;
}

int consoles_timeout(const struct consoles *s)
{
    const uint64_t now = s->shared.now;
    int ms = -1;

    for (const struct console *k = s->first; k; k = k->next) {
        if (k->held)
            ms = sooner(ms, s->turn_end, now);
        if (k->state == CONSOLE_ABSENT)
            ms = sooner(ms, k->retry_at, now);
        if (k->log.error)
            ms = sooner(ms, k->log.retry_ms, now);
        if (k->state == CONSOLE_OVER && k->terminal.master >= 0)
            ms = sooner(ms, now + OVER_MS, now);
    }
    return ms;
}

void consoles_reopen_logs(struct consoles *s)
{
    for (struct console *k = s->first; k; k = k->next)
        log_file_reopen(&k->log, s->shared.now);
}

void consoles_stop(struct consoles *s)
{
    while (s->first) {
        struct console *k = s->first;

        s->first = k->next;
        console_serve(k);
        console_free(k);
    }
}
