/* SPDX-License-Identifier: MIT */
/*
 * xl console: this terminal on a domain's console.
 */
#include "dom0-tools/xl/xl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cmd_console(struct xl *xl)
{
    const char *type = xl->value['t'], *number = xl->value['n'], *escape = xl->value['e'];
    unsigned long n = 0;
    uint32_t domid;
    char *end = NULL;
    int tty;

    if (type != NULL && strcmp(type, "pv") != 0) {
        fprintf(stderr, "console type supported are: pv\n");
        return XL_FAIL;
    }
    if (number != NULL)
        n = strtoul(number, &end, 10);
    if (end != NULL && (*end != '\0' || n > 255)) {
        fprintf(stderr, "not a console number: %s\n", number);
        return XL_USAGE;
    }
    if (escape != NULL && (*escape == '\0' || strlen(escape) != 1)) {
        fprintf(stderr, "the escape is one character, which is typed with ctrl: %s\n", escape);
        return XL_USAGE;
    }
    if (xl_domain(xl, 0, &domid) != 0)
        return XL_FAIL;
    tty = xl_open_console(xl->t.store, domid, (unsigned int)n);
    if (tty < 0)
        return XL_FAIL;
    xl_use_console(tty, escape != NULL ? (char)(*escape & 0x1f) : XL_ESCAPE);
    return XL_OK;
}
