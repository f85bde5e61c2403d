/* SPDX-License-Identifier: MIT
 *
 * TLB flushes here and on other CPUs. A CPU asks another by counting up `asked` of its mailbox and
 * sending VECTOR_FLUSH_IPI; the other flushes and copies the count to `served`. It does so in the
 * interrupt, or, having interrupts off in the hypervisor, wherever it spins (tlb_serve()), so two
 * CPUs may ask each other at once.
 *
 * The clock: a flush first counts it up and keeps the new value, then flushes. A stamp below the
 * value that a CPU keeps was therefore taken before that CPU's flush began. Stamps have 24 bits;
 * one that has been overtaken looks younger than it is, which only costs a flush.
 */
#include "mm/tlb.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "x86/asm.h"
#include "x86/irq.h"
#include "x86/percpu.h"

#define STAMP_MASK ((1ull << TLB_STAMP_BITS) - 1)
#define MASK_WORDS (MAX_CPUS / 64)

static uint64_t flush_clock = 1;

/* atomic */
static struct mailbox {
    uint32_t asked, served;
    bool cache;
} mailbox[MAX_CPUS];

static void note_flush(void)
{
    this_cpu()->dirty_since = __atomic_add_fetch(&flush_clock, 1, __ATOMIC_SEQ_CST);
}

void tlb_write_cr3(uint64_t cr3)
{
    note_flush();
    this_cpu()->cr3 = cr3;
    write_cr3(cr3);
}

void tlb_flush_local(void)
{
    note_flush();
    write_cr3(read_cr3());
}

void tlb_flush_local_page(uint64_t va)
{
    invlpg(va);
}

void tlb_serve(void)
{
    struct mailbox *box = &mailbox[this_cpu()->id];
    uint32_t asked = __atomic_load_n(&box->asked, __ATOMIC_SEQ_CST);

    if (likely(asked == __atomic_load_n(&box->served, __ATOMIC_SEQ_CST)))
        return;
    if (__atomic_exchange_n(&box->cache, false, __ATOMIC_SEQ_CST))
        wbinvd();
    tlb_flush_local();
    __atomic_store_n(&box->served, asked, __ATOMIC_SEQ_CST);
}

/* Asks the CPUs in mask, flushes here when this one is in it, and waits for the others. */
static void flush_cpus(const uint64_t *mask, bool cache)
{
    unsigned me = this_cpu()->id;

    for (unsigned i = 0; i < nr_cpus; i++) {
        if (!(mask[i / 64] & 1ull << i % 64) || i == me || !cpus[i] || !cpus[i]->online)
            continue;
        if (cache)
            __atomic_store_n(&mailbox[i].cache, true, __ATOMIC_SEQ_CST);
        __atomic_add_fetch(&mailbox[i].asked, 1, __ATOMIC_SEQ_CST);
        apic_send_ipi(i, VECTOR_FLUSH_IPI);
    }
    if (mask[me / 64] & 1ull << me % 64) {
        if (cache)
            wbinvd();
        tlb_flush_local();
    }
    for (unsigned i = 0; i < nr_cpus; i++) {
        uint32_t asked;

        if (!(mask[i / 64] & 1ull << i % 64) || i == me || !cpus[i] || !cpus[i]->online)
            continue;
        asked = __atomic_load_n(&mailbox[i].asked, __ATOMIC_SEQ_CST);
        while ((int32_t)(__atomic_load_n(&mailbox[i].served, __ATOMIC_SEQ_CST) - asked) < 0) {
            tlb_serve();
            cpu_relax();
        }
    }
}

void tlb_flush_domain(struct domain *d)
{
    if (nr_cpus == 1) {
        tlb_flush_local();
        return;
    }
    flush_cpus(d->dirty_cpus, false);
}

void tlb_flush_vcpus(struct domain *d, const uint64_t *mask, unsigned words, uint64_t va)
{
    uint64_t where[MASK_WORDS];
    unsigned me = this_cpu()->id;
    bool here = false, elsewhere = false;

    memset(where, 0, div_up(nr_cpus, 64) * sizeof(where[0]));
    for (unsigned i = 0; i < d->max_vcpus && i < words * 64; i++) {
        struct pcpu *p;

        if (!(mask[i / 64] & 1ull << i % 64) || !d->vcpu[i] || !(p = READ_ONCE(d->vcpu[i]->cpu)))
            continue;
        /* its TLB holds nothing of d's once another domain's tables have been loaded there */
        if (!(READ_ONCE(d->dirty_cpus[p->id / 64]) & 1ull << p->id % 64))
            continue;
        where[p->id / 64] |= 1ull << p->id % 64;
        if (p->id == me)
            here = true;
        else
            elsewhere = true;
    }
    if (va != ~0ull && here) {
        tlb_flush_local_page(va);
        where[me / 64] &= ~(1ull << me % 64);
        here = false;
    }
    if (here || elsewhere)
        flush_cpus(where, false);
}

uint64_t tlb_stamp(void)
{
    return __atomic_load_n(&flush_clock, __ATOMIC_SEQ_CST) & STAMP_MASK;
}

void tlb_flush_stale(const struct domain *owner, uint64_t stamp)
{
    uint64_t now_at = __atomic_load_n(&flush_clock, __ATOMIC_SEQ_CST);
    uint64_t where[MASK_WORDS], at = (now_at & ~STAMP_MASK) | stamp;
    bool any = false;

    if (at > now_at)
        at -= STAMP_MASK + 1;
    memset(where, 0, div_up(nr_cpus, 64) * sizeof(where[0]));
    for (unsigned i = 0; i < nr_cpus; i++) {
        uint64_t bit = 1ull << i % 64;

        if (!cpus[i] || (int64_t)(READ_ONCE(cpus[i]->dirty_since) - at) > 0)
            continue;
        if (owner && !((READ_ONCE(owner->dirty_cpus[i / 64]) |
                        (dom0 ? READ_ONCE(dom0->dirty_cpus[i / 64]) : 0)) &
                       bit))
            continue;
        where[i / 64] |= bit;
        any = true;
    }
    if (any)
        flush_cpus(where, false);
}

void cache_flush_local(void)
{
    wbinvd();
}

void cache_flush_all(void)
{
    uint64_t all[MASK_WORDS];

    memset(all, 0xff, sizeof(all));
    flush_cpus(all, true);
}
