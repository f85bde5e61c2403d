/* SPDX-License-Identifier: MIT */
/*
 * domain: making, finding and ending domains, with sentences for users.
 *
 * A domain made here is empty and paused: it has an id, vCPUs and limits, no memory. build.h fills
 * it. Names live in the store, not here.
 */
#ifndef BONSAI_DOMAIN_H
#define BONSAI_DOMAIN_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/lib/hv.h"

struct domain_params {
    uint8_t uuid[16];
    unsigned max_vcpus;          /* 1..HV limit; 0 counts as 1 */
    uint64_t max_memory_kib;     /* what the domain may ever have */
    uint32_t max_evtchn_port;    /* 0: 1023 */
    int32_t max_grant_frames;    /* 0: 64; -1: the hypervisor's default */
    int32_t max_maptrack_frames; /* 0: 1024; -1: the hypervisor's default */
    unsigned max_grant_version;  /* 0: the highest this hypervisor offers; 1 or 2 */
    uint32_t cpupool;            /* 0: the first */
    uint32_t ssidref;
};

/*
 * Create a PV domain: createdomain, max_vcpus, max_mem. On failure nothing is left behind.
 * *domid receives the id.
 */
int domain_create(struct hv *hv, const struct domain_params *p, uint16_t *domid,
                  struct failure *why);
/* Destroy it. Returns 0 also when it is already gone. */
int domain_destroy(struct hv *hv, uint16_t domid, struct failure *why);
/* All domains in the order of their ids; *list is malloc'ed, the caller frees it. Returns their
 * number or -1 with errno. */
long domain_list(struct hv *hv, struct hv_dominfo **list);

#endif
