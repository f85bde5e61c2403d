/* SPDX-License-Identifier: MIT */
/*
 * A disk between XenStore and its data path: what the toolstack's nodes ask for, what the
 * frontend's nodes offer, and which image that is. One struct disk a xenbus device.
 *
 * Nodes read: backend params ("/path" or "aio:/path", "raw:/path"), mode ("r" or "w"),
 * discard-enable, device-type; frontend protocol, ring-page-order, ring-ref or ring-refN,
 * event-channel, feature-persistent.
 */
#ifndef BLKD_DISK_H
#define BLKD_DISK_H

#include "backends/blkd/vbd.h"
#include "backends/lib/xenbus.h"

/* The driver that serves disks on this host; host stays the caller's. */
struct xenbus_driver disk_driver(const char *type, struct vbd_host *host);

/* Stops taking requests on all disks of the bus; true when nothing is in flight any more. */
bool disks_at_rest(struct xenbus *bus);

#endif
