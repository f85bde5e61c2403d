/* SPDX-License-Identifier: MIT
 *
 * Descriptors, selectors and segment bases. A guest's GDT frames (up to 14) and its LDT are mapped
 * into the vCPU's window in slot 258 (x86/hvmap.h); the last page of the GDT part is the
 * hypervisor's reserved page of the CPU that runs the vCPU. Frames in a window hold a
 * FRAME_SEG_DESC use, so nobody can write them but through do_update_descriptor().
 *
 * LDT frames are mapped on demand: a selector load that touches the window faults, ldt_fault()
 * finds the frame by the tables of the guest's kernel (its user half's need not map it) and maps
 * it; changing CR3 or the LDT drops them all.
 *
 * Bases: the guest's kernel runs with gs_base_kernel in GS.base and gs_base_user in KernelGSbase,
 * its user half the other way round (SWAPGS in guest_toggle_mode). The v->gs_base_* copies are
 * valid only while v is not loaded.
 */
#include <xen/xen.h>
#include "lib/lib.h"
#include "hypercall.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/init.h"
#include "x86/percpu.h"
#include "mm/frame.h"
#include "mm/guest_copy.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "mm/tlb.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "pv/guest_entry.h"
#include "pv/pv.h"

#define WINDOW_LDT_PTE  32u /* index of the LDT's first entry in gdt_window */
#define LDT_MAX_ENTRIES 8192u
#define WINDOW_FLAGS    (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)

static void *zero_page(void)
{
    static void *page;

    if (!page)
        page = hv_page_alloc();
    return page;
}

/* Descriptor rules. Fixes the DPL up to 3, and makes stacks 32 bits wide (docs/decisions.md);
 * false: not allowed in a guest's table. */
bool descriptor_sane(uint64_t *desc)
{
    uint64_t d = *desc;
    unsigned type = (unsigned)(d >> 40) & 0x1f; /* S and type */

    if (!(d & (1ull << 47)))
        return true; /* not present: anything */
    if (!(type & 0x10))
        return (type & 0xf) == 0; /* system descriptors: none but the empty type */
    d |= 3ull << 45;              /* the guest's rings are all ring 3 */
    d |= 1ull << 40;              /* accessed: the CPU must not want to write it */
    if ((type & 0xa) == 0x2)
        d |= 1ull << 54; /* data that is writable may be a stack */
    *desc = d;
    return true;
}

bool segdesc_validate(void *page)
{
    uint64_t *d = page;

    for (unsigned i = 0; i < 512; i++)
        if (!descriptor_sane(&d[i])) {
            guest_log("descriptor %u (%lx) is not allowed", i, d[i]);
            return false;
        }
    return true;
}

int perdomain_init(struct domain *d)
{
    d->perdomain_l3 = hv_page_alloc();
    return d->perdomain_l3 ? 0 : -ENOMEM;
}

static uint64_t *table_below(uint64_t *entry)
{
    if (!*entry) {
        void *page = hv_page_alloc();

        if (!page)
            return NULL;
        *entry = pte_make(va_to_mfn(page), PTE_P | PTE_RW | PTE_A | PTE_D);
    }
    return mfn_to_va(pte_mfn(*entry));
}

int perdomain_init_vcpu(struct vcpu *v)
{
    uint64_t va = PERDOMAIN_VIRT + v->id * PERDOMAIN_VCPU_BYTES;
    uint64_t *l2 = table_below(&v->d->perdomain_l3[pt_index(va, 3)]);
    uint64_t *l1 = l2 ? table_below(&l2[pt_index(va, 2)]) : NULL;

    if (!l1 || !zero_page())
        return -ENOMEM;
    v->gdt_va = va;
    v->gdt_window = &l1[pt_index(va, 1)];
    for (unsigned i = 0; i < GDT_RESERVED_PAGE; i++)
        v->gdt_window[i] = pte_make(va_to_mfn(zero_page()), PTE_P | PTE_A | PTE_NX);
    return 0;
}

void perdomain_free(struct domain *d)
{
    uint64_t *l3 = d->perdomain_l3;

    if (!l3)
        return;
    for (unsigned i = 0; i < 512; i++) {
        uint64_t *l2 = l3[i] ? mfn_to_va(pte_mfn(l3[i])) : NULL;

        for (unsigned j = 0; l2 && j < 512; j++)
            if (l2[j])
                hv_page_free(mfn_to_va(pte_mfn(l2[j])));
        if (l2)
            hv_page_free(l2);
    }
    hv_page_free(l3);
    d->perdomain_l3 = NULL;
}

