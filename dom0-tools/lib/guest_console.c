/* SPDX-License-Identifier: MIT */
/* Waiting for the console daemon: see guest_console.h. */
#include "dom0-tools/lib/guest_console.h"
#include "common/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <xen/io/console.h>

#define LOOK_MS  500
#define DRAIN_MS 5

/* What the node says, malloc'ed; NULL with ENOENT when it says nothing. */
static char *offered(struct store *s, uint32_t domid)
{
    char *tty = store_readf(s, STORE_NO_TX, "/local/domain/%u/console/tty", domid);

    if (tty != NULL && *tty != '\0')
        return tty;
    if (tty != NULL)
        errno = ENOENT;
    free(tty);
    return NULL;
}

/* -1 with errno when there is no such domain. */
static int look_for(struct store *s, uint32_t domid)
{
    char home[48];
    int there;

    snprintf(home, sizeof(home), "/local/domain/%u", domid);
    there = store_exists(s, STORE_NO_TX, home);
    if (there == 0)
        errno = ENOENT;
    return there > 0 ? 0 : -1;
}

static char *wait_offer(struct store *s, uint32_t domid, int timeout_ms)
{
    const int64_t end = now_ms() + timeout_ms;
    char *tty;

    while ((tty = offered(s, domid)) == NULL && errno == ENOENT) {
        const int64_t left = end - now_ms();
        struct store_event *event = NULL;

        if (look_for(s, domid) != 0)
            return NULL;
        errno = ETIMEDOUT;
        if (left <= 0 || store_wait_event(s, left < LOOK_MS ? (int)left : LOOK_MS, &event) < 0)
            return NULL;
        free(event);
    }
    return tty;
}

char *guest_console_terminal(struct store *s, uint32_t domid, int timeout_ms)
{
    char *tty = offered(s, domid);
    int err;

    if (tty != NULL || errno != ENOENT || look_for(s, domid) != 0)
        return tty;
    if (timeout_ms <= 0) {
        errno = ETIMEDOUT;
        return NULL;
    }
    if (store_watchf(s, "console", "/local/domain/%u/console/tty", domid) != 0)
        return NULL;
    tty = wait_offer(s, domid, timeout_ms);
    err = errno;
    store_unwatchf(s, "console", "/local/domain/%u/console/tty", domid);
    errno = err;
    return tty;
}

/* The guest can write there: what makes no sense is nothing to wait for. */
static uint32_t printed(const struct xencons_interface *r)
{
    const uint32_t n = __atomic_load_n(&r->out_prod, __ATOMIC_RELAXED) -
                       __atomic_load_n(&r->out_cons, __ATOMIC_RELAXED);

    return n <= sizeof(r->out) ? n : 0;
}

void guest_console_drain(struct toolstack *t, uint32_t domid, int timeout_ms)
{
    const struct timespec pause = {.tv_nsec = DRAIN_MS * 1000000};
    const int64_t end = now_ms() + timeout_ms;
    struct xencons_interface *ring;
    char *tty = offered(t->store, domid);
    uint64_t frame;

    if (tty == NULL)
        return; /* nobody serves it */
    free(tty);
    if (store_read_u64(t->store, STORE_NO_TX, &frame, "/local/domain/%u/console/ring-ref", domid) !=
        0)
        return;
    ring = hv_map_foreign(t->hv, (uint16_t)domid, PROT_READ, &frame, 1, NULL);
    if (ring == NULL)
        return;
    while (printed(ring) != 0 && now_ms() < end)
        nanosleep(&pause, NULL);
    hv_unmap(ring, 1);
}
