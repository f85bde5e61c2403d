/* SPDX-License-Identifier: MIT */
/*
 * xl domid, domname, rename, sysrq: names and ids, and the small words to a guest.
 */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cmd_domid(struct xl *xl)
{
    uint32_t domid;

    if (guest_find_name(xl->t.store, xl->args[0], &domid) != 0) {
        fprintf(stderr, "Can't get domid of domain name '%s', maybe this domain does not exist.\n",
                xl->args[0]);
        return XL_FAIL;
    }
    printf("%u\n", domid);
    return XL_OK;
}

int cmd_domname(struct xl *xl)
{
    char *end, *name;
    unsigned long domid = strtoul(xl->args[0], &end, 10);

    if (xl->args[0][0] < '0' || xl->args[0][0] > '9' || *end != '\0' ||
        domid >= HV_DOMID_FIRST_RESERVED) {
        fprintf(stderr, "Invalid domain id.\n\n");
        return XL_FAIL;
    }
    name = guest_name(xl->t.store, (uint32_t)domid);
    if (name == NULL) {
        fprintf(stderr,
                "Can't get domain name of domain id '%s', maybe this domain does not exist.\n",
                xl->args[0]);
        return XL_FAIL;
    }
    printf("%s\n", name);
    free(name);
    return XL_OK;
}

int cmd_rename(struct xl *xl)
{
    struct failure why;
    uint32_t domid;

    if (xl_domain(xl, 0, &domid) != 0)
        return XL_FAIL;
    if (guest_rename(xl->t.store, domid, xl->args[1], &why) == 0)
        return XL_OK;
    xl_complain(&why);
    fprintf(stderr, "Can't rename domain '%s'.\n", xl->args[0]);
    return XL_FAIL;
}

int cmd_sysrq(struct xl *xl)
{
    uint32_t domid;
    char *name;

    if (xl_domain(xl, 0, &domid) != 0)
        return XL_FAIL;
    if (strlen(xl->args[1]) != 1) {
        fprintf(stderr, "Invalid sysrq.\n\n");
        xl_help(xl->verb);
        return XL_FAIL;
    }
    name = guest_name(xl->t.store, domid);
    if (name == NULL) {
        fprintf(stderr, "there is no domain %u\n", domid);
        return XL_FAIL;
    }
    free(name);
    if (store_writef(xl->t.store, STORE_NO_TX, xl->args[1], "/local/domain/%u/control/sysrq",
                     domid) == 0)
        return XL_OK;
    fprintf(stderr, "cannot send a sysrq to domain %u: %s\n", domid, strerror(errno));
    return XL_FAIL;
}
