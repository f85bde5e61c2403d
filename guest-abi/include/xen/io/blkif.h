/* SPDX-License-Identifier: MIT */
/*
 * Block devices ("vbd"). Frontend nodes: ring-ref or ring-refN with ring-page-order, event-channel,
 * protocol, feature-persistent, multi-queue-num-queues and queue-N/. Backend nodes: sectors,
 * sector-size, info, feature-flush-cache, feature-barrier, feature-discard, feature-persistent,
 * feature-max-indirect-segments, max-ring-page-order, multi-queue-max-queues.
 *
 * Sector numbers and offsets count 512 bytes, whatever the device's own sectors are.
 */
#ifndef __XEN_PUBLIC_IO_BLKIF_H__
#define __XEN_PUBLIC_IO_BLKIF_H__

#include "../grant_table.h"
#include "ring.h"

#ifndef blkif_vdev_t
#define blkif_vdev_t uint16_t
#endif
#define blkif_sector_t                       uint64_t

#define BLKIF_OP_READ                        0
#define BLKIF_OP_WRITE                       1
#define BLKIF_OP_WRITE_BARRIER               2 /* ordered write; feature-barrier */
#define BLKIF_OP_FLUSH_DISKCACHE             3 /* no segments; feature-flush-cache */
#define BLKIF_OP_RESERVED_1                  4
#define BLKIF_OP_DISCARD                     5 /* blkif_request_discard; feature-discard */
#define BLKIF_OP_INDIRECT                    6 /* feature-max-indirect-segments */

#define BLKIF_MAX_SEGMENTS_PER_REQUEST       11
#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST 8

/* A part of a granted page, first and last sector included: 0 to 7. */
struct blkif_request_segment {
    grant_ref_t gref;
    uint8_t first_sect, last_sect;
};

struct blkif_request {
    uint8_t operation; /* BLKIF_OP_* */
    uint8_t nr_segments;
    blkif_vdev_t handle; /* the device, as the "virtual-device" node has it */
    uint64_t id;         /* echoed */
    blkif_sector_t sector_number;
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};
typedef struct blkif_request blkif_request_t;

struct blkif_request_discard {
    uint8_t operation;
    uint8_t flag;
#define BLKIF_DISCARD_SECURE (1 << 0)
    blkif_vdev_t handle;
    uint64_t id;
    blkif_sector_t sector_number;
    uint64_t nr_sectors;
};
typedef struct blkif_request_discard blkif_request_discard_t;

/* Segments lie in granted pages of their own, 512 in each. */
struct blkif_request_indirect {
    uint8_t operation;
    uint8_t indirect_op; /* BLKIF_OP_READ or WRITE */
    uint16_t nr_segments;
    uint64_t id;
    blkif_sector_t sector_number;
    blkif_vdev_t handle;
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
};
typedef struct blkif_request_indirect blkif_request_indirect_t;

struct blkif_response {
    uint64_t id;
    uint8_t operation;
    int16_t status; /* BLKIF_RSP_* */
};
typedef struct blkif_response blkif_response_t;

#define BLKIF_RSP_EOPNOTSUPP -2
#define BLKIF_RSP_ERROR      -1
#define BLKIF_RSP_OKAY       0

DEFINE_RING_TYPES(blkif, struct blkif_request, struct blkif_response);

/* bits of the "info" node */
#define VDISK_CDROM     0x1
#define VDISK_REMOVABLE 0x2
#define VDISK_READONLY  0x4

XEN_ABI_SIZE(struct blkif_sring, 176);
XEN_ABI_SIZE(struct blkif_request_segment, 8);
XEN_ABI_SIZE(struct blkif_request, 112);
XEN_ABI_SIZE(struct blkif_request_discard, 32);
XEN_ABI_SIZE(struct blkif_request_indirect, 64);
XEN_ABI_SIZE(struct blkif_response, 16);
#endif
