/* SPDX-License-Identifier: MIT */
/*
 * toollib_layout: where things lie at the start of a guest, and the page tables that say so. The
 * tables are written for scattered frames of a pretend memory and then walked as a CPU would.
 */
#include "dom0-tools/lib/build_layout.h"
#include "dom0-tools/lib/build_start.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BASE      0xffffffff80000000ull
#define MIB_PAGES 256ull
#define FIRST_MFN 0x12345ull
#define PRESENT   1u
#define WRITABLE  2u
#define USER      4u
#define NOTHING   UINT64_MAX

static const struct elf_guest linux_guest = {
    .entry = BASE + 0x30791c0,
    .virt_base = BASE,
    .hypercall_page = ELF_GUEST_NONE,
    .init_p2m = 0x8000000000ull,
    .start = BASE + 0x1000000,
    .end = BASE + 0x4a00000,
    .mod_start_pfn = true,
};
static const struct elf_guest plain_guest = {
    .entry = 0x10,
    .virt_base = 0,
    .hypercall_page = 0x2000,
    .init_p2m = ELF_GUEST_NONE,
    .start = 0,
    .end = 0xf010,
};

/* The domain's memory: page tables only, found by frame. */
struct pretend {
    const struct layout *l;
    uint64_t *p2m, *main, *apart;
};

/* Frames in no order: the pages of each 128 are mirrored. */
static uint64_t frame_of(uint64_t pfn)
{
    return FIRST_MFN + (pfn ^ 0x7f);
}

static void pretend_init(struct pretend *m, const struct layout *l)
{
    m->l = l;
    m->p2m = malloc(l->nr_pages * 8);
    m->main = calloc(l->table_pages, LAYOUT_PAGE_SIZE);
    m->apart = calloc(l->p2m_table_pages + 1, LAYOUT_PAGE_SIZE);
    for (uint64_t i = 0; i < l->nr_pages; i++)
        m->p2m[i] = frame_of(i);
    layout_write_tables(l, m->p2m, m->main, m->apart);
}

static void pretend_free(struct pretend *m)
{
    free(m->p2m);
    free(m->main);
    free(m->apart);
}

/* The table in that frame; the test fails when there is none. */
static const uint64_t *table_in(const struct pretend *m, uint64_t frame)
{
    uint64_t pfn = (frame - FIRST_MFN) ^ 0x7f, apart = m->l->p2m_pfn + m->l->p2m_pages;

    if (pfn >= m->l->tables_pfn && pfn < m->l->tables_pfn + m->l->table_pages)
        return m->main + (pfn - m->l->tables_pfn) * 512;
    if (pfn >= apart && pfn < apart + m->l->p2m_table_pages)
        return m->apart + (pfn - apart) * 512;
    fail_msg("page %#llx is no table", (unsigned long long)pfn);
    return NULL;
}

/* As the CPU does it. Returns the L1 entry or NOTHING. */
static uint64_t walk(const struct pretend *m, uint64_t va)
{
    uint64_t entry = m->p2m[m->l->tables_pfn] * LAYOUT_PAGE_SIZE | PRESENT;

    for (int shift = 39; shift >= 12; shift -= 9) {
        entry = table_in(m, entry / LAYOUT_PAGE_SIZE)[va >> shift & 511];
        if (!(entry & PRESENT))
            return NOTHING;
        if (shift > 12)
            assert_int_equal(entry & (WRITABLE | USER), WRITABLE | USER);
    }
    return entry;
}

static bool is_table(const struct layout *l, uint64_t pfn)
{
    return pfn >= l->tables_pfn && pfn < l->tables_pfn + l->table_pages;
}

static void check_main_mapping(const struct pretend *m)
{
    const struct layout *l = m->l;

    for (uint64_t pfn = 0; pfn < l->mapped_pages; pfn++) {
        uint64_t e = walk(m, layout_va(l, pfn));

        if (pfn >= l->nr_pages) {
            assert_true(e == NOTHING);
            continue;
        }
        assert_int_equal(e / LAYOUT_PAGE_SIZE, frame_of(pfn));
        assert_int_equal(e & WRITABLE, is_table(l, pfn) ? 0 : WRITABLE);
        assert_int_equal(e & ~0xfffull, frame_of(pfn) * LAYOUT_PAGE_SIZE);
        assert_int_equal(e & 0xf98, 0); /* no cache, size, global or software bits */
    }
    assert_true(walk(m, layout_va(l, l->mapped_pages)) == NOTHING);
}

