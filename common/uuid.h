/* SPDX-License-Identifier: MIT */
/*
 * UUIDs as 16 bytes and as text, 8-4-4-4-12 hexadecimal digits in lower case.
 */
#ifndef COMMON_UUID_H
#define COMMON_UUID_H

#include <stdint.h>

#define UUID_TEXT 37 /* bytes of the text, with its NUL */

void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT]);
/* Dashes may stand between any two bytes, or be left out; either case. 0 or -1. */
int uuid_parse(const char *text, uint8_t uuid[16]);
/* Version 4, from the kernel's random numbers. */
void uuid_random(uint8_t uuid[16]);

#endif
