/* SPDX-License-Identifier: MIT */
/* UUIDs: see uuid.h. */
#include "common/uuid.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = digits[uuid[i] >> 4];
        *text++ = digits[uuid[i] & 15];
    }
    *text = '\0';
}

int uuid_parse(const char *text, uint8_t uuid[16])
{
    unsigned int byte;

    for (int i = 0; i < 16; i++, text += 2) {
        if (*text == '-')
            text++;
        if (strspn(text, "0123456789abcdefABCDEF") < 2 || sscanf(text, "%2x", &byte) != 1)
            return -1;
        uuid[i] = (uint8_t)byte;
    }
    return *text == '\0' ? 0 : -1;
}

void uuid_random(uint8_t uuid[16])
{
    size_t got = 0;

    while (got < 16) {
        ssize_t n = getrandom(uuid + got, 16 - got, 0);

        if (n > 0)
            got += (size_t)n;
    }
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40); /* RFC 4122: version 4, variant 1 */
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}
