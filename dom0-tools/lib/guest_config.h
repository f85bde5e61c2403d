/* SPDX-License-Identifier: MIT */
/*
 * A guest as its configuration describes it: every key of xl.cfg that means something here, typed
 * and checked as far as text can be checked. It owns all it points to. It is made from a parsed
 * xl.cfg (one table row a key, in guest_config.c), and printed as the JSON that xl shows and keeps
 * beside the running guest. Keys that Xen knows and we do not serve are named in a warning, and so
 * are keys nobody knows. Manual: docs/man/xl.cfg.5.
 */
#ifndef BONSAI_GUEST_CONFIG_H
#define BONSAI_GUEST_CONFIG_H

#include "common/uuid.h"
#include "dom0-tools/lib/cfg.h"
#include "dom0-tools/lib/failure.h"
#include "dom0-tools/lib/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum guest_action {
    ACTION_DESTROY,
    ACTION_RESTART,
    ACTION_RENAME_RESTART,
    ACTION_PRESERVE,
    ACTION_COREDUMP_DESTROY,
    ACTION_COREDUMP_RESTART,
    ACTION_SOFT_RESET,
};

#define GUEST_MAX_VCPUS 8192u
#define GUEST_NAME_MAX  128u /* bytes */
#define GUEST_CPUS      256u /* host CPUs an affinity can name */

/* Which host CPUs a vCPU may use; as in hv.h, bit 0 of byte 0 is CPU 0. */
struct guest_affinity {
    uint8_t cpus[GUEST_CPUS / 8];
};

struct guest_config {
    char *name;
    uint8_t uuid[16];
    char *kernel, *ramdisk, *cmdline;
    uint64_t memory_kib, max_memory_kib;
    uint32_t vcpus, max_vcpus;
    int32_t max_grant_frames, max_maptrack_frames; /* 0: the default */
    uint32_t max_grant_version;                    /* 0: the default */
    uint32_t max_event_channels;                   /* 0: the default */
    uint32_t cpu_weight, cpu_cap;                  /* weight 0: the default */
    bool cap_given;
    enum guest_action on_poweroff, on_reboot, on_watchdog, on_crash, on_soft_reset;
    struct disk_spec *disks;
    size_t n_disks;
    struct vif_spec *vifs;
    size_t n_vifs;
    struct guest_affinity *hard, *soft; /* of vCPU i; the last one serves all further vCPUs */
    size_t n_hard, n_soft;
};

/* Reads *cfg; warnings go to warn, a line each (NULL: nowhere). 0, or -1 with a sentence. On
 * success free with guest_config_free(), on failure nothing is left. */
int guest_config_read(struct cfg *cfg, struct guest_config *out, FILE *warn, struct failure *why);
void guest_config_free(struct guest_config *g);

/* The JSON that `create -n` prints and that is kept beside the guest; indent of 4, malloc'ed, with
 * a final newline. running: as `list -l` shows it, with the defaults that a running guest has. NULL
 * when out of memory. */
char *guest_config_json(const struct guest_config *g, bool running);

/* The way back, also from what Xen's tools keep. 0, or -1 with a sentence and nothing to free. */
int guest_config_from_json(const char *json, struct guest_config *out, struct failure *why);
/* The same to look at, not to start: the kernel (which a bootloader may have found) may be NULL and
 * the memory 0. */
int guest_config_look(const char *json, struct guest_config *out, struct failure *why);

int guest_action_from_json(const char *text, enum guest_action *out); /* 0 or -1 */
const char *guest_action_name(enum guest_action action);              /* as xl.cfg spells it */

/* Whether text can name a domain: 1..GUEST_NAME_MAX bytes, no '/', no control character, not "."
 * or "..". NULL when it can, else the reason as half a sentence. */
const char *guest_name_trouble(const char *name);

/* "0-3,^2,5", "all"; adds to *out. 0 or -1. */
int affinity_parse(const char *text, struct guest_affinity *out);

#endif
