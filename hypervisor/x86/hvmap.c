/* SPDX-License-Identifier: MIT
 *
 * The hypervisor's page tables (map in x86/hvmap.h; AMD64 APM vol. 2, 5.3). Nothing is writable and
 * executable; the direct map and all tables are no-execute. Entries are global, for guests have no
 * global ones, except those of slot 258, which differ by domain.
 *
 * M2P: slots 256 and 257 share their L2 tables; the leaves are user and writable, and slot 256
 * takes away writing, slot 257 user access, in their L3 entries. Chunks of 2 MiB (entries of 1 GiB
 * of frames) with no RAM in them share one chunk of ~0.
 *
 * Boot only, then read-only, but for ioremap() and hvmap_percpu(), which run on one CPU at a time.
 */
#include "x86/hvmap.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/init.h"
#include "x86/percpu.h"
#include "boot/memory_map.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"

#define TABLE      (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define LEAF       (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G | PTE_NX)
#define BIG_SHIFT  21
#define BIG        (1ul << BIG_SHIFT)
#define CHUNK_MFNS (BIG / sizeof(uint64_t)) /* frames that one M2P chunk describes */

uint64_t *idle_l4;
uint64_t max_mfn;

static uint64_t ioremap_next = IOREMAP_VIRT;
static bool heap_ready;      /* boot_alloc() is over */
static uint64_t leaf = LEAF; /* NX only where the CPU has it */

extern char rodata_end[], init_text_end[], image_file_end[];

static uint64_t table_alloc(void)
{
    mfn_t m;

    if (page_total_count())
        heap_ready = true;
    if (heap_ready) {
        m = page_alloc(0, 0);
        if (mfn_eq(m, MFN_NONE))
            panic("out of memory for the hypervisor's page tables");
    } else {
        /* before the direct map is complete only the first 4 GiB can be reached */
        m = boot_alloc(1, 1, idle_l4 && read_cr3() == va_to_maddr(idle_l4) ? 0 : 4ul << 30);
    }
    memset(mfn_to_va(m), 0, PAGE_SIZE);
    return mfn_to_maddr(m);
}

/* The table of the next lower level, made when absent. */
static uint64_t *descend(uint64_t *entry)
{
    if (!(*entry & PTE_P))
        *entry = table_alloc() | TABLE;
    ASSERT(!(*entry & PTE_PSE));
    return mfn_to_va(pte_mfn(*entry));
}

static uint64_t *l2_entry(uint64_t va)
{
    return &descend(&descend(&idle_l4[pt_index(va, 4)])[pt_index(va, 3)])[pt_index(va, 2)];
}

static void map_page(uint64_t va, uint64_t maddr, uint64_t flags)
{
    descend(l2_entry(va))[pt_index(va, 1)] = maddr | flags;
}

static void map_range(uint64_t va, uint64_t maddr, uint64_t end, uint64_t flags)
{
    while (maddr < end) {
        if (!((va | maddr) & (BIG - 1)) && end - maddr >= BIG) {
            *l2_entry(va) = maddr | flags | PTE_PSE;
            maddr += BIG;
            va += BIG;
        } else {
            map_page(va, maddr, flags);
            maddr += PAGE_SIZE;
            va += PAGE_SIZE;
        }
    }
}

static void map_image(void)
{
    uint64_t va;

    for (va = IMAGE_VIRT; va < IMAGE_VIRT + 0x100000; va += PAGE_SIZE) {
        uint32_t at = (uint32_t)(va - IMAGE_VIRT);

        map_page(va, at, leaf | (at >= 0xa0000 && at < 0xc0000 ? PTE_PCD | PTE_PWT : 0));
    }
    for (va = (uint64_t)image_start; va < (uint64_t)image_end; va += PAGE_SIZE) {
        uint64_t flags = leaf;

        if (va < (uint64_t)text_end || (va >= (uint64_t)init_start && va < (uint64_t)init_text_end))
            flags &= ~(PTE_RW | PTE_NX);
        else if (va < (uint64_t)rodata_end)
            flags &= ~PTE_RW;
        map_page(va, va - IMAGE_VIRT, flags);
    }
}

static void map_direct(void)
{
    for (unsigned i = 0; i < boot_info.nr_e820; i++) {
        const struct e820_range *r = &boot_info.e820[i];
        uint64_t start = align_up(r->start, PAGE_SIZE), end = r->end & PAGE_MASK;

        if (r->type != E820_RAM || start >= end)
            continue;
        map_range(DIRECTMAP_VIRT + start, start, end, leaf);
        max_mfn = max(max_mfn, end >> PAGE_SHIFT);
    }
}

/* Is a frame of [from, to) RAM? */
static bool has_ram(uint64_t from, uint64_t to)
{
    for (unsigned i = 0; i < boot_info.nr_e820; i++) {
        const struct e820_range *r = &boot_info.e820[i];

        if (r->type == E820_RAM && r->start < to << PAGE_SHIFT && r->end > from << PAGE_SHIFT)
            return true;
    }
    return false;
}

