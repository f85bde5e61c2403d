/* SPDX-License-Identifier: MIT */
/* failure: see failure.h. */
#include "dom0-tools/lib/failure.h"

#include <stdarg.h>
#include <stdio.h>

int fail(struct failure *f, int error, const char *format, ...)
{
    va_list args;

    f->error = error;
    va_start(args, format);
    vsnprintf(f->text, sizeof(f->text), format, args);
    va_end(args);
    return -1;
}
