/* SPDX-License-Identifier: MIT */
/* One guest's console: see console.h. */
#include "backends/consoled/console.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/consoled/ring.h"
#include "backends/lib/evtchn.h"
#include "backends/lib/gntdev.h"
#include "dom0-tools/lib/hv.h"
#include "xenstore/client.h"

#define CONSOLE_GRANT   0u /* GNTTAB_RESERVED_CONSOLE */
#define DEFAULT_LIMIT   (1u << 20)
#define VISIT_BYTES     64u /* what one event costs of a turn at least */
#define RETRY_MS        500u
#define RETRY_MOST_MS   30000u
#define TYPED_MOST      1024u
#define IN_TERMINAL     65536u /* what a full terminal may hold beyond what it tells */
#define TERMINAL_END_MS 10000u /* over: without a byte read */
#define LOG_END_MS      600000u

struct console *console_new(const struct consoled *c, uint16_t domid, const uint8_t uuid[16])
{
    struct console *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    k->c = c;
    k->domid = domid;
    memcpy(k->uuid, uuid, sizeof(k->uuid));
    k->left = TURN_BYTES;
    terminal_none(&k->terminal);
    log_file_none(&k->log);
    return k;
}

static void let_go_of_ring(struct console *k)
{
    if (k->port)
        evtchn_unbind(k->c->evtchn, k->port);
    k->port = 0;
    if (k->ring && k->by_grant)
        gntdev_unmap(k->c->gntdev, k->ring, k->grant_index);
    else if (k->ring)
        hv_unmap(k->ring, 1);
    k->ring = NULL;
    k->by_grant = false;
}

void console_free(struct console *k)
{
    let_go_of_ring(k);
    terminal_close(&k->terminal, k->c->inotify);
    log_file_close(&k->log);
    kept_close(&k->kept);
    backlog_free(&k->unread);
    free(k);
}

/* Once for each row of failures. */
static int complain(const struct console *k, const char *what)
{
    if (k->failures == 0)
        fprintf(stderr, "bonsai-consoled: domain %u: %s: %s\n", k->domid, what, strerror(errno));
    return -1;
}

static int map_ring(struct console *k)
{
    uint64_t frame;

    if (k->c->gntdev >= 0) {
        k->ring = gntdev_map(k->c->gntdev, k->domid, CONSOLE_GRANT, &k->grant_index);
        k->by_grant = k->ring != NULL;
    }
    if (!k->ring && !store_read_u64(k->c->store, STORE_NO_TX, &frame,
                                    "/local/domain/%u/console/ring-ref", k->domid))
        k->ring = hv_map_foreign(k->c->hv, k->domid, PROT_READ | PROT_WRITE, &frame, 1, NULL);
    return k->ring ? 0 : complain(k, "mapping the console ring");
}

static int bind_port(struct console *k, uint64_t port)
{
    int local = evtchn_bind_interdomain(k->c->evtchn, k->domid, (uint32_t)port);

    if (local < 0)
        return complain(k, "binding the console's event channel");
    k->port = (uint32_t)local;
    return 0;
}

static int open_terminal(struct console *k)
{
    char name[64];

    if (terminal_open(&k->terminal, k->c->inotify, name))
        return complain(k, "making a terminal");
    if (store_writef(k->c->store, STORE_NO_TX, name, "/local/domain/%u/console/tty", k->domid))
        return complain(k, "writing console/tty");
    return 0;
}

static void open_log(struct console *k)
{
    char name[300], *guest;

    if (!k->c->log_guests || k->log.path[0])
        return;
    guest = store_readf(k->c->store, STORE_NO_TX, "/local/domain/%u/name", k->domid);
    if (guest && *guest && strlen(guest) <= 240) /* longer ones are no file's name */
        snprintf(name, sizeof(name), "guest-%s", guest);
    else
        snprintf(name, sizeof(name), "guest-%u", k->domid);
    free(guest);
    if (log_file_open(&k->log, k->c->log_folder, name, k->c->now))
        complain(k, "its log file's name");
}

/* What a daemon before us took off the ring and nobody read is in the log. */
static void take_over(struct console *k, size_t limit)
{
    uint64_t left;

    if (k->unread.limit)
        return; /* this is not the first try */
    backlog_init(&k->unread, limit);
    if (kept_open(&k->kept, k->c->kept_folder, k->domid, k->uuid, &left))
        complain(k, "keeping what is unread for a daemon after this one");
    else if (left)
        log_file_tail(&k->log, left < limit ? left : limit, &k->unread);
}

static bool is_ours(const struct console *k)
{
    char *type = store_readf(k->c->store, STORE_NO_TX, "/local/domain/%u/console/type", k->domid);
    bool ours = !type || !strcmp(type, "xenconsoled");

    free(type);
    return ours;
}

/* -1: cannot be now; 1: its nodes are not there yet. */
static int try_open(struct console *k)
{
    uint64_t port, limit;

    if (!is_ours(k)) {
        fprintf(stderr, "bonsai-consoled: domain %u: another daemon serves it (console/type)\n",
                k->domid);
        k->state = CONSOLE_FOREIGN;
        return 0;
    }
    if (store_read_u64(k->c->store, STORE_NO_TX, &port, "/local/domain/%u/console/port",
                       k->domid) ||
        !port || port > UINT32_MAX)
        return 1;
    if (store_read_u64(k->c->store, STORE_NO_TX, &limit, "/local/domain/%u/console/limit",
                       k->domid) ||
        !limit || limit > DEFAULT_LIMIT)
        limit = DEFAULT_LIMIT;
    if (map_ring(k) || bind_port(k, port) || open_terminal(k))
        return -1;
    open_log(k);
    take_over(k, (size_t)limit);
    k->state = CONSOLE_OPEN;
    return 0;
}

