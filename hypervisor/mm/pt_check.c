/* SPDX-License-Identifier: MIT
 *
 * The rules for page-table entries of guests, at validation of a whole table and at the change of
 * one entry. An entry that is present holds what it names: L1 a reference, and
 * a writable use when it is writable; L2 to L4 a reference and a use as table of the level below.
 * Entries that name no RAM hold nothing.
 *
 * Guest kernel and user both run at CPL 3, so every entry is made a user entry. The global bit is
 * dropped: the TLB rules of mm/tlb.h know no global entries of guests.
 */
#include "mm/pt.h"
#include "mm/tlb.h"
#include "dev/dev.h"
#include "dom/domain.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"

#define PTE_CACHE     (PTE_PWT | PTE_PCD | PTE_PAT)
/* what may change in an L1 entry without any count changing */
#define PTE_HARMLESS  (PTE_A | PTE_D | PTE_AVAIL | PTE_NX | PTE_US | PTE_G | PTE_SOFT)
/* never allowed above L1 */
#define PTE_TABLE_BAD (PTE_PWT | PTE_PCD | PTE_PSE | PTE_G)

long pt_budget = 16384;
static uint64_t l1_unusual = PTE_CACHE; /* and NX without host NX */

void pt_init(void)
{
    l1_unusual = PTE_CACHE | (cpu.nx ? 0 : PTE_NX);
}

static bool is_hypervisor_slot(unsigned i)
{
    return i >= HV_FIRST_SLOT && i <= HV_LAST_SLOT;
}

/* A mapping of device memory: by permission, uncached unless the guest asked for WC, UC or UC-. */
static __attribute__((noinline)) int l1_get_device(const struct domain *d,
                                                   const struct domain *target, uint64_t *pte)
{
    mfn_t m = pte_mfn(*pte);

    if (m.v >> (cpu.phys_bits - PAGE_SHIFT))
        return -EINVAL;
    if ((target != d && target != &domain_io) || !iomem_permitted(d, m))
        return -EPERM;
    switch (*pte & PTE_CACHE) {
    case 0: /* WB */
        *pte |= PTE_PWT | PTE_PCD;
        break;
    case PTE_PWT:           /* WT */
    case PTE_PAT | PTE_PWT: /* WP */
        *pte |= PTE_PCD;
        break;
    }
    if (iomem_read_only(m))
        *pte &= ~PTE_RW;
    return 0;
}

/* Cache attributes are for who drives devices, and not on what the hypervisor maps itself. */
static __attribute__((noinline)) int l1_check_unusual(const struct domain *d, const struct frame *f,
                                                      uint64_t pte)
{
    if (!d->privileged || (pte & PTE_NX && !cpu.nx))
        return -EINVAL;
    return f && READ_ONCE(f->count) & FRAME_HYPERVISOR ? -EACCES : 0;
}

/* Takes what a present L1 entry of d's table holds; *pte becomes what is to be stored. */
static inline __attribute__((always_inline)) int l1_get(const struct domain *d,
                                                        struct domain *target, uint64_t *pte)
{
    uint64_t e = (*pte | PTE_US) & ~PTE_G;
    struct frame *f = frame_of(pte_mfn(e));

    *pte = e;
    if (unlikely(e & l1_unusual)) {
        int rc = l1_check_unusual(d, f, e);

        if (rc)
            return rc;
    }
    if (unlikely(!f))
        return l1_get_device(d, target, pte);
    if (unlikely(!frame_get(f, target)))
        return -EBUSY;
    if (e & PTE_RW && unlikely(frame_get_writable(f))) {
        frame_put(f);
        return -EBUSY;
    }
    return 0;
}

static inline void l1_put(uint64_t pte)
{
    struct frame *f = frame_of(pte_mfn(pte));

    if (unlikely(!f))
        return;
    if (pte & PTE_RW)
        frame_put_writable(f);
    frame_put_shared(f);
}