static uint64_t big_page(int fill)
{
    mfn_t m = boot_alloc(BIG >> PAGE_SHIFT, BIG >> PAGE_SHIFT, 0);

    memset(mfn_to_va(m), fill, BIG);
    return mfn_to_maddr(m);
}

static void map_m2p(void)
{
    uint64_t none = 0;

    for (uint64_t at = 0; at < max_mfn; at += CHUNK_MFNS) {
        uint64_t va = M2P_RW_VIRT + at * sizeof(uint64_t);
        uint64_t maddr;

        if (has_ram(at, at + CHUNK_MFNS))
            maddr = big_page(0xff);
        else
            maddr = none ? none : (none = big_page(0xff));
        *l2_entry(va) = maddr | leaf | PTE_US | PTE_PSE;

        uint64_t *rw = &descend(&idle_l4[pt_index(va, 4)])[pt_index(va, 3)];
        uint64_t ro_va = M2P_RO_VIRT + at * sizeof(uint64_t);

        descend(&idle_l4[pt_index(ro_va, 4)])[pt_index(ro_va, 3)] = (*rw & ~PTE_RW) | PTE_US;
        *rw &= ~PTE_US;
    }
}

static void map_frame_table(void)
{
    uint64_t per_chunk = BIG / sizeof(struct frame), none = 0;

    for (uint64_t at = 0; at < max_mfn; at += per_chunk) {
        bool ram = has_ram(at, at + per_chunk);

        if (!ram && !none)
            none = big_page(0);
        *l2_entry(FRAMETABLE_VIRT + at * sizeof(struct frame)) =
            (ram ? big_page(0) | leaf : none | (leaf & ~PTE_RW)) | PTE_PSE;
    }
}

void hvmap_init(void)
{
    if (!cpu.nx)
        leaf &= ~PTE_NX;
    idle_l4 = maddr_to_va(table_alloc());
    for (unsigned slot = HV_FIRST_SLOT; slot <= HV_LAST_SLOT; slot++)
        descend(&idle_l4[slot]);
    map_image();
    map_direct();
    write_cr3(va_to_maddr(idle_l4));
    map_m2p();
    map_frame_table();
}

mfn_t m2p_chunk_mfn(unsigned n)
{
    uint64_t va = M2P_RW_VIRT + (uint64_t)n * BIG;

    if ((uint64_t)n * CHUNK_MFNS >= max_mfn)
        return MFN_NONE;
    return pte_mfn(*l2_entry(va));
}

void *ioremap(uint64_t maddr, uint64_t size, bool cached)
{
    uint64_t start = maddr & PAGE_MASK, end = align_up(maddr + size, PAGE_SIZE);
    uint64_t va = ioremap_next;

    for (uint64_t at = start; at < end; at += PAGE_SIZE, ioremap_next += PAGE_SIZE)
        map_page(ioremap_next, at, leaf | (cached ? 0 : PTE_PCD | PTE_PWT));
    return (void *)(va + (maddr - start));
}

/* Pages of the region: 0 entry stubs, 1 guard, 2..5 IST stacks, 6 guard, 7..14 stack, 15 data. */
struct pcpu *hvmap_percpu(unsigned n)
{
    uint64_t base = PERCPU_VIRT + n * PERCPU_SIZE;

    map_page(base, image_maddr(syscall_stub_page), leaf & ~(PTE_RW | PTE_NX));
    for (unsigned page = 2; page < 16; page++)
        if (page != 6)
            map_page(base + page * PAGE_SIZE, table_alloc(), leaf);

    struct pcpu *p = (struct pcpu *)(base + PERCPU_DATA);

    p->id = n;
    list_init(&p->run_queue);
    list_init(&p->timers);
    p->sched_lock = SPINLOCK(LOCK_SCHED);
    p->timer_lock = SPINLOCK(LOCK_TIMER);
    p->timer_armed = NSEC_NEVER;
    return p;
}

void *hvmap_alloc_large(uint64_t bytes)
{
    uint64_t start = align_up(ioremap_next, BIG), at;

    for (at = start; at < start + bytes; at += BIG) {
        mfn_t m = page_alloc(BIG_SHIFT - PAGE_SHIFT, 0);

        if (mfn_eq(m, MFN_NONE)) {
            hvmap_free_large((void *)start, at - start);
            return NULL;
        }
        *l2_entry(at) = pte_make(m, leaf | PTE_PSE);
    }
    ioremap_next = at;
    return (void *)start;
}

void hvmap_free_large(void *p, uint64_t bytes)
{
    for (uint64_t va = (uint64_t)p; va < (uint64_t)p + bytes; va += BIG) {
        uint64_t *entry = l2_entry(va);
        mfn_t m = maddr_to_mfn(*entry & PTE_ADDR & ~(BIG - 1));

        *entry = 0;
        invlpg(va);
        page_free(m, BIG_SHIFT - PAGE_SHIFT);
    }
}

void hvmap_drop_init(void)
{
    for (uint64_t va = (uint64_t)init_start; va < (uint64_t)init_end; va += PAGE_SIZE) {
        descend(l2_entry(va))[pt_index(va, 1)] = 0;
        invlpg(va);
    }
}
