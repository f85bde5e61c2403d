/* SPDX-License-Identifier: MIT
 *
 * boot_info.e820: made and asked. Types are those of ACPI 15 (INT 15h, E820).
 */
#pragma once
#include "boot/boot.h"

enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4, E820_UNUSABLE = 5 };

/* Sorts, and resolves overlaps in favour of the less usable type. Returns the ranges written. */
unsigned memory_map_sanitise(const struct e820_range *in, unsigned n, struct e820_range *out,
                             unsigned max_out);
void memory_map_limit(uint64_t limit);
/* Calls fn for each page-aligned run of RAM that is neither below 1 MiB, nor the image, nor a
 * module. */
void memory_map_for_each_free(void (*fn)(uint64_t start, uint64_t end));
