/* SPDX-License-Identifier: MIT */
/* What xenbus.c (a device's states) and xenbus_events.c (the bus) know of each other. */
#ifndef BACKENDS_XENBUS_PRIVATE_H
#define BACKENDS_XENBUS_PRIVATE_H

#include "backends/lib/xenbus.h"

struct xenbus {
    const struct xenbus_driver *driver;
    struct store *store; /* NULL: lost */
    uint32_t self;
    char root[64]; /* /local/domain/SELF/backend/TYPE */
    struct xenbus_device *devices;
    bool any_dirty, any_later;
    int64_t again; /* when to look at those that said later, or to connect again */
};

/* As many of the device's steps as can be done now. */
void xenbus_settle(struct xenbus_device *d);
/* Its directory is gone: true when the device is, too, and freed. */
bool xenbus_removed(struct xenbus_device *d);
/* Learns who the frontend is and watches it, if that is not done; true when it is. */
bool xenbus_meet_frontend(struct xenbus_device *d);

#endif
