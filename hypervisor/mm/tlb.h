/* SPDX-License-Identifier: MIT
 *
 * Who must flush, and when. A domain's dirty mask names the CPUs whose TLB may hold its entries
 * (lazy idle keeps the bit). A frame that changes hands or type is flushed on them first, unless
 * each has flushed since its last use went: a clock counts all flushes, every CPU notes it at each
 * of its own (pcpu.dirty_since), and the frame is stamped with its low bits when its last use goes.
 */
#pragma once

struct domain;
struct vcpu;

#define TLB_STAMP_BITS 24

void tlb_flush_local(void); /* all non-global entries of this CPU; guests have no global ones */
void tlb_flush_local_page(uint64_t va);
/* On every CPU that may hold entries of d, and waits until they have. */
void tlb_flush_domain(struct domain *d);
/* On the CPUs that run, or ran last, the vCPUs of d whose bits are set in mask; va ~0: everything.
 */
void tlb_flush_vcpus(struct domain *d, const uint64_t *mask, unsigned words, uint64_t va);
/* Load a new CR3 on this CPU (stamps the flush clock). */
void tlb_write_cr3(uint64_t cr3);
/* Called while this CPU spins for another, and for VECTOR_FLUSH_IPI: answers what other CPUs ask of
 * it. */
void tlb_serve(void);

/* The clock now, TLB_STAMP_BITS of it: for a use that goes. */
uint64_t tlb_stamp(void);
/* No CPU may hold an entry older than that stamp when this returns. The frame was owner's: its CPUs
 * and dom0's, which may map anybody's frames, are asked; all when owner is NULL. */
void tlb_flush_stale(const struct domain *owner, uint64_t stamp);
/* Writes back and empties the caches of all CPUs, or of this one. */
void cache_flush_all(void);
void cache_flush_local(void);