void console_open(struct console *k)
{
    uint64_t pause = RETRY_MS;
    int r;

    if (k->failures && k->c->now < k->retry_at)
        return;
    r = try_open(k);
    if (k->state == CONSOLE_OPEN)
        console_serve(k); /* the events of what was printed before went nowhere */
    if (r == 0)
        return;
    let_go_of_ring(k);
    terminal_close(&k->terminal, k->c->inotify);
    for (unsigned i = 0; r < 0 && i < k->failures && pause < RETRY_MOST_MS; i++)
        pause *= 2;
    k->retry_at = k->c->now + pause;
    if (r < 0)
        k->failures++;
}

/* What the log holds and no reader has; rather too much than too little. */
static void keep(struct console *k, size_t fed)
{
    uint64_t unread = k->unread.used + terminal_unread(&k->terminal) + fed;

    if (fed && k->unread.used)
        unread += IN_TERMINAL;
    kept_set(&k->kept, unread > k->log.unwritten.used ? unread - k->log.unwritten.used : 0);
}

/* Takes what the guest printed off the ring. true: something came. */
static bool take_output(struct console *k)
{
    char text[RING_OUT];
    uint32_t cons, cost;
    int n = ring_look(k->ring, text, &cons);

    if (n < 0) {
        fprintf(stderr,
                "bonsai-consoled: domain %u: its console ring's indexes make no sense; not served "
                "any more\n",
                k->domid);
        k->state = CONSOLE_BROKEN;
        return false;
    }
    log_file_write(&k->log, text, (size_t)n, k->c->now);
    backlog_add(&k->unread, text, (size_t)n);
    if (n)
        keep(k, 0); /* before the ring forgets it */
    ring_taken(k->ring, cons, (uint32_t)n);
    cost = (uint32_t)n > VISIT_BYTES ? (uint32_t)n : VISIT_BYTES;
    k->left -= cost < k->left ? cost : k->left;
    return n != 0;
}

/* Typed text to the guest. true: something went. */
static bool give_input(struct console *k)
{
    char text[TYPED_MOST];
    uint32_t prod, room = ring_input_room(k->ring, &prod);
    ssize_t n =
        room ? read(k->terminal.master, text, room < sizeof(text) ? room : sizeof(text)) : 0;

    if (n <= 0)
        return false;
    ring_type(k->ring, prod, text, (uint32_t)n);
    return true;
}

static void feed(struct console *k)
{
    const size_t before = k->unread.used;

    if (k->terminal.attached)
        terminal_feed(&k->terminal, &k->unread);
    keep(k, before - k->unread.used);
}

void console_serve(struct console *k)
{
    if (k->state == CONSOLE_OPEN) {
        bool moved = !k->held && take_output(k);

        if (k->state == CONSOLE_OPEN)
            moved |= give_input(k);
        else
            let_go_of_ring(k);
        if (moved && evtchn_notify(k->c->evtchn, k->port) && errno != EINVAL && errno != ENOTCONN)
            fprintf(stderr, "bonsai-consoled: domain %u: telling it of its console: %s\n", k->domid,
                    strerror(errno));
    }
    if (k->terminal.master >= 0)
        feed(k);
}

void console_hang_up(struct console *k)
{
    if ((k->state != CONSOLE_OPEN && k->state != CONSOLE_BROKEN) || k->terminal.master < 0)
        return; /* one that is over has its own end */
    terminal_take_back(&k->terminal, &k->unread);
    terminal_close(&k->terminal, k->c->inotify);
    if (open_terminal(k) == 0) {
        keep(k, 0);
        return;
    }
    terminal_close(&k->terminal, k->c->inotify);
    if (k->state != CONSOLE_OPEN)
        return;
    let_go_of_ring(k);
    k->state = CONSOLE_ABSENT; /* tried again, as at the begin */
    k->failures++;
    k->retry_at = k->c->now + RETRY_MS;
}

void console_end(struct console *k)
{
    if (k->state == CONSOLE_OPEN)
        take_output(k);
    let_go_of_ring(k);
    k->state = CONSOLE_OVER;
    k->held = false;
    if (k->terminal.master >= 0)
        feed(k);
    kept_remove(&k->kept);
    k->rest = SIZE_MAX;
    k->log_until = k->c->now + LOG_END_MS;
}

static bool terminal_done(struct console *k)
{
    size_t rest;

    if (k->terminal.master < 0 || !k->terminal.attached)
        return true;
    terminal_feed(&k->terminal, &k->unread);
    rest = k->unread.used + terminal_unread(&k->terminal);
    if (rest < k->rest)
        k->terminal_until = k->c->now + TERMINAL_END_MS;
    k->rest = rest;
    /* what has just been written is not counted at once: nothing must be found twice */
    k->calm = rest ? 0 : k->calm + 1;
    return k->calm > 1 || k->c->now >= k->terminal_until;
}

bool console_done(struct console *k)
{
    bool read;

    log_file_retry(&k->log, k->c->now);
    read = terminal_done(k);
    if (read)
        terminal_close(&k->terminal, k->c->inotify);
    return read && (!k->log.unwritten.used || k->c->now >= k->log_until);
}

short console_poll_events(const struct console *k)
{
    short events = 0;
    uint32_t prod;

    if (!k->terminal.attached)
        return 0;
    if (k->unread.used)
        events |= POLLOUT;
    if (k->state == CONSOLE_OPEN && ring_input_room(k->ring, &prod))
        events |= POLLIN;
    return events;
}
