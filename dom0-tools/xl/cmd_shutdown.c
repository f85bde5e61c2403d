/* SPDX-License-Identifier: MIT */
/*
 * xl shutdown, xl reboot: ask guests by control/shutdown, and wait for them where -w says so.
 */
#include "dom0-tools/xl/xl.h"
#include "dom0-tools/lib/domain.h"
#include "dom0-tools/lib/guest_power.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 1000

static int ask(struct xl *xl, uint32_t domid, const char *request, const char *doing)
{
    struct failure why;

    fprintf(stderr, "%s domain %u\n", doing, domid);
    if (guest_request(xl->t.store, domid, request, &why) == 0)
        return 0;
    xl_complain(&why);
    return -1;
}

/* Whether the wait for this domain is over; says how it ended. */
static bool ended(struct xl *xl, uint32_t domid, bool wait_gone)
{
    struct hv_dominfo info;
    const enum guest_life life = guest_life(xl->t.hv, domid, &info);

    if (life == GUEST_GONE) {
        fprintf(stderr, "Domain %u has been destroyed\n", domid);
        return true;
    }
    if (life == GUEST_ALIVE || wait_gone)
        return false;
    fprintf(stderr, "Domain %u has been shut down, reason code %u\n", domid, info.shutdown_reason);
    return true;
}

static int wait_all(struct xl *xl, uint32_t *ids, size_t n, bool wait_gone)
{
    fprintf(stderr, "Waiting for %zu domains\n", n);
    if (store_watch(xl->t.store, "@releaseDomain", "shutdown") != 0) {
        fprintf(stderr, "cannot watch domains: %s\n", strerror(errno));
        return XL_FAIL;
    }
    while (n > 0) {
        struct store_event *event = NULL;
        size_t left = 0;

        for (size_t i = 0; i < n; i++)
            if (!ended(xl, ids[i], wait_gone))
                ids[left++] = ids[i];
        n = left;
        if (n == 0)
            break;
        if (store_wait_event(xl->t.store, LOOK_MS, &event) < 0) {
            fprintf(stderr, "lost the store: %s\n", strerror(errno));
            return XL_FAIL;
        }
        free(event);
    }
    return XL_OK;
}

/* All domains but dom0, or the one named. malloc'ed; NULL after saying why. */
static uint32_t *choose(struct xl *xl, size_t *n)
{
    struct hv_dominfo *list = NULL;
    long count = xl->count['a'] != 0 ? domain_list(xl->t.hv, &list) : 1;
    uint32_t *ids = count < 0 ? NULL : calloc((size_t)count + 1, sizeof(uint32_t));

    *n = 0;
    if (ids == NULL) {
        fprintf(stderr, "cannot list the domains: %s\n", strerror(errno));
    } else if (xl->count['a'] == 0) {
        *n = 1;
        if (xl_domain(xl, 0, &ids[0]) != 0) {
            free(ids);
            ids = NULL;
        }
    } else {
        for (long i = 0; i < count; i++)
            if (list[i].domid != 0 && !list[i].dying)
                ids[(*n)++] = list[i].domid;
    }
    free(list);
    return ids;
}

static int request_all(struct xl *xl, const char *request, const char *doing)
{
    uint32_t *ids;
    size_t n, asked = 0;
    int status = XL_OK;

    if (xl->count['a'] == 0 && xl->n_args == 0) {
        fprintf(stderr, "You must specify -a or a domain id.\n\n");
        return XL_FAIL;
    }
    ids = choose(xl, &n);
    if (ids == NULL)
        return XL_FAIL;
    for (size_t i = 0; i < n; i++) {
        if (ask(xl, ids[i], request, doing) == 0)
            ids[asked++] = ids[i];
        else
            status = XL_FAIL;
    }
    if (xl->count['w'] != 0 && wait_all(xl, ids, asked, xl->count['w'] > 1) != XL_OK)
        status = XL_FAIL;
    free(ids);
    return status;
}

int cmd_shutdown(struct xl *xl)
{
    return request_all(xl, "poweroff", "Shutting down");
}

int cmd_reboot(struct xl *xl)
{
    return request_all(xl, "reboot", "Rebooting");
}
