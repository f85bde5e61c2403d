/* SPDX-License-Identifier: MIT */
/*
 * fuzz_image: one input through everything a kernel file goes through before a domain exists. It is
 * libFuzzer's entry point; damage_test.c calls it too, with images damaged in known ways.
 */
#include "fuzz_image.h"
#include "dom0-tools/lib/build_layout.h"
#include "dom0-tools/lib/image.h"

#include <stdlib.h>

#define LIMIT      (4u << 20)
#define MAX_TABLES 4096u

/* Tables of layouts that are small enough to write here. */
static void write_tables(const struct layout *l)
{
    uint64_t *p2m, *main, *apart;

    if (l->table_pages + l->p2m_table_pages > MAX_TABLES || l->nr_pages > 1u << 16)
        return;
    p2m = calloc(l->nr_pages, 8);
    main = calloc(l->table_pages, LAYOUT_PAGE_SIZE);
    apart = calloc(l->p2m_table_pages + 1, LAYOUT_PAGE_SIZE);
    if (p2m && main && apart)
        layout_write_tables(l, p2m, main, apart);
    free(p2m);
    free(main);
    free(apart);
}

/* A loader would read all of it: so does this, for the sanitizer to see. */
static void touch(const struct elf *e, const struct elf_guest *g, const struct layout *l)
{
    volatile uint8_t sink = 0;

    for (unsigned i = 0; i < e->n_segments; i++) {
        const struct elf_segment *s = &e->segments[i];
        uint64_t at = s->paddr - g->paddr_offset;

        for (uint64_t j = 0; j < s->filesz; j++)
            sink = sink ^ s->data[j];
        if ((at + s->memsz + LAYOUT_PAGE_SIZE - 1) / LAYOUT_PAGE_SIZE > l->nr_pages)
            abort(); /* it would be loaded outside the domain */
    }
    (void)sink;
    if (g->hypercall_page != ELF_GUEST_NONE &&
        (g->hypercall_page - g->virt_base) / LAYOUT_PAGE_SIZE >= l->nr_pages)
        abort();
    if (l->used_pages > l->nr_pages || l->stack_pfn >= l->nr_pages)
        abort();
}

bool fuzz_image_usable(const uint8_t *data, size_t size)
{
    struct elf_guest g;
    struct failure why;
    struct image image;
    struct layout l;
    struct elf e;
    bool usable;

    if (image_open(&image, data, size, LIMIT, &why) < 0)
        return false;
    usable = elf_open(&e, image.elf, image.elf_size, &why) == 0 &&
             elf_guest_read(&g, &e, &why) == 0 &&
             layout_compute(&l, &g, size % 2 ? 12288 : 6000, size % 3 * 10000, &why) == 0;
    if (usable) {
        touch(&e, &g, &l);
        write_tables(&l);
    }
    image_close(&image);
    return usable;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_image_usable(data, size);
    return 0;
}
