/* SPDX-License-Identifier: MIT */
/* Words, pages, small memory, page tables. */
#include "tests/guest/kit/kit.h"

static void expect_text(const char *want, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void expect_text(const char *want, const char *format, ...)
{
    char got[80];
    va_list args;

    va_start(args, format);
    vsnprintf(got, sizeof(got), format, args);
    va_end(args);
    check(strcmp(got, want) == 0, format, "'%s'", got);
}

void test_text(void)
{
    char small[4];

    test_part("text");
    expect_text("-7 4000000000 ff FF", "%d %u %x %X", -7, 4000000000u, 255, 255);
    expect_text("[   42] [42   ] [00042]", "[%5d] [%-5d] [%05d]", 42, 42, 42);
    expect_text("-1 18446744073709551615 ffffffffffffffff", "%ld %lu %lx", -1l, ~0ul, ~0ul);
    expect_text("abc ab   x x %", "%s %.2s %3s %c %%", "abc", "abc", "x", 'x');
    expect_text("255 65535 12", "%hhu %hu %zu", (unsigned char)255, (unsigned short)65535,
                (size_t)12);
    check(snprintf(small, sizeof(small), "%s", "long") == 4 && !strcmp(small, "lon"),
          "too little room", "'%s'", small);
    printf("a line longer than the buffer: %0600d|\n", 1);
}

static bool all_zero(const uint64_t *page)
{
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        if (page[i])
            return false;
    return true;
}

/* All free pages, in a list through themselves; false when one of them was not zeroed. */
static bool take_all_pages(uint64_t **list, unsigned long *count)
{
    bool zeroed = true;
    uint64_t *page;

    *list = NULL;
    for (*count = 0; (page = pages_alloc(1)); ++*count) {
        zeroed = zeroed && all_zero(page);
        page[0] = (uint64_t)*list;
        page[PAGE_SIZE / 8 - 1] = ~0ul;
        *list = page;
    }
    return zeroed;
}

static void test_pages(void)
{
    unsigned long before = pages_available(), count;
    uint64_t *list;
    void *many;
    bool zeroed = take_all_pages(&list, &count);

    check(count == before, "all free pages can be had", "%s", count == before ? "yes" : "no");
    check(zeroed, "each is zeroed", "%s", zeroed ? "yes" : "no");
    check(!pages_alloc(1) && !os_alloc(100), "then there is no more", "NULL");
    while (list) {
        uint64_t *next = (uint64_t *)list[0];

        pages_free(list, 1);
        list = next;
    }
    many = pages_alloc(100);
    check(many && all_zero(many) && all_zero((uint64_t *)((char *)many + 99 * PAGE_SIZE)),
          "100 at once, zeroed again", "%s", many ? "yes" : "no");
    pages_free(many, 100);
    check(!pages_alloc(0) && !pages_alloc((unsigned)nr_pages()), "none, and too many", "NULL");
    check(pages_available() == before, "all come back", "%s",
          pages_available() == before ? "yes" : "no");
}

static void test_small_memory(void)
{
    static const size_t sizes[] = {0, 1, 16, 17, 100, 2032, 2033, 5000, 100000};
    enum { N = sizeof(sizes) / sizeof(sizes[0]) };
    unsigned char *blocks[2][N];
    bool good = true;

    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 2 * N; i++) {
            unsigned char *b = blocks[i / N][i % N] = os_alloc(sizes[i % N]);

            good = good && b && (uint64_t)b % 16 == 0;
            for (size_t at = 0; good && at < sizes[i % N]; at++)
                good = !b[at];
            memset(b, (int)i + 1, sizes[i % N]);
        }
        for (unsigned i = 0; i < 2 * N; i++) {
            for (size_t at = 0; good && at < sizes[i % N]; at++)
                good = blocks[i / N][i % N][at] == i + 1;
            os_free(blocks[i / N][i % N]);
        }
    }
    os_free(NULL);
    check(good, "small memory is aligned, zeroed and apart", "%s", good ? "yes" : "no");
    check(!os_alloc(~0ul) && !os_alloc(1ul << 50), "too much of it", "NULL");
}

void test_memory(void)
{
    test_part("memory");
    test_pages();
    test_small_memory();
}

static void write_to(void *context)
{
    *(volatile uint64_t *)context = 4711;
}

static void test_frames(void)
{
    unsigned long bad = 0;

    for (unsigned long pfn = 0; pfn < nr_pages(); pfn++)
        bad += mfn_to_pfn(pfn_to_mfn(pfn)) != pfn || virt_to_pfn(pfn_to_virt(pfn)) != pfn;
    check(!bad, "each page has a frame, and that frame the page", "%lu have not", bad);
    check(mfn_to_pfn(~0ul) == ~0ul && mfn_to_pfn(1ul << 34) == ~0ul &&
              mfn_to_pfn(start_info->shared_info >> PAGE_SHIFT) == ~0ul,
          "frames that are not ours", "none of them");
    check(pfn_to_mfn(nr_pages()) == ~0ul, "the page behind the last one", "no frame");
}

void test_tables(void)
{
    uint64_t *page = pages_alloc(1), *alias = va_reserve(2), value;
    uint64_t *last = pfn_to_virt(nr_pages() - 1);
    pte_t pte = virt_to_mfn(page) << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D;

    test_part("page tables");
    test_frames();
    test_need(page && alias, "no page to map");
    check(peek(last, &value) && peek(kernel_start, &value), "the whole window can be read", "yes");
    check(!peek(last + PAGE_SIZE / 8, &value) && !peek(NULL, &value), "what lies around it", "no");
    for (int level = 4; level > 0; level--)
        check(pte_of(page, level) && (*pte_of(page, level) & PTE_P), "an entry of a level", "%d",
              level);
    check_trap("write to a table", write_to, pte_of(page, 1), TRAP_PF);
    check_trap("write where nothing is mapped", write_to, alias, TRAP_PF);
    check_done("map it there", map_page(alias, pte));
    alias[3] = 0x1234;
    check(page[3] == 0x1234, "what is written there", "%lx", page[3]);
    check_done("map it there by its entry", mmu_set(pte_machine(pte_of(alias + 512, 1)), pte));
    check(alias[512 + 3] == 0x1234, "what is read there", "%lx", alias[512 + 3]);
    check_done("take both away", map_page(alias, 0) | map_page(alias + 512, 0));
    check_trap("write when it is gone", write_to, alias, TRAP_PF);
    check_done("make the page read-only", page_readonly(page));
    check_trap("write to it", write_to, page, TRAP_PF);
    check_done("make it writable", page_writable(page));
    check_trap("write to it now", write_to, page, -1);
    check(page[0] == 4711, "what was written", "%lu", page[0]);
    pages_free(page, 1);
}
