/* SPDX-License-Identifier: MIT */
/*
 * make_image: small kernel images for tests, made to order.
 *
 * An image is described by struct spec; make_elf() writes the ELF file, make_packed() packs bytes,
 * make_bzimage() wraps them. All results are malloc'ed; failures of the makers themselves abort.
 */
#ifndef TESTS_MAKE_IMAGE_H
#define TESTS_MAKE_IMAGE_H

#include "dom0-tools/lib/unpack.h"

#include <stdbool.h>

struct blob {
    uint8_t *data;
    size_t size;
};

struct spec_note {
    uint32_t type;
    const void *desc; /* NULL: the number below */
    uint32_t size;    /* of desc, or of the number: 1, 2, 4, 8 */
    uint64_t number;
};

struct spec_segment {
    uint64_t paddr;
    uint64_t filesz, memsz;
    uint8_t fill; /* every byte of the file part */
};

struct spec {
    uint64_t entry; /* e_entry */
    const struct spec_segment *segments;
    unsigned n_segments;
    const struct spec_note *notes;
    unsigned n_notes;
    bool notes_in_section;     /* SHT_NOTE instead of PT_NOTE */
    const char *guest_section; /* contents of "__xen_guest" or NULL */
};

struct blob make_elf(const struct spec *s);
struct blob make_packed(enum packing packing, const void *data, size_t size);
/* payload is packed already; unpacked is what the trailer says (gzip: not written). */
struct blob make_bzimage(const struct blob *payload, enum packing packing, size_t unpacked);

/* A kernel like Linux: four segments, all notes, 16 MiB of room below it, about 150 KiB. */
extern const struct spec linux_like;
/* One like Mini-OS: base 0, a hypercall page, no INIT_P2M, no MOD_START_PFN. */
extern const struct spec plain_like;

#endif
