/* SPDX-License-Identifier: MIT */
/*
 * A split device as the toolstack sees it: a backend directory, a frontend directory and a copy
 * under /libxl that the guest cannot write, which is what we believe when we list or remove
 * devices. States are xenbus's, 1 Initialising to 6 Closed; the two halves move them, the toolstack
 * only waits and, to end a device, sets the backend's to Closing. Waiting is bounded and ends early
 * with the backend's own words when it reports an error. All functions block; one thread at a time.
 */
#ifndef BONSAI_DEVICE_H
#define BONSAI_DEVICE_H

#include "dom0-tools/lib/failure.h"
#include "xenstore/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum xenbus_state {
    XENBUS_UNKNOWN,
    XENBUS_INITIALISING,
    XENBUS_INIT_WAIT,
    XENBUS_INITIALISED,
    XENBUS_CONNECTED,
    XENBUS_CLOSING,
    XENBUS_CLOSED,
};

struct device {
    char kind[16];    /* "vbd", "vif", "console", ... */
    char backend[16]; /* kind of the backend where that is another ("qdisk" for a "vbd"), else "" */
    uint32_t backend_domid, domid, id;
};

#define DEVICE_PATH 128
void device_backend_path(const struct device *d, char path[DEVICE_PATH]);
void device_frontend_path(const struct device *d, char path[DEVICE_PATH]);
void device_trusted_path(const struct device *d, char path[DEVICE_PATH]);

/* Where a node goes. The trusted copy receives the backend's nodes. */
enum device_side { DEVICE_BACK, DEVICE_FRONT, DEVICE_FRONT_READONLY };

struct device_node {
    const char *key, *value; /* a NULL value: no such node */
    enum device_side side;
};

/* Writes the device's three directories in one transaction, with the nodes every device has and
 * these. 0, or -1 with a sentence. */
int device_publish(struct store *s, const struct device *d, const struct device_node *nodes,
                   size_t n, struct failure *why);

/* Waits until the backend's state is at least want (Closing and Closed count as refusal).
 * name is what a user calls the device. 0, or -1 with a sentence. */
int device_wait_backend(struct store *s, const struct device *d, enum xenbus_state want,
                        int timeout_ms, const char *name, struct failure *why);

/* How far apart the two halves are: 0 both Connected; 1 not yet; -1 with a sentence: it failed. */
int device_connected(struct store *s, const struct device *d, const char *name,
                     struct failure *why);

/* "frontend is Initialising, backend is InitWait": for a message about a device that is late. */
void device_describe(struct store *s, const struct device *d, char *text, size_t size);

/* The state in a backend's or frontend's directory, XENBUS_UNKNOWN when there is none. */
enum xenbus_state device_state(struct store *s, const char *path);

/* All devices of a domain by the trusted copy, in the store's order. malloc'ed; -1 with errno. */
long device_list(struct store *s, uint32_t domid, struct device **list);

/* Ends the device: asks the backend to close, takes the frontend away when the guest is dead or
 * does not answer within timeout_ms, removes all three directories and the empty ones above.
 * guest_dead: do not wait for the guest's half. 0, or -1 with a sentence (the nodes are gone then
 * as well, but the backend did not confirm that it let go). */
int device_remove(struct store *s, const struct device *d, bool guest_dead, int timeout_ms,
                  struct failure *why);

/* Removes path and then the directories above it that are empty, but no domain's home. 0, or -1
 * with errno. */
int store_rm_upwards(struct store *s, const char *path);

#endif
