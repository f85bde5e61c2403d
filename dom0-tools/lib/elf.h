/* SPDX-License-Identifier: MIT */
/*
 * elf: a 64-bit x86 ELF file in a buffer that is not trusted.
 *
 * elf_open() checks every offset and size once; what struct elf holds afterwards lies inside the
 * buffer, which must outlive it. Segments are the PT_LOAD ones with memory, in file order, and do
 * not overlap in physical addresses (p_paddr: a Xen guest is loaded by those, p_vaddr may be 0).
 */
#ifndef BONSAI_ELF_H
#define BONSAI_ELF_H

#include "dom0-tools/lib/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 64
#define ELF_MAX_NOTES    64

struct elf_segment {
    uint64_t paddr, memsz; /* memsz >= filesz; the rest is zeroes */
    const uint8_t *data;
    uint64_t filesz;
};

struct elf_area {
    const uint8_t *data;
    uint64_t size;
};

struct elf {
    uint64_t entry;
    unsigned n_segments;
    struct elf_segment segments[ELF_MAX_SEGMENTS];
    uint64_t paddr_start, paddr_end; /* lowest and one past the highest */
    unsigned n_notes;                /* PT_NOTE areas first, then SHT_NOTE ones */
    struct elf_area notes[ELF_MAX_NOTES];
    struct elf_area guest_section; /* "__xen_guest", size 0 when there is none */
};

int elf_open(struct elf *e, const uint8_t *bytes, size_t size, struct failure *why);

#endif
