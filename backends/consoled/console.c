/* SPDX-License-Identifier: MIT */
/* One guest's console: see console.h. Ring layout: guest-abi io/console.h. */
#include "backends/consoled/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <xen/io/console.h>

#include "backends/lib/evtchn.h"
#include "backends/lib/gntdev.h"
#include "dom0-tools/lib/hv.h"
#include "xenstore/client.h"

#define CONSOLE_GRANT 0u /* GNTTAB_RESERVED_CONSOLE */
#define DEFAULT_LIMIT (1u << 20)

_Static_assert((sizeof((struct xencons_interface *)0)->out &
                (sizeof((struct xencons_interface *)0)->out - 1)) == 0,
               "ring sizes are powers of two");

struct console *console_new(const struct consoled *c, uint16_t domid)
{
    struct console *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    k->c = c;
    k->domid = domid;
    k->master = k->slave = k->log.fd = -1;
    return k;
}

static void let_go(struct console *k)
{
    if (k->port)
        evtchn_unbind(k->c->evtchn, k->port);
    k->port = 0;
    if (k->ring && k->by_grant)
        gntdev_unmap(k->c->gntdev, k->ring, k->grant_index);
    else if (k->ring)
        hv_unmap(k->ring, 1);
    k->ring = NULL;
    if (k->master >= 0)
        close(k->master);
    if (k->slave >= 0)
        close(k->slave);
    k->master = k->slave = -1;
    k->open = false;
}

void console_free(struct console *k)
{
    let_go(k);
    guest_log_close(&k->log);
    backlog_free(&k->unread);
    free(k);
}

static int complain(const struct console *k, const char *what)
{
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

/* A terminal in raw mode. Our own hold on the slave side keeps what is written while nobody is
 * attached. */
static int open_terminal(struct console *k)
{
    struct termios t;
    char name[64];

    if (openpty(&k->master, &k->slave, name, NULL, NULL))
        return complain(k, "making a terminal");
    if (tcgetattr(k->slave, &t))
        return complain(k, "setting up the terminal");
    cfmakeraw(&t);
    if (tcsetattr(k->slave, TCSANOW, &t) || fcntl(k->master, F_SETFL, O_NONBLOCK) ||
        fcntl(k->master, F_SETFD, FD_CLOEXEC) || fcntl(k->slave, F_SETFD, FD_CLOEXEC))
        return complain(k, "setting up the terminal");
    if (store_writef(k->c->store, STORE_NO_TX, name, "/local/domain/%u/console/tty", k->domid))
        return complain(k, "writing console/tty");
    return 0;
}

static void open_log(struct console *k)
{
    char fallback[32], *name;

    if (!k->c->log_guests || k->log.fd >= 0)
        return;
    snprintf(fallback, sizeof(fallback), "%u", k->domid);
    name = store_readf(k->c->store, STORE_NO_TX, "/local/domain/%u/name", k->domid);
    if (guest_log_open(&k->log, k->c->log_folder, name && *name ? name : fallback))
        complain(k, k->log.path);
    free(name);
}

/* Is this console ours, and are its nodes there? 1: later. */
static int nodes_ready(struct console *k, uint64_t *port, uint64_t *limit)
{
    char *type = store_readf(k->c->store, STORE_NO_TX, "/local/domain/%u/console/type", k->domid);
    bool ours = !type || !strcmp(type, "xenconsoled");

    free(type);
    if (!ours) {
        errno = ENOTSUP;
        return complain(k, "its console is served by another daemon (console/type)");
    }
    if (store_read_u64(k->c->store, STORE_NO_TX, port, "/local/domain/%u/console/port", k->domid) ||
        !*port)
        return 1;
    if (store_read_u64(k->c->store, STORE_NO_TX, limit, "/local/domain/%u/console/limit",
                       k->domid) ||
        !*limit || *limit > DEFAULT_LIMIT)
        *limit = DEFAULT_LIMIT;
    return 0;
}

int console_open(struct console *k)
{
    uint64_t port, limit;
    int local, r = nodes_ready(k, &port, &limit);

    if (r)
        return r;
    if (map_ring(k))
        return -1;
    local = evtchn_bind_interdomain(k->c->evtchn, k->domid, (uint32_t)port);
    if (local < 0) {
        complain(k, "binding the console's event channel");
        let_go(k);
        return -1;
    }
    k->port = (uint32_t)local;
    if (open_terminal(k)) {
        let_go(k);
        return -1;
    }
    backlog_init(&k->unread, (size_t)limit);
    open_log(k);
    k->open = true;
    return 0;
}

static void break_ring(struct console *k, uint32_t cons, uint32_t prod)
{
    k->broken = true;
    fprintf(stderr,
            "bonsai-consoled: domain %u: its console ring's indexes (%u, %u) make no sense; not "
            "served any more\n",
            k->domid, cons, prod);
}

/* Takes what the guest printed off the ring. true: something came. */
static bool take_output(struct console *k)
{
    struct xencons_interface *ring = k->ring;
    uint32_t prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);
    uint32_t cons = __atomic_load_n(&ring->out_cons, __ATOMIC_RELAXED), n = prod - cons;
    char text[sizeof(ring->out)];

    if (n > sizeof(ring->out)) {
        break_ring(k, cons, prod);
        return false;
    }
    for (uint32_t i = 0; i < n; i++)
        text[i] = ring->out[MASK_XENCONS_IDX(cons + i, ring->out)];
    __atomic_store_n(&ring->out_cons, prod, __ATOMIC_RELEASE);
    guest_log_write(&k->log, text, n);
    backlog_add(&k->unread, text, n);
    return n != 0;
}

static void feed_terminal(struct console *k)
{
    while (k->unread.used) {
        size_t n;
        const char *p = backlog_head(&k->unread, &n);
        ssize_t done = write(k->master, p, n);

        if (done <= 0)
            return; /* full: poll() tells when it is not */
        backlog_drop(&k->unread, (size_t)done);
    }
}

static uint32_t input_room(const struct console *k)
{
    const struct xencons_interface *ring = k->ring;
    uint32_t used = __atomic_load_n(&ring->in_prod, __ATOMIC_RELAXED) -
                    __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);

    return used > sizeof(ring->in) ? 0 : (uint32_t)sizeof(ring->in) - used;
}

/* Typed text to the guest. true: something went. */
static bool give_input(struct console *k)
{
    struct xencons_interface *ring = k->ring;
    uint32_t room = input_room(k), prod = __atomic_load_n(&ring->in_prod, __ATOMIC_RELAXED);
    char text[sizeof(ring->in)];
    ssize_t n = room ? read(k->master, text, room) : 0;

    if (n <= 0)
        return false;
    for (uint32_t i = 0; i < (uint32_t)n; i++)
        ring->in[MASK_XENCONS_IDX(prod + i, ring->in)] = text[i];
    __atomic_store_n(&ring->in_prod, prod + (uint32_t)n, __ATOMIC_RELEASE);
    return true;
}

void console_serve(struct console *k)
{
    bool moved;

    if (!k->open)
        return;
    if (!k->broken) {
        moved = take_output(k);
        if (!k->broken)
            moved |= give_input(k);
        if (moved && evtchn_notify(k->c->evtchn, k->port) && errno != EINVAL && errno != ENOTCONN)
            complain(k, "telling it that its console has moved");
    }
    feed_terminal(k);
}

short console_poll_events(const struct console *k)
{
    short events = k->unread.used ? POLLOUT : 0;

    if (!k->broken && input_room(k))
        events |= POLLIN;
    return events;
}
