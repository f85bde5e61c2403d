/* SPDX-License-Identifier: MIT */
/*
 * xl dmesg, xl debug-keys: the hypervisor's console.
 */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 16384

int cmd_dmesg(struct xl *xl)
{
    char *piece = malloc(PIECE);
    uint32_t index = 0;
    long n = -1;

    if (piece == NULL) {
        fprintf(stderr, "out of memory\n");
        return XL_FAIL;
    }
    while ((n = hv_readconsole(xl->t.hv, false, &index, piece, PIECE)) > 0)
        fwrite(piece, 1, (size_t)n, stdout);
    if (n == 0 && xl->count['c'] != 0 && hv_readconsole(xl->t.hv, true, NULL, piece, PIECE) < 0)
        n = -1;
    if (n < 0)
        fprintf(stderr, "cannot read the hypervisor's messages: %s\n", strerror(errno));
    free(piece);
    return n < 0 ? XL_FAIL : XL_OK;
}

int cmd_debug_keys(struct xl *xl)
{
    if (hv_debug_keys(xl->t.hv, xl->args[0]) == 0)
        return XL_OK;
    fprintf(stderr, "cannot send debug keys: %s\n", strerror(errno));
    return XL_FAIL;
}
