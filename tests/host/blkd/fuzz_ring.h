/* SPDX-License-Identifier: MIT */
/* fuzz_ring: see fuzz_ring.c. */
#ifndef TESTS_FUZZ_RING_H
#define TESTS_FUZZ_RING_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
