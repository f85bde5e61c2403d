/* SPDX-License-Identifier: MIT */
/* Numbers as text. */
#include "xenstore/parse.h"

bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
    uint64_t v = 0;
    if (text[0] == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(*text - '0');
    }
    *value = v;
    return v <= max;
}