void vcpu_put_gdt(struct vcpu *v)
{
    for (unsigned i = 0; i < v->nr_gdt_frames; i++) {
        v->gdt_window[i] = pte_make(va_to_mfn(zero_page()), PTE_P | PTE_A | PTE_NX);
        frame_put_and_type(frame_of(mfn(v->gdt_frames[i])));
    }
    v->nr_gdt_frames = v->gdt_entries = 0;
}

int vcpu_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned entries)
{
    unsigned n = div_up(entries, 512), i;

    if (entries > GDT_GUEST_ENTRIES)
        return -EINVAL;
    for (i = 0; i < n; i++) {
        struct frame *f = frame_of(mfn(mfns[i]));

        if (!f || frame_get_and_type(f, v->d, FRAME_SEG_DESC)) {
            guest_log("GDT frame %lx cannot be used", mfns[i]);
            break;
        }
    }
    if (i < n) {
        while (i--)
            frame_put_and_type(frame_of(mfn(mfns[i])));
        return -EINVAL;
    }
    /* commit */
    vcpu_put_gdt(v);
    for (i = 0; i < n; i++) {
        v->gdt_frames[i] = mfns[i];
        v->gdt_window[i] = pte_make(mfn(mfns[i]), WINDOW_FLAGS);
    }
    v->nr_gdt_frames = n;
    v->gdt_entries = entries;
    if (v == current_vcpu())
        tlb_flush_local();
    return 0;
}

long do_set_gdt(struct hcall *c, void *arg)
{
    uint64_t mfns[GDT_RESERVED_PAGE];
    uint32_t entries = (uint32_t)c->a[1];

    (void)arg;
    if (entries > GDT_GUEST_ENTRIES)
        return -EINVAL;
    if (entries && copy_from_guest(mfns, guest_va(c->a[0]), div_up(entries, 512) * sizeof(mfns[0])))
        return -EFAULT;
    return vcpu_set_gdt(c->v, mfns, entries);
}

void vcpu_drop_ldt_frames(struct vcpu *v)
{
    bool any = false;

    if (!v->ldt_entries)
        return;
    for (unsigned i = 0; i < 16; i++) {
        uint64_t *pte = &v->gdt_window[WINDOW_LDT_PTE + i];
        uint64_t old = *pte;

        if (!old)
            continue;
        *pte = 0;
        any = true;
        frame_put_and_type(frame_of(pte_mfn(old)));
    }
    if (any && v == current_vcpu())
        tlb_flush_local();
}

