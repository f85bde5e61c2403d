/* SPDX-License-Identifier: MIT */
/* The backend's half of the handshake, one device: see xenbus.h. */
#include "backends/lib/xenbus_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 8 /* of one device in a row: a frontend that runs in circles waits in between */

/* --- small things for drivers --- */

char *xenbus_read_front(const struct xenbus_device *d, const char *key)
{
    return store_readf(d->bus->store, STORE_NO_TX, "%s/%s", d->front, key);
}

char *xenbus_read_back(const struct xenbus_device *d, const char *key)
{
    return store_readf(d->bus->store, STORE_NO_TX, "%s/%s", d->back, key);
}

int xenbus_front_number(const struct xenbus_device *d, const char *key, uint64_t max,
                        uint64_t *value)
{
    if (store_read_u64(d->bus->store, STORE_NO_TX, value, "%s/%s", d->front, key))
        return -1;
    if (*value <= max)
        return 0;
    errno = ERANGE;
    return -1;
}

struct numbers {
    const struct xenbus_device *device;
    const struct xenbus_node *nodes;
    size_t n;
};

static int write_numbers(struct store *s, store_tx tx, void *arg)
{
    const struct numbers *w = arg;
    char text[24];

    for (size_t i = 0; i < w->n; i++) {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)w->nodes[i].value);
        if (store_writef(s, tx, text, "%s/%s", w->device->back, w->nodes[i].key))
            return -1;
    }
    return 0;
}

int xenbus_write_numbers(const struct xenbus_device *d, const struct xenbus_node *nodes, size_t n)
{
    struct numbers w = {d, nodes, n};

    return store_transact(d->bus->store, write_numbers, &w);
}

/* --- states --- */

/* What a directory's state node says; Unknown: there is none, or nonsense. */
static enum xenbus_state read_state(const struct xenbus *bus, const char *directory)
{
    uint64_t state;

    if (!*directory || store_read_u64(bus->store, STORE_NO_TX, &state, "%s/state", directory) ||
        state > XenbusStateReconfigured)
        return XenbusStateUnknown;
    return (enum xenbus_state)state;
}

/* A device that the toolstack has removed must not come back by our writing. */
static int write_state(struct store *s, store_tx tx, void *arg)
{
    const struct xenbus_device *d = arg;
    char text[12], *old = store_readf(s, tx, "%s/state", d->back);

    if (!old)
        return -1;
    free(old);
    snprintf(text, sizeof(text), "%u", (unsigned int)d->state);
    return store_writef(s, tx, text, "%s/state", d->back);
}

static void go_to(struct xenbus_device *d, enum xenbus_state state)
{
    d->state = state;
    if (store_transact(d->bus->store, write_state, d) && errno != ENOENT)
        fprintf(stderr, "%s: %s: cannot write its state: %s\n", d->bus->driver->program, d->name,
                strerror(errno));
}

static bool store_is_there(struct xenbus *bus)
{
    return bus->store && (store_exists(bus->store, STORE_NO_TX, "/") >= 0 ||
                          (errno != EPIPE && errno != EIO && errno != EPROTO));
}

static void error_path(const struct xenbus_device *d, char path[XENBUS_PATH])
{
    snprintf(path, XENBUS_PATH, "/local/domain/%u/error/backend/%s/%u/%u", d->bus->self,
             d->bus->driver->type, d->domid, d->id);
}

void xenbus_fail(struct xenbus_device *d, const struct failure *why)
{
    char path[XENBUS_PATH];

    fprintf(stderr, "%s: %s: %s\n", d->bus->driver->program, d->name, why->text);
    d->failed = true;
    d->later = false;
    d->state = XenbusStateClosing;
    xenbus_look_at(d);
    if (!d->bus->store)
        return; /* Closing is written when it is back */
    error_path(d, path);
    store_writef(d->bus->store, STORE_NO_TX, why->text, "%s/error", path);
    go_to(d, XenbusStateClosing);
}

static void forget_error(struct xenbus_device *d)
{
    char path[XENBUS_PATH];

    if (!d->failed)
        return;
    error_path(d, path);
    store_rm(d->bus->store, STORE_NO_TX, path);
    d->failed = false;
}

/* --- a device's steps --- */

/* The result of a driver's step: true when it is done. A store lost meanwhile is not the
 * device's fault: the step is taken again. */
static bool stepped(struct xenbus_device *d, enum xenbus_step result, const struct failure *why)
{
    d->later = result == XENBUS_LATER || (result == XENBUS_FAILED && !store_is_there(d->bus));
    if (d->later)
        d->bus->any_later = true;
    else if (result == XENBUS_FAILED)
        xenbus_fail(d, why);
    return result == XENBUS_DONE;
}

static bool prepare(struct xenbus_device *d, bool resume)
{
    struct failure why = {0};

    return stepped(d, d->bus->driver->prepare(d, resume, &why), &why);
}

static bool connect_device(struct xenbus_device *d, bool resume)
{
    struct failure why = {0};

    if (!stepped(d, d->bus->driver->connect(d, resume, &why), &why))
        return false;
    d->linked = true;
    return true;
}

