/* SPDX-License-Identifier: MIT */
/* Values between the store's bytes and a terminal's text. */
#include <string.h>

#include "xenstore/tools/tool.h"

void escape_value(FILE *out, const char *value, size_t len)
{
    static const char plain[] = "\n\r\t\\", letter[] = "nrt\\";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        const char *p = c != '\0' ? strchr(plain, c) : NULL;
        if (p != NULL)
            fprintf(out, "\\%c", letter[p - plain]);
        else if (c < ' ')
            fprintf(out, "\\%03o", c);
        else if (c > '~')
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
}

static int digit(char c, int base)
{
    int v = c >= '0' && c <= '9'   ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                   : base;
    return v < base ? v : -1;
}

/* Up to max digits at *at; leaves it behind them. */
static char number(const char **at, int base, int max)
{
    int v = 0;
    for (; max > 0 && digit(**at, base) >= 0; max--, ++*at)
        v = v * base + digit(**at, base);
    return (char)v;
}

size_t unescape_value(char *value)
{
    char *to = value;
    for (const char *at = value; *at != '\0';) {
        char c = *at++;
        if (c != '\\' || *at == '\0') {
            *to++ = c;
        } else if (digit(*at, 8) >= 0) {
            *to++ = number(&at, 8, 3);
        } else {
            c = *at++;
            *to++ = c == 'x'   ? number(&at, 16, 2)
                    : c == 'n' ? '\n'
                    : c == 'r' ? '\r'
                    : c == 't' ? '\t'
                               : c;
        }
    }
    return (size_t)(to - value);
}
