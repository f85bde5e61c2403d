/* SPDX-License-Identifier: MIT */
/*
 * Frames and page tables. The builder's list start_info->mfn_list says which machine frame each
 * page (pfn) of the domain is; the hypervisor's read-only table at MACH2PHYS_VIRT_START says the
 * opposite. Page tables hold machine frames and are read-only for us: they are read through the
 * window at kernel_start, where every page of the domain is mapped, and changed by hypercalls.
 *
 * The builder has mapped the window up to its stack and a little more. memory_init() maps the rest,
 * 2 MiB a table, each table in a page of what is mapped already: a table is filled as ordinary
 * memory, made read-only, and hooked in, which is when the hypervisor checks it.
 */
#include "frontends/os.h"
#include "guest-abi/kit/internal.h"

#define ENTRIES      512
#define WINDOW_FLAGS (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define TABLE_FLAGS  (PTE_P | PTE_RW | PTE_US | PTE_A)
#define L4_SPAN      (1ul << 39)
#define NONE         (~0ul)

static unsigned long early_page; /* next page for a table until pages_alloc() works, else 0 */
static unsigned long reserved =
    L4_SPAN; /* va_reserve(): next address, from the second L4 slot on */

static const unsigned long *p2m(void)
{
    return (const unsigned long *)start_info->mfn_list;
}

unsigned long nr_pages(void)
{
    return start_info->nr_pages;
}

unsigned long pfn_to_mfn(unsigned long pfn)
{
    return pfn < nr_pages() ? p2m()[pfn] : NONE;
}

unsigned long mfn_to_pfn(unsigned long mfn)
{
    uint64_t pfn;

    if (mfn >= MACH2PHYS_NR_ENTRIES || !peek(&machine_to_phys_mapping[mfn], &pfn))
        return NONE;
    return pfn_to_mfn(pfn) == mfn ? pfn : NONE;
}

void *pfn_to_virt(unsigned long pfn)
{
    return kernel_start + pfn * PAGE_SIZE;
}

unsigned long virt_to_pfn(const void *va)
{
    return (unsigned long)((const char *)va - kernel_start) / PAGE_SIZE;
}

unsigned long virt_to_mfn(const void *va)
{
    return pfn_to_mfn(virt_to_pfn(va));
}

static unsigned index_of(const void *va, int level)
{
    return (unsigned)((unsigned long)va >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES;
}

pte_t *pte_of(const void *va, int level)
{
    pte_t *table = (pte_t *)start_info->pt_base;

    for (int at = 4;; at--) {
        pte_t *entry = &table[index_of(va, at)];
        unsigned long pfn;

        if (at == level)
            return entry;
        if (!(*entry & PTE_P))
            return NULL;
        pfn = mfn_to_pfn((*entry & PTE_MFN_MASK) >> PAGE_SHIFT);
        if (pfn == NONE)
            return NULL;
        table = pfn_to_virt(pfn);
    }
}

uint64_t pte_machine(const pte_t *entry)
{
    return virt_to_mfn(entry) << PAGE_SHIFT | ((uint64_t)entry & (PAGE_SIZE - 1));
}

int map_page(void *va, pte_t value)
{
    return (int)hypercall3(__HYPERVISOR_update_va_mapping, (unsigned long)va, value,
                           UVMF_INVLPG | UVMF_LOCAL);
}

int mmu_set(uint64_t entry_machine, pte_t value)
{
    struct mmu_update update = {.ptr = entry_machine | MMU_NORMAL_PT_UPDATE, .val = value};

    return (int)hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&update, 1, 0, DOMID_SELF);
}

int page_readonly(void *page)
{
    return map_page(page, virt_to_mfn(page) << PAGE_SHIFT | (WINDOW_FLAGS & ~PTE_RW));
}

int page_writable(void *page)
{
    return map_page(page, virt_to_mfn(page) << PAGE_SHIFT | WINDOW_FLAGS);
}

int mmuext_mfn(unsigned cmd, unsigned long mfn)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};

    return (int)hypercall4(__HYPERVISOR_mmuext_op, (unsigned long)&op, 1, 0, DOMID_SELF);
}

