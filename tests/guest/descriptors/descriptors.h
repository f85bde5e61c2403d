/* SPDX-License-Identifier: MIT */
/* The parts of this test, and descriptors and selectors as they use them. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include "tests/guest/lib/check.h"
#include "tests/guest/lib/frames.h"

#define DESC_PRESENT (1ul << 47)
#define DESC_DPL(n)  ((uint64_t)(n) << 45)
#define DESC_TYPE(t) ((uint64_t)(t) << 40) /* with S as bit 4 */
#define DESC_FLAT    (0xfffful | 0xful << 48 | 1ul << 55)
#define DESC_DATA    (DESC_FLAT | DESC_PRESENT | DESC_DPL(3) | DESC_TYPE(0x13) | 1ul << 54)
#define DESC_CODE    (DESC_FLAT | DESC_PRESENT | DESC_DPL(3) | DESC_TYPE(0x1b) | 1ul << 53)
/* A 64-bit call gate's lower half, to address 0 in this segment. */
#define DESC_GATE(selector, dpl) \
    (DESC_PRESENT | DESC_DPL(dpl) | DESC_TYPE(0xc) | (uint64_t)(selector) << 16)

/* Selectors of the hypervisor's page of the GDT. */
#define SEL_HV_CODE   0xe008
#define SEL_FLAT_CODE 0xe033

struct pages {
    uint64_t *plain; /* writable, zeroed before each use */
    uint64_t *table; /* read-only: what becomes a GDT or an LDT */
};
extern struct pages pages;

long set_gdt_frames(const uint64_t *frames, unsigned entries);
/* One frame and its number of entries. */
long set_gdt(unsigned long mfn, unsigned entries);
/* Fills pages.table, which must not be in use, with zeros and one descriptor. */
void table_with(unsigned at, uint64_t descriptor);
/* Loads DS, and 0 again; one line: loaded, or the exception it took. */
void load_ds(const char *what, unsigned selector);

void gdt_part(void);
void ldt_part(void);
void update_part(void);
void selectors_part(void);

#endif