static void load_ldt(struct vcpu *v)
{
    uint64_t *d = &this_cpu()->gdt[(SEL_LDT & 0xfff) / 8];
    uint64_t base = v->gdt_va + PERDOMAIN_LDT_OFFSET, limit = v->ldt_entries * 8ull - 1;

    if (!v->ldt_entries) {
        __asm__ volatile("lldt %w0" : : "r"(0));
        return;
    }
    d[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | 0x82ull << 40 |
           ((limit >> 16) & 0xf) << 48 | ((base >> 24) & 0xff) << 56;
    d[1] = base >> 32;
    __asm__ volatile("lldt %w0" : : "r"(SEL_LDT));
}

int vcpu_set_ldt(struct vcpu *v, uint64_t base, unsigned entries)
{
    if ((base & ~PAGE_MASK) || entries > LDT_MAX_ENTRIES ||
        (entries && !guest_range_ok(guest_va(base), entries * 8ull)))
        return -EINVAL;
    vcpu_drop_ldt_frames(v);
    v->ldt_base = base;
    v->ldt_entries = entries;
    if (v == current_vcpu())
        load_ldt(v);
    return 0;
}

uint64_t ldt_guest_address(struct vcpu *v, uint64_t cr2)
{
    uint64_t window = v->gdt_va + PERDOMAIN_LDT_OFFSET;

    return cr2 >= window && cr2 - window < v->ldt_entries * 8ull ? v->ldt_base + (cr2 - window)
                                                                 : cr2;
}

bool ldt_fault(struct vcpu *v, uint64_t cr2)
{
    uint64_t window = v->gdt_va + PERDOMAIN_LDT_OFFSET, off = cr2 - window, pte, *slot;
    struct frame *f;

    if (cr2 < window || off >= v->ldt_entries * 8ull)
        return false;
    slot = &v->gdt_window[WINDOW_LDT_PTE + off / PAGE_SIZE];
    if (*slot)
        return false;
    pte = pt_walk_kernel(v, v->ldt_base + (off & PAGE_MASK));
    f = pte & PTE_P ? frame_of(pte_mfn(pte)) : NULL;
    if (!f || frame_get_and_type(f, v->d, FRAME_SEG_DESC))
        return false;
    *slot = pte_make(pte_mfn(pte), WINDOW_FLAGS);
    return true;
}

long do_update_descriptor(struct hcall *c, void *arg)
{
    uint64_t maddr = c->a[0], desc = c->a[1];
    struct frame *f = frame_of(maddr_to_mfn(maddr));
    enum frame_type t;
    long ret = -EINVAL;

    (void)arg;
    if ((maddr & 7) || !descriptor_sane(&desc) || !f || !frame_get(f, c->d))
        return -EINVAL;
    t = frame_type_now(f) == FRAME_SEG_DESC ? FRAME_SEG_DESC : FRAME_WRITABLE;
    if (!frame_get_type(f, t)) {
        WRITE_ONCE(*(uint64_t *)maddr_to_va(maddr), desc);
        frame_put_type(f);
        ret = 0;
    }
    frame_put(f);
    return ret;
}

long do_set_segment_base(struct hcall *c, void *arg)
{
    uint64_t base = c->a[1];

    (void)arg;
    switch ((uint32_t)c->a[0]) {
    case SEGBASE_FS:
        if (!va_is_canonical(base))
            return -EINVAL;
        write_fs_base(base);
        return 0;
    case SEGBASE_GS_USER:
        if (!va_is_canonical(base))
            return -EINVAL;
        write_gs_base_inactive(base);
        return 0;
    case SEGBASE_GS_KERNEL:
        if (!va_is_canonical(base))
            return -EINVAL;
        write_gs_base(base);
        return 0;
    case SEGBASE_GS_USER_SEL:
        swapgs();
        if (load_gs((unsigned)base & 0xffff))
            guest_log("user gs selector %lx does not load", base & 0xffff);
        swapgs();
        return 0;
    default:
        return -EINVAL;
    }
}

void segments_save(struct vcpu *v)
{
    uint64_t active, inactive;

    __asm__("mov %%ds, %0" : "=r"(v->ds));
    __asm__("mov %%es, %0" : "=r"(v->es));
    __asm__("mov %%fs, %0" : "=r"(v->fs));
    __asm__("mov %%gs, %0" : "=r"(v->gs));
    v->fs_base = read_fs_base();
    active = read_gs_base();
    inactive = rdmsr(MSR_KERNEL_GS_BASE);
    v->gs_base_kernel = v->kernel_mode ? active : inactive;
    v->gs_base_user = v->kernel_mode ? inactive : active;
}

/* The vCPU's window is about to leave the address space: any exception loads selectors of ours. */
void segments_unload(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) gdtr = {0xefff, this_cpu()->idle_gdt_va};

    __asm__ volatile("lgdt %0\n\tlldt %w1" : : "m"(gdtr), "r"(0));
}

/* The vCPU's kernel or user tables, GDT window and LDT are already what it runs with. */
void segments_load(struct vcpu *v)
{
    struct pcpu *p = this_cpu();
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) gdtr = {0xefff, v->gdt_va};
    const uint16_t sel[4] = {v->ds, v->es, v->fs, v->gs};
    int bad = 0;

    v->gdt_window[GDT_RESERVED_PAGE] = pte_make(va_to_mfn(p->gdt), WINDOW_FLAGS);
    __asm__ volatile("lgdt %0" : : "m"(gdtr));
    load_ldt(v);
    bad |= load_ds(v->ds);
    bad |= load_es(v->es);
    bad |= load_fs(v->fs);
    bad |= load_gs(v->gs);
    write_fs_base(v->fs_base);
    write_gs_base(v->kernel_mode ? v->gs_base_kernel : v->gs_base_user);
    write_gs_base_inactive(v->kernel_mode ? v->gs_base_user : v->gs_base_kernel);
    if (unlikely(bad))
        guest_failsafe(v, guest_regs(), sel);
}
