/* SPDX-License-Identifier: MIT */
/*
 * xl pause, xl unpause.
 */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int change(struct xl *xl, int (*call)(struct hv *, uint16_t), const char *what)
{
    uint32_t domid;

    if (xl_domain(xl, 0, &domid) != 0)
        return XL_FAIL;
    if (call(xl->t.hv, (uint16_t)domid) == 0)
        return XL_OK;
    fprintf(stderr, "cannot %s domain %u: %s\n", what, domid, strerror(errno));
    return XL_FAIL;
}

int cmd_pause(struct xl *xl)
{
    return change(xl, hv_pausedomain, "pause");
}

int cmd_unpause(struct xl *xl)
{
    return change(xl, hv_unpausedomain, "unpause");
}
