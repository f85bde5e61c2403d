/* SPDX-License-Identifier: MIT */
/*
 * Frames that are not the guest's, found as anybody can find them: by the machine-to-physical table
 * and by what stands in the hypervisor's slots of one's own top table. And raw calls on tables.
 */
#ifndef TESTS_GUEST_FRAMES_H
#define TESTS_GUEST_FRAMES_H

#include "guest-abi/kit/kit.h"

/* What the machine-to-physical table has for this frame; false where reading it faults. */
bool m2p_read(unsigned long mfn, unsigned long *pfn);
/* The n-th frame, from 64 MiB on, that is another domain's by that table: dom0's, as a rule. ~0ul.
 */
unsigned long frame_foreign(unsigned n);
/* A page table of the hypervisor's: what slot 256 of the top table names. */
unsigned long frame_hypervisor(void);
/* A frame of the machine-to-physical table. */
unsigned long frame_m2p(void);
/* Behind all RAM. */
unsigned long frame_beyond(void);

/* The guest's view of the top table that it runs on, and its frame. */
pte_t *live_l4(void);
unsigned long live_l4_mfn(void);

/* mmu_update of one request: ptr with its command bits. *done as the hypervisor left it. */
long mmu_update(uint64_t ptr, uint64_t val, unsigned *done, unsigned foreigndom);
long mmuext(const struct mmuext_op *op, unsigned foreigndom);

#endif
