/* SPDX-License-Identifier: MIT */
/*
 * image: from a kernel file's bytes to the ELF file within.
 *
 * A kernel file is an ELF file, a bzImage with a packed ELF file as its payload, or either of them
 * packed once more. Pure over a buffer that is not trusted.
 */
#ifndef BONSAI_IMAGE_H
#define BONSAI_IMAGE_H

#include "dom0-tools/lib/failure.h"

#include <stddef.h>
#include <stdint.h>

struct image {
    const uint8_t *elf; /* inside the caller's buffer or inside `owned` */
    size_t elf_size;
    uint8_t *owned; /* malloc'ed, NULL when nothing had to be unpacked */
};

/* Nothing is unpacked to more than `limit` bytes. The file's buffer must outlive the image. */
int image_open(struct image *image, const uint8_t *file, size_t size, size_t limit,
               struct failure *why);
void image_close(struct image *image);

#endif