static void check_p2m_mapping(const struct pretend *m)
{
    const struct layout *l = m->l;

    for (uint64_t i = 0; i < l->p2m_pages; i++) {
        uint64_t e = walk(m, l->p2m_va + i * LAYOUT_PAGE_SIZE);

        assert_int_equal(e / LAYOUT_PAGE_SIZE, frame_of(l->p2m_pfn + i));
        assert_int_equal(e & WRITABLE, WRITABLE);
    }
    if (l->p2m_apart)
        assert_true(walk(m, l->p2m_va + l->p2m_pages * LAYOUT_PAGE_SIZE) == NOTHING);
}

/* Entries that are there, in all tables: none besides those that were walked. */
static void check_no_strays(const struct pretend *m)
{
    const struct layout *l = m->l;
    uint64_t expected = l->mapped_pages < l->nr_pages ? l->mapped_pages : l->nr_pages, found = 0;

    expected += l->table_pages - 1 + l->p2m_table_pages;
    expected += l->p2m_apart ? l->p2m_pages : 0;
    for (uint64_t i = 0; i < l->table_pages * 512; i++)
        found += m->main[i] & PRESENT;
    for (uint64_t i = 0; i < l->p2m_table_pages * 512; i++)
        found += m->apart[i] & PRESENT;
    assert_int_equal(found, expected);
}

struct item {
    uint64_t pfn, pages;
};

/* Nothing lies on anything else, all of it within the domain. */
static void check_items(const struct layout *l, const struct elf_guest *g)
{
    struct item items[] = {
        {(g->start - g->virt_base) / 4096, (g->end - 1) / 4096 - g->start / 4096 + 1},
        {l->ramdisk_pfn, l->ramdisk_pages},
        {l->p2m_pfn, l->p2m_pages + l->p2m_table_pages},
        {l->start_info_pfn, 1},
        {l->store_pfn, 1},
        {l->console_pfn, 1},
        {l->tables_pfn, l->table_pages},
        {l->stack_pfn, 1},
    };
    size_t n = sizeof(items) / sizeof(items[0]);

    for (size_t i = 0; i < n; i++) {
        assert_true(items[i].pfn + items[i].pages <= l->used_pages);
        for (size_t j = 0; j < i; j++)
            if (items[i].pages && items[j].pages)
                assert_true(items[i].pfn >= items[j].pfn + items[j].pages ||
                            items[j].pfn >= items[i].pfn + items[i].pages);
    }
    assert_true(l->used_pages <= l->nr_pages);
    assert_true(l->stack_pfn < l->mapped_pages);
    assert_int_equal(layout_va(l, l->mapped_pages) % (4 << 20), 0);
    assert_true((l->mapped_pages - l->stack_pfn - 1) * 4096 >= 512 << 10);
    assert_true(l->mapped_pages - l->stack_pfn - 1 < 2304);
}

static void check_all(const struct elf_guest *g, uint64_t nr_pages, uint64_t ramdisk)
{
    struct failure why = {0};
    struct pretend m;
    struct layout l;

    if (layout_compute(&l, g, nr_pages, ramdisk, &why) < 0)
        fail_msg("%s", why.text);
    check_items(&l, g);
    pretend_init(&m, &l);
    check_main_mapping(&m);
    check_p2m_mapping(&m);
    check_no_strays(&m);
    pretend_free(&m);
}

static void linux_sizes(void **state)
{
    static const uint64_t mib[] = {96, 128, 256, 1000, 4096};

    (void)state;
    for (size_t i = 0; i < sizeof(mib) / sizeof(mib[0]); i++) {
        check_all(&linux_guest, mib[i] * MIB_PAGES, 0);
        check_all(&linux_guest, mib[i] * MIB_PAGES, 2500833);
        check_all(&linux_guest, mib[i] * MIB_PAGES - 77, 1);
    }
}

static void linux_places(void **state)
{
    struct failure why;
    struct layout l;

    (void)state;
    assert_int_equal(layout_compute(&l, &linux_guest, 128 * MIB_PAGES, 5000, &why), 0);
    assert_int_equal(l.start_info_pfn, 0x4a00);
    assert_int_equal(l.store_pfn, 0x4a01);
    assert_int_equal(l.console_pfn, 0x4a02);
    assert_int_equal(l.tables_pfn, 0x4a03);
    assert_int_equal(l.table_pages, 3 + 0x4c00 / 512); /* L4, L3, L2 and L1s */
    assert_int_equal(l.mapped_pages, 0x4c00);
    assert_true(l.p2m_apart);
    assert_int_equal(l.p2m_va, 0x8000000000ull);
    assert_int_equal(l.p2m_pfn, 0x4c00);
    assert_int_equal(l.p2m_pages, 64);
    assert_int_equal(l.p2m_table_pages, 3);
    assert_false(l.ramdisk_mapped);
    assert_int_equal(l.ramdisk_pfn, 0x4c00 + 64 + 3);
    assert_int_equal(l.ramdisk_pages, 2);
}