/* The same for an entry of a table of `level` above 1. */
static int table_get(struct domain *d, unsigned level, uint64_t *pte, long *budget)
{
    struct frame *f = frame_of(pte_mfn(*pte));
    int rc;

    if (*pte & PTE_TABLE_BAD || (*pte & PTE_NX && !cpu.nx) || !f)
        return -EINVAL;
    *pte |= level == 4 ? PTE_US | PTE_A : PTE_US;
    if (!frame_get(f, d))
        return -EINVAL;
    rc = frame_get_type_within(f, (enum frame_type)(level - 1), budget);
    if (rc)
        frame_put(f);
    return rc;
}

static bool eight_empty(const uint64_t *t)
{
    return !(t[0] | t[1] | t[2] | t[3] | t[4] | t[5] | t[6] | t[7]);
}

static int validate_l1(struct domain *d, uint64_t *t, unsigned *done, long *budget)
{
    unsigned present = 0;
    int rc = 0;

    for (unsigned i = 0; i < PT_ENTRIES; i += 8) {
        if (eight_empty(&t[i]))
            continue;
        for (unsigned j = i; j < i + 8; j++) {
            uint64_t e = t[j];

            if (!(e & PTE_P))
                continue;
            rc = l1_get(d, d, &e);
            if (unlikely(rc)) {
                guest_log("d%u: L1 entry %u %lx is refused: %d", d->id, j, (unsigned long)t[j], rc);
                *done = j;
                return rc;
            }
            if (e != t[j])
                t[j] = e;
            present++;
        }
    }
    if (budget)
        *budget -= 64 + present;
    *done = PT_ENTRIES;
    return 0;
}

static void release_l1(const uint64_t *t, unsigned done, long *budget)
{
    unsigned present = 0;

    for (unsigned i = 0; i < done; i += 8) {
        if (eight_empty(&t[i]))
            continue;
        for (unsigned j = i; j < min(i + 8, done); j++)
            if (t[j] & PTE_P) {
                l1_put(t[j]);
                present++;
            }
    }
    if (budget)
        *budget -= 64 + present;
}

/* The hypervisor's slots of an L4 that becomes one; what the guest had there is lost. */
static void install_hypervisor_slots(const struct domain *d, uint64_t *l4)
{
    for (unsigned i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++)
        l4[i] = idle_l4[i];
    l4[PERDOMAIN_SLOT] =
        d->perdomain_l3 ? pte_make(va_to_mfn(d->perdomain_l3), PTE_P | PTE_RW | PTE_A | PTE_D) : 0;
}

int pt_validate(struct domain *d, struct frame *f, unsigned level, unsigned *done, long *budget)
{
    uint64_t *t = frame_va(f);
    unsigned i;

    if (level == 1)
        return validate_l1(d, t, done, budget);
    i = *done & PT_DONE;
    if (*done & PT_CHILD_PENDING) /* it holds a reference itself while it is PARTIAL */
        frame_put(frame_of(pte_mfn(t[i])));

    while (i < PT_ENTRIES) {
        uint64_t e = t[i];
        int rc;

        if (!(i & 7) && ((level == 4 && is_hypervisor_slot(i)) || eight_empty(&t[i]))) {
            i += 8;
            continue;
        }
        if (e & PTE_P) {
            rc = budget && (*budget)-- <= 0 ? -ERESTART : table_get(d, level, &e, budget);
            if (rc) {
                if (rc != -ERESTART)
                    guest_log("d%u: L%u entry %u %lx is refused: %d", d->id, level, i,
                              (unsigned long)t[i], rc);
                *done = i;
                return rc;
            }
            if (e != t[i])
                t[i] = e;
        }
        i++;
    }
    if (level == 4)
        install_hypervisor_slots(d, t);
    *done = PT_ENTRIES;
    return 0;
}

