/* SPDX-License-Identifier: MIT
 *
 * What the tests of comms/ and dom/ share: the pretend machine with domains made and ended by the
 * hypervisor's own domain.c and teardown.c. vCPUs, lines and clocks are fakes (hv_comms.c) that
 * count what is asked of them.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "pretend/pretend.h"

struct fakes {
    unsigned kicks, wakes, rechecks;
    struct vcpu *last_kicked, *last_woken;
    unsigned pirq_binds, pirq_unbinds;
    int pirq_error; /* what pirq_bind() answers */
    unsigned machine_ends;
};
extern struct fakes fakes;

int start_machine(void **state); /* set-up: an empty machine with an idle vCPU running */
int end_machine(void **state);   /* tear-down: ends all domains, then nothing may be missing */

/* Created, with vCPUs and room for 4096 frames, not paused. */
struct domain *make_domain(domid_t id, bool privileged, unsigned vcpus);
void end_domain(struct domain *d); /* to the end; gives up the test's reference */
/* The vCPU becomes the caller; hypercalls through call(). */
long call(hcall_fn *fn, struct domain *d, void *arg);
/* One array operation of grants. */
long grant_op(struct domain *d, unsigned cmd, void *array, uint64_t n);
/* One page-table entry of owner's, naming a frame of target's, as mmu_update stores it. */
int pt_update(struct domain *owner, struct domain *target, uint64_t ptr, uint64_t val);
/* A frame of d's, zeroed. */
mfn_t own_frame(struct domain *d);
