/* SPDX-License-Identifier: MIT
 *
 * Page-table entries (AMD64 APM vol. 2, 5.3) and the one door through which guests change them. The
 * rules are those of abi-inventory 3.2 and 3.3; pt_check.c holds them.
 */
#pragma once
#include "lib/types.h"
#include "mm/frame.h"

#define PTE_P     0x1ul
#define PTE_RW    0x2ul
#define PTE_US    0x4ul
#define PTE_PWT   0x8ul
#define PTE_PCD   0x10ul
#define PTE_A     0x20ul
#define PTE_D     0x40ul
#define PTE_PSE   0x80ul /* L2, L3 */
#define PTE_PAT   0x80ul /* L1 */
#define PTE_G     0x100ul
#define PTE_AVAIL 0xe00ul
#define PTE_NX    (1ul << 63)
#define PTE_ADDR  0x000ffffffffff000ul

static inline mfn_t pte_mfn(uint64_t pte)
{
    return maddr_to_mfn(pte & PTE_ADDR);
}
static inline uint64_t pte_make(mfn_t m, uint64_t flags)
{
    return mfn_to_maddr(m) | flags;
}
static inline unsigned pt_index(uint64_t va, unsigned level) /* level 1..4 */
{
    return (unsigned)(va >> (12 + 9 * (level - 1))) & 511;
}

struct vcpu;

/* Validate or release all entries of a table that becomes or stops being of `level` (frame.c
 * calls). */
int pt_validate(struct domain *d, struct frame *f, unsigned level);
void pt_release(struct domain *d, struct frame *f, unsigned level);

/* Stores `val` into the entry at maddr `ptr` of a frame owned by pt_owner, whose targets belong to
 * (or are foreign frames of) target_owner, by the entry's page type: validated store for L1..L4,
 * plain store for writable pages. preserve_ad: keep A and D as they are now. Errors of
 * abi-inventory 3.2/3.3. */
int pt_update(struct domain *pt_owner, struct domain *target_owner, uint64_t ptr, uint64_t val,
              bool preserve_ad);
/* The L1 slot that maps va under the vCPU's kernel CR3, as a machine address, with a reference on
 * its frame (*f), or 0 when va is not mapped down to a validated L1. */
uint64_t pt_find_l1_slot(struct vcpu *v, uint64_t va, struct frame **f);
/* Replaces the L1 entry at slot (machine address, owned by d, typed L1) by `pte`, whose references
 * the caller has already taken (grant maps), releasing what the old entry held. With `expect` not
 * NULL the entry must still map that frame. 0, -EINVAL (no L1 slot of d), -EFAULT (entry differs).
 */
int pt_install_l1(struct domain *d, uint64_t slot, uint64_t pte, const mfn_t *expect);
/* Walks the vCPU's current tables in software: PTE of va, or 0 when not present. Takes no
 * references. */
uint64_t pt_walk(struct vcpu *v, uint64_t va);

/* mm/ptwr.c: a write fault of the guest kernel on a read-only mapped, own L1 table
 * (abi-inventory 3.6): decodes and performs the store through pt_update. true: done, rip advanced
 * (single-step honoured by the caller). */
struct regs;
bool ptwr_emulate(struct vcpu *v, struct regs *r, uint64_t va);

/* Hypercalls, mm/mmu_update.c, mmuext.c */
struct hcall;
long do_mmu_update(struct hcall *c, void *arg);
long do_mmuext_op(struct hcall *c, void *arg);
long do_update_va_mapping(struct hcall *c, void *arg);
long do_update_va_mapping_otherdomain(struct hcall *c, void *arg);

/* New kernel (or user) L4 for v, the current vCPU or one not running: takes references and type,
 * drops the old ones, loads CR3 when v is current. user: mfn 0 means none. For set-up (vcpu
 * context) and mmuext 5/15. */
int vcpu_set_kernel_l4(struct vcpu *v, mfn_t l4);
int vcpu_set_user_l4(struct vcpu *v, mfn_t l4);
void vcpu_put_page_tables(struct vcpu *v); /* teardown: both */