int pt_release(struct frame *f, unsigned level, unsigned *done, long *budget)
{
    uint64_t *t = frame_va(f);
    unsigned i = *done & PT_DONE;

    if (level == 1) {
        release_l1(t, i, budget);
        *done = 0;
        return 0;
    }
    if (*done & PT_CHILD_PENDING) {
        struct frame *child = frame_of(pte_mfn(t[i]));

        if (frame_finish_partial(child, budget))
            return -ERESTART;
        frame_put(child);
        *done = i;
    }
    while (i > 0) {
        struct frame *child;

        if (!(i & 7) && ((level == 4 && is_hypervisor_slot(i - 8)) || eight_empty(&t[i - 8]))) {
            i -= 8;
            continue;
        }
        i--;
        if (!(t[i] & PTE_P))
            continue;
        if (budget && (*budget)-- <= 0) {
            *done = i + 1;
            return -ERESTART;
        }
        child = frame_of(pte_mfn(t[i]));
        if (frame_put_type_within(child, budget)) {
            *done = i | PT_CHILD_PENDING;
            return -ERESTART;
        }
        frame_put(child);
    }
    if (level == 4)
        memset(&t[HV_FIRST_SLOT], 0, (HV_LAST_SLOT + 1 - HV_FIRST_SLOT) * sizeof(*t));
    *done = 0;
    return 0;
}

