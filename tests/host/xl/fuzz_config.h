/* SPDX-License-Identifier: MIT */
/*
 * One configuration, well or ill, through everything that text goes through before a guest exists.
 */
#ifndef BONSAI_TESTS_XL_FUZZ_CONFIG_H
#define BONSAI_TESTS_XL_FUZZ_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether it describes a guest; aborts when what came out breaks a promise of guest_config.h. */
bool fuzz_config_usable(const uint8_t *data, size_t size);

#endif
