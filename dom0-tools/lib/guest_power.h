/* SPDX-License-Identifier: MIT */
/*
 * What is done with a guest as a whole, by every program that does it: start it, see whether it
 * lives, wait for its end. Nothing is kept here; the hypervisor and the store are asked each time.
 */
#ifndef BONSAI_GUEST_POWER_H
#define BONSAI_GUEST_POWER_H

#include "dom0-tools/lib/guest.h"

#include <time.h>

struct guest_start {
    const struct guest_host *host;
    bool paused; /* do not let it run */
    /* What must be done before it first runs: its monitor to begin with. NULL: nothing. 0, or -1
     * with a sentence. */
    int (*prepare)(void *arg, struct guest_config *g, uint32_t domid, struct failure *why);
    void *arg;
};

/* Makes the guest as guest_create() does, prepares it and lets it run. 0 with *domid, or -1 with a
 * sentence; then nothing is left of it but what the sentence tells. */
int guest_start(struct toolstack *t, struct guest_config *g, const struct guest_start *how,
                uint32_t *domid, struct failure *why);

enum guest_life {
    GUEST_GONE,    /* no such domain, or it is being destroyed */
    GUEST_STOPPED, /* shut down by itself or crashed, and still there */
    GUEST_ALIVE,   /* paused counts */
};
/* info may be NULL; it is filled in unless the guest is gone. */
enum guest_life guest_life(struct hv *hv, uint32_t domid, struct hv_dominfo *info);

/* When the guest was started: seconds since 1970, now when nobody knows. dom0 is as old as its
 * kernel. */
time_t guest_started(struct store *s, uint32_t domid);

/* The memory it may have at most and the memory it should have now, in KiB, as the store says; what
 * the hypervisor says where the store says nothing. */
void guest_memory(struct store *s, const struct hv_dominfo *d, uint64_t *max_kib,
                  uint64_t *target_kib);

#endif
