/* SPDX-License-Identifier: MIT */
/* failure: see failure.h. */
#include "dom0-tools/lib/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Some of it may be a guest's words, and the reader a terminal that obeys. */
static void disarm(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = '?';
}

int fail(struct failure *f, int error, const char *format, ...)
{
    va_list args;

    f->error = error;
    va_start(args, format);
    vsnprintf(f->text, sizeof(f->text), format, args);
    va_end(args);
    disarm(f->text);
    return -1;
}

void fail_prefix(struct failure *f, const char *format, ...)
{
    char tail[sizeof(f->text)];
    va_list args;
    int n;

    memcpy(tail, f->text, sizeof(tail));
    va_start(args, format);
    n = vsnprintf(f->text, sizeof(f->text), format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof(f->text))
        snprintf(f->text + n, sizeof(f->text) - (size_t)n, "%s", tail);
}