static void plain_sizes(void **state)
{
    static const uint64_t pages[] = {32, 64, 1024, 2048, 8192, 300000};

    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        check_all(&plain_guest, pages[i] == 300000 ? pages[i] : pages[i] + 700, 0);
    check_all(&plain_guest, 8192, 123456);
}

/* The stack at every place within 4 MiB: the padding grows by another 4 MiB when it gets thin. */
static void padding(void **state)
{
    unsigned thick = 0;

    (void)state;
    for (uint64_t pages = 1; pages <= 1024; pages++) {
        struct elf_guest g = linux_guest;
        struct failure why;
        struct layout l;

        g.end += pages * 4096;
        assert_int_equal(layout_compute(&l, &g, 128 * MIB_PAGES, 0, &why), 0);
        check_items(&l, &g);
        thick += l.mapped_pages - l.stack_pfn > 1025;
    }
    assert_in_range(thick, 120, 128); /* 512 KiB, less what two more tables move */
}

/* Small domains: the padding may lie outside, what is used may not. */
static void tiny_domain(void **state)
{
    struct failure why;
    struct layout l;
    uint64_t need;

    (void)state;
    assert_int_equal(layout_compute(&l, &plain_guest, 1024, 0, &why), 0);
    need = l.used_pages;
    assert_true(need < 40);
    assert_int_equal(layout_compute(&l, &plain_guest, need, 0, &why), 0);
    assert_true(l.mapped_pages > l.nr_pages);
    assert_int_equal(layout_compute(&l, &plain_guest, need - 2, 0, &why), -1);
    assert_int_equal(why.error, ENOMEM);
}

static void tiny_domain_tables(void **state)
{
    (void)state;
    check_all(&plain_guest, 32, 0);
}

static void too_small(void **state)
{
    struct failure why;
    struct layout l;

    (void)state;
    assert_int_equal(layout_compute(&l, &linux_guest, 74 * MIB_PAGES, 0, &why), -1);
    assert_int_equal(why.error, ENOMEM);
    assert_non_null(strstr(why.text, "77 MiB"));
    assert_int_equal(layout_compute(&l, &linux_guest, 80 * MIB_PAGES, 64 << 20, &why), -1);
    assert_int_equal(why.error, ENOMEM);
    assert_int_equal(layout_compute(&l, &linux_guest, 80 * MIB_PAGES, UINT64_MAX, &why), -1);
    assert_int_equal(why.error, ENOMEM);
    assert_int_equal(layout_compute(&l, &linux_guest, 0, 0, &why), -1);
    assert_int_equal(why.error, EINVAL);
    assert_int_equal(layout_compute(&l, &linux_guest, UINT64_MAX, 0, &why), -1);
    assert_int_equal(why.error, EINVAL);
}

/* The p2m list of a huge domain no longer fits below the top of the address space. */
static void impossible_bases(void **state)
{
    static const uint64_t bases[] = {
        0x00007ffffffff000ull, 0x0000800000000000ull, 0xffff800000000000ull,
        0xffff87ffffff0000ull, 0xffffffffff000000ull,
    };
    struct failure why;
    struct layout l;

    (void)state;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        struct elf_guest g = plain_guest;

        g.virt_base = g.start = bases[i];
        g.end = g.start + 0x8000;
        assert_int_equal(layout_compute(&l, &g, 65536, 0, &why), -1);
        assert_int_equal(why.error, EINVAL);
        assert_non_null(strstr(why.text, "leaves no room"));
    }
}

/* An address for the list that cannot be used is not an error: the list then lies in the window. */
static void p2m_addresses(void **state)
{
    static const struct {
        uint64_t va;
        bool apart;
    } tries[] = {
        {0x8000000000ull, true},        {0x0ull, true},
        {0x7fffff000000ull, true},      {0x7ffffffff000ull, false},
        {0x800000000000ull, false},     {0xffff800000000000ull, false},
        {0xffff880000000000ull, true},  {0xffffff0000000000ull, true},
        {0xffffff8000000000ull, false}, {0xfffffffffffff000ull, false},
        {0xffffff7fffffe000ull, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        struct elf_guest g = linux_guest;
        struct failure why;
        struct layout l;

        g.init_p2m = tries[i].va;
        assert_int_equal(layout_compute(&l, &g, 128 * MIB_PAGES, 0, &why), 0);
        assert_int_equal(l.p2m_apart, tries[i].apart);
        check_all(&g, 128 * MIB_PAGES, 4096);
    }
}

/* A list that begins inside a 2 MiB and a 1 GiB range and crosses both. */
static void p2m_across_tables(void **state)
{
    struct elf_guest g = linux_guest;

    (void)state;
    g.init_p2m = 0x8000000000ull + (1ull << 30) - (1ull << 20);
    check_all(&g, 4096 * MIB_PAGES, 0);
    g.init_p2m = 0x10000000000ull - (1ull << 20) - 4096;
    check_all(&g, 4096 * MIB_PAGES, 0);
}

/* A base in the middle of tables of all levels. */
static void odd_bases(void **state)
{
    static const uint64_t bases[] = {
        0x1000, 0x1ff000, 0x3ffff000, 0x7fffffe000, 0xffff880000001000ull, 0xffffc8803ffff000ull};

    (void)state;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        struct elf_guest g = plain_guest;

        g.virt_base = g.start = bases[i];
        g.end = g.start + 0x123456;
        check_all(&g, 8192, 70000);
    }
}

