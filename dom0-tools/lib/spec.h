/* SPDX-License-Identifier: MIT */
/*
 * Disk and vif specifications: the strings of xl.cfg's disk=[...] and vif=[...] and of the command
 * line, down to plain structs that own their strings. Only the text is looked at here: whether a
 * target or a bridge exists is asked where it is used. Manual: docs/man/xl.cfg.5, DISKS, NETWORK.
 */
#ifndef BONSAI_SPEC_H
#define BONSAI_SPEC_H

#include "dom0-tools/lib/failure.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum disk_format {
    DISK_FORMAT_RAW,
    DISK_FORMAT_QCOW,
    DISK_FORMAT_QCOW2,
    DISK_FORMAT_VHD,
    DISK_FORMAT_QED,
    DISK_FORMAT_EMPTY,
};

enum disk_backend { DISK_AUTO, DISK_PHY, DISK_QDISK, DISK_TAP, DISK_STANDALONE };

struct disk_spec {
    char *target; /* NULL when empty */
    char *vdev;
    char *backend_domain; /* NULL: this domain */
    char *script;         /* NULL: none asked for */
    enum disk_format format;
    enum disk_backend backend;
    bool readonly;
    bool shared; /* "w!": another may have it too, its user says */
    bool cdrom;  /* implies readonly and removable */
    bool removable;
    bool direct_io_safe;
    bool no_discard;
    bool untrusted;
};

struct vif_spec {
    uint8_t mac[6];
    bool has_mac;
    char *bridge, *gatewaydev, *ip, *script, *backend_domain, *ifname;
    char *rate_text;     /* as written, NULL: unlimited */
    uint64_t rate_bytes; /* per interval */
    uint32_t rate_usecs; /* the interval */
    int devid;           /* -1: the next free one */
    uint32_t mtu;        /* 0: the default */
    bool untrusted;
};

/* What stands for a disk's name: its number in xenbus, and which disk and partition it means. */
struct vdev {
    uint32_t number;
    uint32_t disk, partition;
};

/* xvdX[N], hdX[N], sdX[N], dNpM or a plain number. 0 or -1. */
int vdev_parse(const char *name, struct vdev *out);
/* "xvda" for 51712 and so on; size of at least 24 bytes. */
void vdev_name(uint32_t number, char *name);

/* Parse a specification; source ("FILE:LINE" or "command line") opens every complaint in *why.
 * 0, or -1. On success the caller frees with *_spec_free(); on failure nothing is
 * left to free. vif_spec_parse() names unknown arguments on
 * warn (NULL: nowhere) and goes on, as xl always did.
 */
int disk_spec_parse(const char *source, const char *text, struct disk_spec *out,
                    struct failure *why);
void disk_spec_free(struct disk_spec *spec);
int vif_spec_parse(const char *source, const char *text, struct vif_spec *out, FILE *warn,
                   struct failure *why);
void vif_spec_free(struct vif_spec *spec);

int mac_parse(const char *text, uint8_t mac[6]); /* aa:bb:cc:dd:ee:ff; 0 or -EINVAL */
/* "1MB/s@20ms" and the like. 0 or -1. */
int rate_parse(const char *text, uint64_t *bytes, uint32_t *usecs);

const char *disk_format_name(enum disk_format format);
int disk_format_parse(const char *text, enum disk_format *out);   /* 0 or -1 */
int disk_backend_parse(const char *text, enum disk_backend *out); /* 0 or -1 */

#endif
