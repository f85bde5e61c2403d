/* SPDX-License-Identifier: MIT */
/*
 * A network card. Frames are copied into and out of the driver's own granted pages, one page a
 * frame: no scatter-gather and no segmentation offload, and neither is offered to the backend.
 *
 * Frames leave with their checksums complete. A backend may hand up a TCP or UDP frame whose
 * checksum nobody has computed (it comes from another domain on the same machine); it is completed
 * here, in the caller's copy, so that a stack above need not know.
 *
 * While the backend is away frames are refused; when it has come back they flow again. A backend
 * that answers what was not asked, whose lengths leave the page, or whose index jumps, has its
 * device declared broken. One thread; event handlers only end os_wait().
 */
#ifndef FRONTENDS_NETFRONT_H
#define FRONTENDS_NETFRONT_H

#include "frontends/store.h"

#include <xen/io/netif.h>

#define NETFRONT_FRAME_MAX 1518u /* bytes: header, VLAN tag, 1500 */

struct netfront;

struct netfront_info {
    uint8_t mac[6];
    unsigned mtu; /* bytes, without the header; at most 1500 */
};

struct netfront_counts {
    uint64_t sent, received; /* frames */
    uint64_t send_errors;    /* the backend says that it did not send */
    uint64_t receive_errors; /* it says that it lost one, or its frame was too long or too short */
    uint64_t checksums_filled;
};

/* Begins the handshake of the device at `path` (xenbus_nth() knows it). */
int netfront_open(struct netfront **n, struct store *s, const char *path);
/* Until frames flow; -XEN_ETIMEDOUT, -XEN_EIO. */
int netfront_wait(struct netfront *n, uint64_t deadline);
void netfront_close(struct netfront *n);
const struct netfront_info *netfront_info(const struct netfront *n);
const struct netfront_counts *netfront_counts(const struct netfront *n);
/* False once the device is closed for good or broken. */
bool netfront_alive(const struct netfront *n);

/* Follows the backend and takes answers; never waits. */
void netfront_poll(struct netfront *n);
/* A copy of the frame is on its way. -XEN_EAGAIN when the ring is full, -XEN_ENOTCONN without a
 * backend, -XEN_EMSGSIZE when shorter than a header or longer than the mtu allows. */
int netfront_send(struct netfront *n, const void *frame, size_t len);
/* The next frame's bytes; 0 when there is none; negative when one was lost, and there may be more.
 * The buffer has room for NETFRONT_FRAME_MAX. */
long netfront_receive(struct netfront *n, void *frame);

#endif
