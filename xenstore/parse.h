/* SPDX-License-Identifier: MIT */
/* Numbers as text from outside. */
#ifndef XENSTORE_PARSE_H
#define XENSTORE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* A whole number in decimal, nothing before or behind it, at most max. */
bool parse_number(const char *text, uint64_t max, uint64_t *value);

#endif
