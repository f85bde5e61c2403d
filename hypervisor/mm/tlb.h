/* SPDX-License-Identifier: MIT
 *
 * Who must flush, and when. A domain's dirty mask names the CPUs whose TLB may hold its entries
 * (lazy idle keeps the bit). A frame that changes hands or type away from writable is flushed on
 * them first, unless each has flushed since (a global clock of flushes, stamped into the frame when
 * its last use went).
 */
#pragma once
#include "lib/types.h"

struct domain;
struct vcpu;

void tlb_flush_local(void); /* all non-global entries of this CPU; guests have no global ones */
void tlb_flush_local_page(uint64_t va);
/* On every CPU that may hold entries of d, and waits until they have. */
void tlb_flush_domain(struct domain *d);
/* On the CPUs that run, or ran last, the vCPUs of d whose bits are set in mask; va ~0: everything.
 */
void tlb_flush_vcpus(struct domain *d, const uint64_t *mask, unsigned words, uint64_t va);
/* Load a new CR3 on this CPU (stamps the flush clock). */
void tlb_write_cr3(uint64_t cr3);
/* Called while this CPU spins for another: answers shootdowns asked of it. */
void tlb_serve(void);
