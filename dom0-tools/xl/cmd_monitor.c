/* SPDX-License-Identifier: MIT */
/*
 * xl monitor: a new monitor for guests whose monitor was killed. What they are is read from the
 * configuration kept beside them.
 */
#include "dom0-tools/xl/xl.h"
#include "dom0-tools/lib/domain.h"
#include "dom0-tools/lib/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_over_all(struct xl *xl)
{
    struct hv_dominfo *list;
    const long n = domain_list(xl->t.hv, &list);
    int status = XL_OK;

    if (n < 0) {
        fprintf(stderr, "cannot list the domains: %s\n", strerror(errno));
        return XL_FAIL;
    }
    for (long i = 0; i < n; i++) {
        struct failure why;

        if (list[i].domid == 0 || list[i].dying || !monitor_marked(xl->t.store, list[i].domid) ||
            monitor_take_over(&list[i], &xl->conf.host, 0, &why) == 0 || why.error == EBUSY)
            continue;
        xl_complain(&why);
        status = XL_FAIL;
    }
    free(list);
    return status;
}

int cmd_monitor(struct xl *xl)
{
    struct hv_dominfo info;
    struct failure why;
    uint32_t domid;

    if (xl->count['a'] != 0)
        return take_over_all(xl);
    if (xl->n_args == 0) {
        fprintf(stderr, "You must specify -a or a domain id.\n\n");
        return XL_FAIL;
    }
    if (xl_domain(xl, 0, &domid) != 0)
        return XL_FAIL;
    if (domid == 0 || hv_getdomaininfo(xl->t.hv, (uint16_t)domid, &info) != 0)
        fail(&why, ESRCH, "Error: Domain '%s' does not exist.", xl->args[0]);
    else if (monitor_take_over(&info, &xl->conf.host, 0, &why) == 0)
        return XL_OK;
    xl_complain(&why);
    return XL_FAIL;
}
