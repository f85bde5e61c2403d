/* SPDX-License-Identifier: MIT */
/*
 * Words of the domain's command line (xl.cfg's extra or root), as the examples take their options:
 * NAME alone or NAME=VALUE, separated by blanks; the last one counts.
 */
#ifndef EXAMPLES_WORDS_H
#define EXAMPLES_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether NAME or NAME=... is there. */
bool word_given(const char *name);
/* Copies the value of NAME=..., or "" for NAME alone; false when neither is there or the value is
 * longer than size - 1 bytes (which is said). */
bool word_value(const char *name, char *value, size_t size);
/* The number of NAME=N, or `otherwise` when it is not there or no number up to `most` (which is
 * said). */
uint64_t word_number(const char *name, uint64_t otherwise, uint64_t most);

#endif
