/* SPDX-License-Identifier: MIT */
/* Any bytes as a request's body. */
#ifndef TESTS_XAPID_FUZZ_XML_H
#define TESTS_XAPID_FUZZ_XML_H

#include <stddef.h>
#include <stdint.h>

/* Reads, dispatches and answers it; dies when the answer is not what it must be. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

#endif