static void start_info_of_linux(void **state)
{
    struct start_values v = {"console=hvc0", 5000, 0x111, 0x222, 0x333, 1, 2};
    struct start_info si;
    struct failure why;
    struct layout l;

    (void)state;
    assert_int_equal(layout_compute(&l, &linux_guest, 128 * MIB_PAGES, 5000, &why), 0);
    start_info_fill(&si, &l, &v);
    assert_string_equal(si.magic, "xen-3.0-x86_64");
    assert_int_equal(si.nr_pages, 128 * MIB_PAGES);
    assert_int_equal(si.shared_info, 0x111000);
    assert_int_equal(si.flags, SIF_MOD_START_PFN);
    assert_int_equal(si.store_mfn, 0x222);
    assert_int_equal(si.store_evtchn, 1);
    assert_int_equal(si.console.domU.mfn, 0x333);
    assert_int_equal(si.console.domU.evtchn, 2);
    assert_int_equal(si.pt_base, BASE + 0x4a03000);
    assert_int_equal(si.nr_pt_frames, l.table_pages);
    assert_int_equal(si.mfn_list, 0x8000000000ull);
    assert_int_equal(si.mod_start, l.ramdisk_pfn);
    assert_int_equal(si.mod_len, 5000);
    assert_string_equal((char *)si.cmd_line, "console=hvc0");
    assert_int_equal(si.first_p2m_pfn, l.p2m_pfn);
    assert_int_equal(si.nr_p2m_frames, 67);
}

static void start_info_of_plain(void **state)
{
    struct start_values v = {"", 5000, 0x111, 0x222, 0x333, 1, 2};
    struct start_info si;
    struct failure why;
    struct layout l;

    (void)state;
    assert_int_equal(layout_compute(&l, &plain_guest, 8192, 5000, &why), 0);
    start_info_fill(&si, &l, &v);
    assert_int_equal(si.flags, 0);
    assert_int_equal(si.mod_start, 0x10000); /* an address, right behind the image */
    assert_int_equal(si.mfn_list, 0x12000);
    assert_int_equal(si.first_p2m_pfn, 0);
    assert_int_equal(si.nr_p2m_frames, 0);
}

static void first_registers(void **state)
{
    struct vcpu_guest_context c;
    struct failure why;
    struct layout l;

    (void)state;
    assert_int_equal(layout_compute(&l, &linux_guest, 128 * MIB_PAGES, 0, &why), 0);
    start_context_fill(&c, &l, &linux_guest, 0xabcde);
    assert_int_equal(c.flags, 36);
    assert_int_equal(c.user_regs.rip, linux_guest.entry);
    assert_int_equal(c.user_regs.rsi, layout_va(&l, l.start_info_pfn));
    assert_int_equal(c.user_regs.rsp, layout_va(&l, l.stack_pfn) + 4096);
    assert_int_equal(c.user_regs.cs, 0xe033);
    assert_int_equal(c.user_regs.ss, 0xe02b);
    assert_int_equal(c.user_regs.rflags, 0x200);
    assert_int_equal(c.kernel_ss, 0xe02b);
    assert_int_equal(c.kernel_sp, c.user_regs.rsp);
    assert_int_equal(c.ctrlreg[3], 0xabcde000);
    assert_int_equal(c.vm_assist, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_sizes),         cmocka_unit_test(linux_places),
        cmocka_unit_test(plain_sizes),         cmocka_unit_test(tiny_domain),
        cmocka_unit_test(tiny_domain_tables),  cmocka_unit_test(too_small),
        cmocka_unit_test(impossible_bases),    cmocka_unit_test(p2m_addresses),
        cmocka_unit_test(p2m_across_tables),   cmocka_unit_test(odd_bases),
        cmocka_unit_test(start_info_of_linux), cmocka_unit_test(start_info_of_plain),
        cmocka_unit_test(first_registers),     cmocka_unit_test(padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
