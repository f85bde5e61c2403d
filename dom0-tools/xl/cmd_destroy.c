/* SPDX-License-Identifier: MIT */
/*
 * xl destroy: end a domain at once.
 */
#include "dom0-tools/xl/xl.h"

#include <stdio.h>

int cmd_destroy(struct xl *xl)
{
    struct failure why;
    uint32_t domid;

    if (xl_domain(xl, 0, &domid) != 0)
        return XL_FAIL;
    if (domid == 0 && xl->count['f'] == 0) {
        fprintf(stderr, "Not destroying domain 0; use -f to force.\n"
                        "This can only be done when using a disaggregated hardware domain and "
                        "toolstack.\n\n");
        return XL_FAIL;
    }
    if (guest_destroy(&xl->t, domid, &why) == 0)
        return XL_OK;
    xl_complain(&why);
    return XL_FAIL;
}