static bool disconnect(struct xenbus_device *d)
{
    if (d->linked && d->bus->driver->disconnect(d))
        d->linked = false;
    return !d->linked;
}

/* The watch and path of the frontend's half, from the toolstack's node. */
bool xenbus_meet_frontend(struct xenbus_device *d)
{
    char *front = *d->front ? NULL : xenbus_read_back(d, "frontend");
    char token[32];

    if (front && strlen(front) < sizeof(d->front))
        strcpy(d->front, front);
    free(front);
    if (*d->front && !d->watched) {
        snprintf(token, sizeof(token), "%u/%u", d->domid, d->id);
        d->watched = store_watchf(d->bus->store, token, "%s/state", d->front) == 0;
    }
    return d->watched;
}

/* A frontend's state in which it has no hand on any ring. */
static bool is_apart(enum xenbus_state front)
{
    return front == XenbusStateClosed || front == XenbusStateUnknown ||
           front == XenbusStateInitialising;
}

/* First sight of a directory: new, or a predecessor's. */
static bool adopt(struct xenbus_device *d, enum xenbus_state stored)
{
    enum xenbus_state front;

    if (!xenbus_meet_frontend(d))
        return false;
    front = read_state(d->bus, d->front);
    if (stored == XenbusStateConnected && is_apart(front)) {
        /* it went, or began anew, while nobody was there */
        if (front == XenbusStateInitialising)
            d->state = XenbusStateInitialising;
        else
            go_to(d, XenbusStateClosing);
    } else if (stored == XenbusStateConnected) {
        if (!prepare(d, true) || !connect_device(d, true))
            return false;
        d->state = stored;
    } else if (stored == XenbusStateClosing || stored == XenbusStateClosed) {
        d->state = stored;
    } else {
        d->state = XenbusStateInitialising;
    }
    return true;
}

/* After a failure the frontend has to have seen it, before it may try again. */
static bool closing(struct xenbus_device *d, enum xenbus_state front)
{
    if (!disconnect(d) || !is_apart(front) || (d->failed && front == XenbusStateInitialising))
        return false;
    go_to(d, XenbusStateClosed);
    return true;
}

static bool connected(struct xenbus_device *d, enum xenbus_state front)
{
    switch (front) {
    case XenbusStateClosing:
    case XenbusStateClosed:
    case XenbusStateUnknown:
        go_to(d, XenbusStateClosing);
        return true;
    case XenbusStateInitialised:
        if (!d->bus->driver->changed(d))
            return false;
        break;
    case XenbusStateInitialising:
        break;
    default:
        return false;
    }
    /* it starts anew, and has not said goodbye */
    if (!disconnect(d))
        return false;
    go_to(d, XenbusStateInitWait);
    return true;
}

/* One step, true: perhaps there is another. */
static bool step(struct xenbus_device *d, enum xenbus_state stored, enum xenbus_state front)
{
    uint64_t online = 0;

    if (stored == XenbusStateClosing && d->state < XenbusStateClosing &&
        d->state != XenbusStateUnknown)
        d->state = XenbusStateClosing; /* the toolstack's wish */
    switch (d->state) {
    case XenbusStateUnknown:
        return adopt(d, stored);
    case XenbusStateInitialising:
        if (!prepare(d, false))
            return false;
        go_to(d, XenbusStateInitWait);
        return true;
    case XenbusStateInitWait:
        if (front == XenbusStateClosing || front == XenbusStateClosed) {
            go_to(d, front);
            return true;
        }
        if ((front != XenbusStateInitialised && front != XenbusStateConnected) ||
            !connect_device(d, false))
            return false;
        go_to(d, XenbusStateConnected);
        return true;
    case XenbusStateConnected:
        return connected(d, front);
    case XenbusStateClosing:
        if (stored != XenbusStateClosing && stored != XenbusStateClosed)
            go_to(d, XenbusStateClosing); /* it failed while the store was away */
        return closing(d, front);
    case XenbusStateClosed:
        if (stored == XenbusStateClosing)
            go_to(d, XenbusStateClosed); /* asked once more, and it is done */
        if (front != XenbusStateInitialising ||
            store_read_u64(d->bus->store, STORE_NO_TX, &online, "%s/online", d->back) || !online)
            return false;
        forget_error(d);
        d->state = XenbusStateInitialising;
        return true;
    default:
        return false;
    }
}

void xenbus_settle(struct xenbus_device *d)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        enum xenbus_state stored = read_state(d->bus, d->back);

        if (stored == XenbusStateUnknown || !step(d, stored, read_state(d->bus, d->front)))
            return;
    }
    d->later = d->bus->any_later = true;
}

/* The toolstack has removed the directory. true: the device is gone. */
bool xenbus_removed(struct xenbus_device *d)
{
    char token[32];

    if (!disconnect(d))
        return false;
    d->bus->driver->release(d);
    snprintf(token, sizeof(token), "%u/%u", d->domid, d->id);
    if (d->watched)
        store_unwatchf(d->bus->store, token, "%s/state", d->front);
    forget_error(d);
    for (struct xenbus_device **p = &d->bus->devices; *p; p = &(*p)->next)
        if (*p == d) {
            *p = d->next;
            break;
        }
    free(d);
    return true;
}
