/* SPDX-License-Identifier: MIT */
/*
 * The handshake of a split device, for all kinds of devices. We walk through the phases below as
 * the backend's state node moves; the driver's functions are called on the way:
 *
 *   WAITING    our state 1. Backend at 2: ops->prepare(), then ops->publish() and state
 *              ops->published in one transaction
 *   PUBLISHED  our state 3, or 4. Backend at 4: ops->connect(), state 4
 *   CONNECTED  our state 4, rings run. Backend at 5, 6 or nowhere: state 5, ops->drop(), state 6,
 *              CLOSED. Backend at 1 to 3: it has started anew, so ops->drop() and WAITING
 *   CLOSED     our state 6. Backend at 2, or at 6 and online: state 1, WAITING
 *   GONE       for good: the backend's nodes went away, it is closed and not online, we closed, or
 *              we broke the device off because of what the backend did
 *
 * A backend whose daemon was killed and started again thus finds a frontend that sets everything up
 * anew. All functions are called by one thread, none by event handlers.
 */
#ifndef FRONTENDS_XENBUS_H
#define FRONTENDS_XENBUS_H

#include "frontends/store.h"

#include <xen/io/xenbus.h>

#define XENBUS_PATH 128

enum xenbus_phase {
    XENBUS_WAITING,
    XENBUS_PUBLISHED,
    XENBUS_CONNECTED,
    XENBUS_CLOSED,
    XENBUS_GONE,
};

struct xenbus_device;

struct xenbus_ops {
    /* Our state once all is published: Initialised; or Connected, for kinds of backends (networks)
     * that wait for that. */
    enum xenbus_state published;
    /* Makes rings, grants and event channels. A failure breaks the device. */
    int (*prepare)(struct xenbus_device *d);
    /* Writes them below d->path. May be repeated. */
    int (*publish)(struct xenbus_device *d, store_tx tx);
    /* Reads what the backend says about the device; the rings run from here on. A failure, or
     * xenbus_break(), breaks the device. */
    int (*connect)(struct xenbus_device *d);
    /* Undoes prepare(), whole or in part; the backend may not be trusted to have let go. */
    void (*drop)(struct xenbus_device *d);
};

struct xenbus_device {
    struct store *store;
    const struct xenbus_ops *ops;
    void *driver;
    char path[XENBUS_PATH];    /* device/vbd/51712 */
    char backend[XENBUS_PATH]; /* /local/domain/0/backend/vbd/1/51712 */
    domid_t backend_id;
    enum xenbus_phase phase;
    bool broken; /* GONE by xenbus_break() */
    unsigned connections;
    struct store_watch watch; /* of the backend's state */
};

/* Reads where the backend is, watches it and begins. *d is zeroed but for ops and driver by this,
 * and stays where it is until xenbus_close(). */
int xenbus_open(struct xenbus_device *d, struct store *s, const char *path,
                const struct xenbus_ops *ops, void *driver);
/* Goes on as far as the backend's state allows. Cheap when nothing has changed. */
void xenbus_poll(struct xenbus_device *d);
/* Polls until CONNECTED; -XEN_ETIMEDOUT at the deadline, -XEN_EIO when the device is GONE. */
int xenbus_wait(struct xenbus_device *d, uint64_t deadline);
/* The backend did what it must not: says so, once, in the log and in the device's error node, and
 * closes the device. Returns -XEN_EIO. */
int xenbus_break(struct xenbus_device *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Our end: closes, waits at most five seconds for the backend to let go, drops, forgets. */
void xenbus_close(struct xenbus_device *d);

/* A number below the backend's directory, `missing` when there is none. -XEN_EINVAL for text. */
int xenbus_backend_u64(struct xenbus_device *d, const char *node, uint64_t missing,
                       uint64_t *value);

/* The path of the domain's n-th device of a kind ("vbd", "vif"), in the order of their numbers;
 * -XEN_ENOENT past the last one. */
int xenbus_nth(struct store *s, const char *kind, unsigned n, char path[XENBUS_PATH]);

#endif
