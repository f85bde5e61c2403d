/* SPDX-License-Identifier: MIT
 *
 * Reading 64-bit ELF kernel images, all of it checked against the image's size, and the Xen notes
 * in them (ABI: elfnote.h). Images need not be aligned beyond 4 bytes.
 */
#pragma once

/* A program header as the file has it. */
struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
#define ELF_PT_LOAD 1u
#define ELF_PT_NOTE 4u

struct elf_image {
    const uint8_t *data;
    size_t size;
    uint64_t phoff;
    unsigned nr_segments, phentsize;
};

/* false with a sentence in *why when it is no x86-64 executable or does not fit its size. */
bool elf_open(struct elf_image *e, const void *data, size_t size, const char **why);
/* Program header n < nr_segments, known to lie in the file: offset + filesz <= size, filesz <=
 * memsz for PT_LOAD. */
struct elf_segment elf_segment(const struct elf_image *e, unsigned n);
/* The descriptor of the note "Xen" of this type from a PT_NOTE segment; NULL when absent. */
const void *elf_xen_note(const struct elf_image *e, uint32_t type, uint32_t *size);
/* Its value when it is a number of 1, 2, 4 or 8 bytes. */
bool elf_xen_note_number(const struct elf_image *e, uint32_t type, uint64_t *value);
/* Its text, when it is one that ends in NUL; NULL otherwise. */
const char *elf_xen_note_string(const struct elf_image *e, uint32_t type);
