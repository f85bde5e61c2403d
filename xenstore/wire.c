/* SPDX-License-Identifier: MIT */
/*
 * The errors that travel as names. Clients map back only what is in the protocol's table, so the
 * daemon may answer nothing else.
 */
#include <errno.h> /* before the table that wants its names */
#include <stddef.h>
#include <string.h>

#include "xenstore/wire.h"

#define ERRORS (sizeof(xsd_errors) / sizeof(xsd_errors[0]))

const char *wire_error_name(int err)
{
    for (size_t i = 0; i < ERRORS; i++)
        if (xsd_errors[i].errnum == err)
            return xsd_errors[i].errstring;
    return "EINVAL";
}

int wire_error_number(const char *name)
{
    for (size_t i = 0; i < ERRORS; i++)
        if (strcmp(xsd_errors[i].errstring, name) == 0)
            return xsd_errors[i].errnum;
    return EINVAL;
}