static pte_t *table_page(void)
{
    pte_t *table = NULL;

    if (!early_page)
        table = pages_alloc(1);
    else if (early_page < nr_pages() && pte_of(pfn_to_virt(early_page), 1))
        table = memset(pfn_to_virt(early_page++), 0, PAGE_SIZE);
    if (!table)
        guest_panic("no memory for a page table: a domain needs 1 MiB");
    return table;
}

static void hook_table(pte_t *entry, pte_t *table)
{
    int error = page_readonly(table);

    if (!error)
        error = mmu_set(pte_machine(entry), virt_to_mfn(table) << PAGE_SHIFT | TABLE_FLAGS);
    if (error)
        guest_panic("the hypervisor refuses a page table: error %d", error);
}

/* The L2 entry for va; tables above it are made. */
static pte_t *l2_entry(const void *va)
{
    for (int level = 4; level > 2; level--) {
        pte_t *entry = pte_of(va, level);

        if (!(*entry & PTE_P))
            hook_table(entry, table_page());
    }
    return pte_of(va, 2);
}

static pte_t window_pte(unsigned long pfn)
{
    unsigned long mfn = pfn_to_mfn(pfn);

    return mfn == NONE ? 0 : mfn << PAGE_SHIFT | WINDOW_FLAGS;
}

/* Maps the pages from pfn to the next border of 2 MiB (of addresses); returns the pfn behind. */
static unsigned long map_window(unsigned long pfn)
{
    char *va = pfn_to_virt(pfn);
    unsigned first = index_of(va, 1), last = ENTRIES;
    pte_t *entry = l2_entry(va);

    if (nr_pages() - pfn < ENTRIES - first)
        last = first + (unsigned)(nr_pages() - pfn);
    if (!(*entry & PTE_P)) {
        pte_t *table = table_page();

        for (unsigned i = first; i < last; i++)
            table[i] = window_pte(pfn + i - first);
        hook_table(entry, table);
        return pfn + last - first;
    }
    for (unsigned i = first; i < last; i++, pfn++) {
        pte_t *at = pte_of(pfn_to_virt(pfn), 1);

        if (!(*at & PTE_P) && window_pte(pfn) && mmu_set(pte_machine(at), window_pte(pfn)))
            guest_panic("cannot map page %lu of the domain", pfn);
    }
    return pfn;
}

/* The first page behind everything that the builder has put into memory. */
static unsigned long first_free_page(void)
{
    const void *ends[] = {
        kernel_end,
        boot_stack_end,
        (const char *)start_info + PAGE_SIZE,
        p2m() + nr_pages(),
        (const char *)start_info->pt_base + start_info->nr_pt_frames * PAGE_SIZE,
        (const char *)start_info->mod_start + start_info->mod_len,
    };
    evtchn_port_t port;
    const void *pages[] = {os_store_page(&port), os_console_page(&port)};
    unsigned long first = 0;

    for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        unsigned long end = virt_to_pfn((const char *)ends[i] + PAGE_SIZE - 1);

        if ((const char *)ends[i] > kernel_start && end > first)
            first = end;
    }
    for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        if (pages[i] && virt_to_pfn(pages[i]) >= first)
            first = virt_to_pfn(pages[i]) + 1;
    return first;
}

void memory_init(void)
{
    if (nr_pages() > (L4_SPAN - (unsigned long)kernel_start) / PAGE_SIZE)
        guest_panic("more memory than the 512 GiB that the kit can map");
    early_page = first_free_page();
    for (unsigned long pfn = early_page; pfn < nr_pages();)
        pfn = map_window(pfn);
    pages_init(early_page, nr_pages());
    early_page = 0;
    if (map_page(stack_guard, 0))
        guest_panic("cannot unmap the page below the stack");
}

void *va_reserve(unsigned count)
{
    char *start = (char *)reserved;

    for (char *va = start; va < start + count * PAGE_SIZE; va += PAGE_SIZE) {
        pte_t *entry = l2_entry(va);

        if (!(*entry & PTE_P))
            hook_table(entry, table_page());
    }
    reserved += count * PAGE_SIZE;
    return start;
}
