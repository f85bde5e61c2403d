/* SPDX-License-Identifier: MIT */
/* fuzz_image: see fuzz_image.c. */
#ifndef TESTS_FUZZ_IMAGE_H
#define TESTS_FUZZ_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Could a domain be built from this? Aborts when a check let something through. */
bool fuzz_image_usable(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
