/* SPDX-License-Identifier: MIT
 *
 * Page-table entries (AMD64 APM vol. 2, 5.3) and the one door through which guests change them. The
 * rules are in pt_check.c.
 */
#pragma once
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
#define PTE_SOFT  (0x7fful << 52) /* ignored by the CPU, the guest's */
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

/* Validates or releases the entries of a table that becomes or stops being of `level` (frame.c
 * calls). *done: what of the table holds references; both go on from there, and leave there the
 * state in which they stopped with -ERESTART or -EINVAL. */
#define PT_ENTRIES       512u
#define PT_DONE          0x3ffu  /* entries [0, n) hold references */
#define PT_CHILD_PENDING 0x8000u /* entry n's use is given back, but its release goes on */
int pt_validate(struct domain *d, struct frame *f, unsigned level, unsigned *done, long *budget);
int pt_release(struct frame *f, unsigned level, unsigned *done, long *budget);

/* Updates of one hypercall. The table of the last one stays locked, so that neighbours cost one
 * look-up; nothing else may be locked meanwhile, and pt_batch_end() must follow. */
struct pt_batch {
    struct domain *pt_owner;  /* of the tables */
    struct domain *target;    /* of the frames that entries name; domain_io, domain_xen */
    long *budget;             /* NULL: never -ERESTART */
    struct frame *locked;     /* or NULL */
    uint64_t locked_mfn;      /* its number, while it is not NULL */
    unsigned level;           /* of `locked` */
    bool flush;               /* an entry above L1 went: flush pt_owner's CPUs in the end */
    struct frame *unfinished; /* a table, referenced, whose release the caller has to go on with */
};
enum pt_mode {
    PT_STORE,
    PT_KEEP_AD,  /* A and D stay as they are in memory */
    PT_EXCHANGE, /* only if it still is as it was read: -EAGAIN */
};
/* Stores `val` into the entry at maddr `ptr`, by the type of the frame it lies in: validated store
 * for L1..L4, plain store for writable pages. */
int pt_batch_update(struct pt_batch *b, uint64_t ptr, uint64_t val, enum pt_mode mode);
void pt_batch_end(struct pt_batch *b);
/* One entry of an L1 that the caller has locked in b. `old` is what the caller read there. */
int pt_write_l1(struct pt_batch *b, uint64_t *slot, uint64_t old, uint64_t val, enum pt_mode mode);

/* The machine address of the L1 slot that maps va under the vCPU's kernel CR3, with a reference on
 * its frame (*f), or 0 when va is not mapped down to an L1 table of the domain. */
uint64_t pt_find_l1_slot(struct vcpu *v, uint64_t va, struct frame **f);
/* Without the reference: only a hint, to be locked and checked. */
uint64_t pt_guess_l1_slot(struct vcpu *v, uint64_t va);
/* Replaces the L1 entry at slot (machine address, owned by d, typed L1) by `pte`, whose references
 * the caller has already taken (grant maps), releasing what the old entry held. With `expect` not
 * NULL the entry must still map that frame. 0, -EINVAL (no L1 slot of d), -EFAULT (entry differs).
 */
int pt_install_l1(struct domain *d, uint64_t slot, uint64_t pte, const mfn_t *expect);
/* Walks the vCPU's current tables in software: PTE of va, or 0 when not present. Takes no
 * references. */
uint64_t pt_walk(struct vcpu *v, uint64_t va);
/* The same in the kernel's tables, whichever half runs. */
uint64_t pt_walk_kernel(struct vcpu *v, uint64_t va);

/* mm/ptwr.c: a write fault of the guest kernel on a read-only mapped, own L1 table
 * (an emulated writable page table): decodes and performs the store through pt_write_l1(). true:
 * done, rip advanced (single-step honoured by the caller). */
struct regs;
bool ptwr_emulate(struct vcpu *v, struct regs *r, uint64_t va);

/* Hypercalls, mm/mmu_update.c, mmuext.c */
hcall_fn do_mmu_update, do_mmuext_op, do_update_va_mapping, do_update_va_mapping_otherdomain;
/* Who is meant by a foreigndom argument: with a reference unless domain_io or domain_xen; NULL and
 * *err. */
struct domain *pt_target_get(struct domain *caller, uint32_t domid, int *err);
/* Flushes va (~0: everything) for the vCPUs of d in the guest's mask, or all (NULL). 0, -EFAULT. */
int pt_flush_vcpus(struct domain *d, const guest_va_t *which, uint64_t va);
/* The end of an operation on an array of `size` bytes each: what a continuation needs into c->a[],
 * or how many were done into *c->a[2]. rc, or -EFAULT. */
long pt_call_end(struct hcall *c, long rc, uint32_t done, size_t size);
void pt_target_put(const struct domain *caller, struct domain *d);

/* mm/baseptr.c. New kernel (or user) L4 for v, the current vCPU or one not running: takes
 * references and type, drops the old ones, loads CR3 when v is current. user: mfn 0 means none. For
 * set-up (vcpu context) and mmuext 5/15. -EINVAL, -EBUSY; -ERESTART only with a budget. */
int vcpu_set_kernel_l4(struct vcpu *v, mfn_t l4);
int vcpu_set_user_l4(struct vcpu *v, mfn_t l4);
int vcpu_set_kernel_l4_within(struct vcpu *v, mfn_t l4, long *budget);
int vcpu_set_user_l4_within(struct vcpu *v, mfn_t l4, long *budget);
void vcpu_put_page_tables(struct vcpu *v); /* teardown: both, and an unfinished one */
/* Goes on with the release that an earlier hypercall of v left unfinished. 0 or -ERESTART. */
int vcpu_finish_old_table(struct vcpu *v, long *budget);
/* Boot, after cpu_detect(): which entry bits need a closer look. */
void pt_init(void);

/* Entries looked at before a hypercall has to be continued; only tests change it. */
extern long pt_budget;
