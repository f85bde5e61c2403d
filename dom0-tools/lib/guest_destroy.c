/* SPDX-License-Identifier: MIT */
/*
 * Ending a guest: stop it, close its devices, destroy the domain, remove its nodes and files. Every
 * step is tried whatever became of the one before, so that the most is given back; the first
 * trouble is what is told. See guest.h.
 */
#include "dom0-tools/lib/guest.h"
#include "dom0-tools/lib/device.h"
#include "dom0-tools/lib/disk.h"
#include "dom0-tools/lib/domain.h"
#include "dom0-tools/lib/guest_console.h"
#include "dom0-tools/lib/guest_nodes.h"
#include "dom0-tools/lib/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLOSE_MS 10000
#define GONE_MS  10000
#define LOOP_MS  5000
#define DRAIN_MS 2000

/* The loop device behind a disk, by the copy of its nodes that the guest cannot write; else -1. */
static int loop_of(struct store *s, const struct device *d)
{
    char path[DEVICE_PATH];
    unsigned int major, minor;
    char *text;
    int number = -1;

    device_trusted_path(d, path);
    text = store_readf(s, STORE_NO_TX, "%s/physical-device", path);
    if (text != NULL && sscanf(text, "%x:%x", &major, &minor) == 2 && major == 7)
        number = (int)minor;
    free(text);
    /* one that was given as such is not ours */
    text = store_readf(s, STORE_NO_TX, "%s/" DISK_FILE_NODE, path);
    if (text == NULL)
        number = -1;
    free(text);
    return number;
}

int guest_end_devices(struct toolstack *t, uint32_t domid, struct failure *why)
{
    struct store *s = t->store;
    struct failure trouble;
    struct device *list;
    long n = device_list(s, domid, &list);
    int rc = 0;

    if (n < 0)
        return fail(why, errno, "cannot list the devices of domain %u: %s", domid, strerror(errno));
    for (long i = 0; i < n; i++) {
        int loop = strcmp(list[i].kind, "vbd") == 0 ? loop_of(s, &list[i]) : -1;

        if (device_remove(s, &list[i], true, CLOSE_MS, &trouble) != 0 ||
            (loop >= 0 && loop_wait_free(loop, LOOP_MS, &trouble) != 0)) {
            if (rc == 0)
                *why = trouble;
            rc = -1;
        }
    }
    free(list);
    return rc;
}

/* A domain goes when the last page that others hold is back. */
static int wait_gone(struct hv *hv, uint32_t domid, struct failure *why)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    struct hv_dominfo info;

    for (int waited = 0; waited < GONE_MS; waited += 10) {
        if (hv_getdomaininfo(hv, (uint16_t)domid, &info) != 0)
            return 0;
        nanosleep(&pause, NULL);
    }
    return fail(why, EBUSY, "domain %u is destroyed, but others still hold some of its memory",
                domid);
}

int guest_destroy(struct toolstack *t, uint32_t domid, struct failure *why)
{
    struct failure trouble;
    struct hv_dominfo info;
    const bool there = hv_getdomaininfo(t->hv, (uint16_t)domid, &info) == 0;
    char *name;
    int rc = 0;

    /* without a store the domain still ends; what follows tells what could not */
    toolstack_revive(t);
    name = guest_name(t->store, domid);
    if (!there && name == NULL)
        return fail(why, ESRCH, "there is no domain %u", domid);
    free(name);
    if (there) {
        hv_pausedomain(t->hv, (uint16_t)domid); /* if that fails, destroying will tell */
        guest_console_drain(t, domid, DRAIN_MS);
    }
    if (guest_end_devices(t, domid, why) != 0)
        rc = -1;
    if (there && domain_destroy(t->hv, (uint16_t)domid, &trouble) != 0) {
        if (rc == 0)
            *why = trouble;
        return -1;
    }
    if (guest_nodes_remove(t->store, domid) != 0 && rc == 0)
        rc = fail(why, errno, "cannot remove the store nodes of domain %u: %s", domid,
                  strerror(errno));
    if (there && wait_gone(t->hv, domid, &trouble) != 0 && rc == 0) {
        *why = trouble;
        rc = -1;
    }
    if (there)
        guest_drop_config(domid, info.handle);
    return rc;
}
