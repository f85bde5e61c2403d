/* SPDX-License-Identifier: MIT */
/*
 * xl list: the domains the hypervisor has, with the names the store has for them.
 */
#include "dom0-tools/xl/xl.h"
#include "dom0-tools/lib/domain.h"
#include "dom0-tools/xl/format.h"
#include "dom0-tools/xl/list_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int columns(const struct xl *xl)
{
    return (xl->count['v'] != 0 ? LIST_VERBOSE : 0u) | (xl->count['Z'] != 0 ? LIST_CONTEXT : 0u) |
           (xl->count['c'] != 0 ? LIST_CPUPOOL : 0u) | (xl->count['n'] != 0 ? LIST_NUMA : 0u);
}

static void print_row(struct xl *xl, const struct hv_dominfo *d)
{
    char *name = guest_name(xl->t.store, d->domid);
    char pool[64];

    if (d->cpupool == UINT32_MAX)
        snprintf(pool, sizeof(pool), "-");
    else
        snprintf(pool, sizeof(pool), "Pool-%u", d->cpupool);
    format_list_row(stdout, d, name, columns(xl), pool, "all");
    free(name);
}

static int print(struct xl *xl, const struct hv_dominfo *list, long n)
{
    if (xl->count['l'] != 0)
        return list_json(xl, list, n);
    format_list_header(stdout, columns(xl));
    for (long i = 0; i < n; i++)
        print_row(xl, &list[i]);
    return XL_OK;
}

int cmd_list(struct xl *xl)
{
    struct hv_dominfo *list, one;
    uint32_t domid;
    int status;
    long n;

    if (xl->n_args > 0) {
        if (xl_domain(xl, 0, &domid) != 0)
            return XL_FAIL;
        if (hv_getdomaininfo(xl->t.hv, (uint16_t)domid, &one) == 0)
            return print(xl, &one, 1);
        if (errno == ESRCH)
            fprintf(stderr, "Error: Domain '%s' does not exist.\n", xl->args[0]);
        else
            fprintf(stderr, "cannot ask for domain %u: %s\n", domid, strerror(errno));
        return XL_FAIL;
    }
    n = domain_list(xl->t.hv, &list);
    if (n < 0) {
        fprintf(stderr, "cannot list the domains: %s\n", strerror(errno));
        return XL_FAIL;
    }
    status = print(xl, list, n);
    free(list);
    return status;
}
