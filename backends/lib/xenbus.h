/* SPDX-License-Identifier: MIT */
/*
 * The backend's half of the xenbus handshake, once for all backends. Devices are directories of
 * XenStore, /local/domain/SELF/backend/TYPE/DOMID/ID, made and removed by the toolstack; a driver
 * says what to do at each step and knows nothing of watches and states. ABI: xen/io/xenbus.h.
 *
 *   1 Initialising   the toolstack made the directory  -> prepare(), then InitWait
 *   2 InitWait       frontends may read our nodes      -> frontend at 3 or 4: connect(), Connected
 *   4 Connected      served. A frontend that starts anew without closing, or with other rings, is
 *                    disconnected and connected again
 *   5 Closing        the frontend closes, the toolstack asks for it (state 5), or the device has
 *                    failed: disconnect(); frontend closed or gone -> Closed
 *   6 Closed         the frontend at 1 again, online: prepare(). Directory gone: release()
 *
 * A device that is found Connected was a predecessor's: prepare(), then connect(resume). Steps may
 * answer "later": they are called again, soon. Every node that the frontend can write is read once
 * and judged by who asked. A failed device has its reason in error/backend/TYPE/DOMID/ID/error, as
 * Linux's backends do it, and in the log.
 *
 * The connection to the store may be lost and comes back (a new daemon): devices are served on
 * meanwhile. One that is connected and whose directory is not there when the store comes back has
 * been lost with the store's tree, not removed: it is served until this process ends. All functions
 * block only for the store's answers. One thread.
 */
#ifndef BACKENDS_XENBUS_H
#define BACKENDS_XENBUS_H

#include "dom0-tools/lib/failure.h"
#include "xenstore/client.h"

#include <stdbool.h>
#include <stdint.h>
#include <xen/io/xenbus.h>

#define XENBUS_PATH 160

struct xenbus;

struct xenbus_device {
    struct xenbus_device *next;
    struct xenbus *bus;
    uint32_t domid, id;
    char back[XENBUS_PATH], front[XENBUS_PATH];
    char name[64];           /* for the log; a driver may write a better one */
    enum xenbus_state state; /* ours; Unknown until the directory has been looked at */
    void *data;              /* the driver's */
    bool dirty;              /* to be looked at */
    bool linked;             /* connect() was done, disconnect() not */
    bool later, failed, watched;
    bool orphan; /* connected, and its directory was lost with the store's tree */
};

enum xenbus_step { XENBUS_DONE, XENBUS_LATER, XENBUS_FAILED /* with a sentence */ };

struct xenbus_driver {
    const char *type;    /* "qdisk" */
    const char *program; /* for messages */
    void *context;
    enum xenbus_step (*prepare)(struct xenbus_device *d, bool resume, struct failure *why);
    enum xenbus_step (*connect)(struct xenbus_device *d, bool resume, struct failure *why);
    bool (*changed)(struct xenbus_device *d);    /* other rings than those connected? */
    bool (*disconnect)(struct xenbus_device *d); /* true: done; else xenbus_look_at() when it is */
    void (*release)(struct xenbus_device *d);    /* frees data; after disconnect() */
};

/* Connects to the store, learns who we are, watches, and knows all devices that are there. The
 * driver stays the caller's. NULL with a sentence. */
struct xenbus *xenbus_open(const struct xenbus_driver *driver, struct failure *why);
int xenbus_fd(const struct xenbus *bus); /* poll for POLLIN; may change; -1: none at the moment */
/* To be called when the descriptor is readable, in time's end, and after whatever may have made a
 * device dirty; cheap when there is nothing to do. */
void xenbus_serve(struct xenbus *bus, bool readable);
int xenbus_timeout(const struct xenbus *bus); /* ms until it wants to be called; -1: never */
void xenbus_look_at(struct xenbus_device *d); /* at the next xenbus_serve() */
/* The device cannot be served any more: state Closing, with the reason, which need not name it. */
void xenbus_fail(struct xenbus_device *d, const struct failure *why);

struct xenbus_device *xenbus_find(const struct xenbus *bus, uint32_t domid, uint32_t id);
struct xenbus_device *xenbus_devices(const struct xenbus *bus); /* a list by next */
struct store *xenbus_store(const struct xenbus *bus);
void *xenbus_context(const struct xenbus_device *d);

/* A node of the frontend's or the backend's directory; malloc'ed, or NULL with errno. */
char *xenbus_read_front(const struct xenbus_device *d, const char *key);
char *xenbus_read_back(const struct xenbus_device *d, const char *key);
/* A number in the frontend's directory that is at most max; 0, or -1 with errno. */
int xenbus_front_number(const struct xenbus_device *d, const char *key, uint64_t max,
                        uint64_t *value);

/* Nodes of the backend's directory, all or none of them. 0, or -1 with errno. */
struct xenbus_node {
    const char *key;
    uint64_t value;
};
int xenbus_write_numbers(const struct xenbus_device *d, const struct xenbus_node *nodes, size_t n);

#endif