/* false only for PT_EXCHANGE, when the CPU has set A or D meanwhile. */
static inline bool store_entry(uint64_t *slot, uint64_t old, uint64_t val, enum pt_mode mode)
{
    uint64_t new = val;

    if (mode == PT_STORE) {
        WRITE_ONCE(*slot, val);
        return true;
    }
    do {
        if (mode == PT_KEEP_AD)
            new = val | (old & (PTE_A | PTE_D));
        if (__atomic_compare_exchange_n(slot, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            return true;
    } while (mode == PT_KEEP_AD);
    return false;
}

/* Same frame, only RW differs: one use more or less. -ENXIO: not that simple. */
static int change_writable(struct pt_batch *b, uint64_t *slot, uint64_t old, uint64_t val,
                           enum pt_mode mode)
{
    struct frame *f = frame_of(pte_mfn(old));

    if (!f || (!(old & PTE_RW) && frame_owner(f) != b->target))
        return -ENXIO;
    if (!(old & PTE_RW) && frame_get_writable(f))
        return -EBUSY;
    if (!store_entry(slot, old, val, mode)) {
        if (!(old & PTE_RW))
            frame_put_type(f);
        return -EAGAIN;
    }
    if (old & PTE_RW)
        frame_put_writable(f);
    return 0;
}

int pt_write_l1(struct pt_batch *b, uint64_t *slot, uint64_t old, uint64_t val, enum pt_mode mode)
{
    int rc;

    if (val & PTE_P) {
        if (likely(old & PTE_P)) {
            uint64_t same = (val | PTE_US) & ~PTE_G, diff = (old ^ same) & ~PTE_HARMLESS;

            if (unlikely(same & l1_unusual & PTE_NX))
                return -EINVAL;
            if (!diff)
                return store_entry(slot, old, same, mode) ? 0 : -EAGAIN;
            if (diff == PTE_RW) {
                rc = change_writable(b, slot, old, same, mode);
                if (rc != -ENXIO)
                    return rc;
            }
        }
        rc = l1_get(b->pt_owner, b->target, &val);
        if (unlikely(rc))
            return rc;
    }
    if (unlikely(!store_entry(slot, old, val, mode))) {
        if (val & PTE_P)
            l1_put(val);
        return -EAGAIN;
    }
    if (old & PTE_P)
        l1_put(old);
    return 0;
}

/* An entry of a locked table above L1. */
static int write_table(struct pt_batch *b, uint64_t *slot, uint64_t val, enum pt_mode mode)
{
    uint64_t old = READ_ONCE(*slot);
    struct frame *child;
    int rc;

    if (b->level == 4 && is_hypervisor_slot((uint64_t)slot / 8 % PT_ENTRIES))
        return -EINVAL;
    if (b->unfinished)
        return -ERESTART;
    if (val & PTE_P) {
        if (b->target != b->pt_owner)
            return -EINVAL;
        if (old & PTE_P && !((old ^ val) & PTE_ADDR)) {
            if (val & PTE_TABLE_BAD || (val & PTE_NX && !cpu.nx))
                return -EINVAL;
            store_entry(slot, old, val | PTE_US | (b->level == 4 ? PTE_A : 0), mode);
            b->flush = true;
            return 0;
        }
        rc = table_get(b->pt_owner, b->level, &val, b->budget);
        if (rc)
            return rc;
    }
    store_entry(slot, old, val, mode);
    if (!(old & PTE_P))
        return 0;
    b->flush = true;
    child = frame_of(pte_mfn(old));
    if (frame_put_type_within(child, b->budget))
        b->unfinished = child;
    else
        frame_put(child);
    return 0;
}

/* The frame is no page table: an ordinary store, for which it must be writable memory. */
static int write_plain(struct pt_batch *b, struct frame *f, uint64_t *slot, uint64_t val,
                       enum pt_mode mode)
{
    int rc;

    if (!frame_get(f, b->pt_owner))
        return -EINVAL;
    rc = frame_get_type(f, FRAME_WRITABLE);
    if (!rc) {
        store_entry(slot, READ_ONCE(*slot), val, mode);
        frame_put_type(f);
    }
    frame_put(f);
    return rc;
}

static void unlock(struct pt_batch *b)
{
    if (b->locked)
        frame_unlock_table(b->locked);
    b->locked = NULL;
}

/* Another table than the last one, or none, or one above L1. */
static __attribute__((noinline)) int update_elsewhere(struct pt_batch *b, uint64_t ptr,
                                                      uint64_t val, enum pt_mode mode)
{
    uint64_t *slot = maddr_to_va(ptr);

    if (ptr & 7)
        return -EINVAL;
    if (ptr >> PAGE_SHIFT != b->locked_mfn || !b->locked) {
        struct frame *f = frame_of(maddr_to_mfn(ptr));

        unlock(b);
        if (!f)
            return -EINVAL;
        b->level = frame_lock_table(f, b->pt_owner);
        if (!b->level)
            return write_plain(b, f, slot, val, mode);
        b->locked = f;
        b->locked_mfn = ptr >> PAGE_SHIFT;
    }
    if (b->level == 1)
        return pt_write_l1(b, slot, READ_ONCE(*slot), val, mode);
    return write_table(b, slot, val, mode);
}

int pt_batch_update(struct pt_batch *b, uint64_t ptr, uint64_t val, enum pt_mode mode)
{
    uint64_t *slot = maddr_to_va(ptr);

    if (likely(ptr >> PAGE_SHIFT == b->locked_mfn && b->level == 1 && b->locked && !(ptr & 7)))
        return pt_write_l1(b, slot, READ_ONCE(*slot), val, mode);
    return update_elsewhere(b, ptr, val, mode);
}

void pt_batch_end(struct pt_batch *b)
{
    unlock(b);
    if (b->flush)
        tlb_flush_domain(b->pt_owner);
    b->flush = false;
}

int pt_install_l1(struct domain *d, uint64_t slot, uint64_t pte, const mfn_t *expect)
{
    struct frame *f = frame_of(maddr_to_mfn(slot));
    uint64_t *p = maddr_to_va(slot), old;
    unsigned level;
    int rc = 0;

    if (!f || slot & 7)
        return -EINVAL;
    level = frame_lock_table(f, d);
    if (level != 1) {
        if (level)
            frame_unlock_table(f);
        return -EINVAL;
    }
    old = READ_ONCE(*p);
    if (expect && (!(old & PTE_P) || !mfn_eq(pte_mfn(old), *expect)))
        rc = -EFAULT;
    else
        WRITE_ONCE(*p, pte);
    frame_unlock_table(f);
    if (!rc && old & PTE_P)
        l1_put(old);
    return rc;
}
