/* SPDX-License-Identifier: MIT */
/*
 * xl block-list, network-list. What exists is told by the copy under /libxl that guests cannot
 * write; state, event channel and ring are the frontend's word, read as numbers or not at all.
 */
#include "dom0-tools/xl/xl.h"
#include "dom0-tools/lib/device.h"
#include "dom0-tools/xl/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int front_number(struct store *s, const char *front, const char *key)
{
    uint64_t n;

    if (store_read_u64(s, STORE_NO_TX, &n, "%s/%s", front, key) != 0 || n > INT32_MAX)
        return -1;
    return (int)n;
}

static void show_block(struct store *s, const struct device *d)
{
    char front[DEVICE_PATH], back[DEVICE_PATH];

    device_frontend_path(d, front);
    device_backend_path(d, back);
    const struct block_row row = {
        .id = d->id,
        .backend = d->backend_domid,
        .handle = 1,
        .state = device_state(s, front),
        .evtchn = front_number(s, front, "event-channel"),
        .ring_ref = front_number(s, front, "ring-ref"),
        .path = back,
    };
    format_block_row(stdout, &row);
}

static void show_network(struct store *s, const struct device *d)
{
    char front[DEVICE_PATH], back[DEVICE_PATH], trusted[DEVICE_PATH];
    char *mac;
    uint64_t handle = d->id;

    device_frontend_path(d, front);
    device_backend_path(d, back);
    device_trusted_path(d, trusted);
    mac = store_readf(s, STORE_NO_TX, "%s/mac", trusted);
    if (store_read_u64(s, STORE_NO_TX, &handle, "%s/handle", trusted) != 0)
        handle = d->id;
    const struct network_row row = {
        .id = d->id,
        .backend = d->backend_domid,
        .state = device_state(s, front),
        .handle = (unsigned int)handle,
        .mac = mac != NULL ? mac : "-",
        .evtchn = front_number(s, front, "event-channel"),
        .tx_ref = front_number(s, front, "tx-ring-ref"),
        .rx_ref = front_number(s, front, "rx-ring-ref"),
        .path = back,
    };
    format_network_row(stdout, &row);
    free(mac);
}

static int for_devices(struct xl *xl, const char *kind,
                       void (*show)(struct store *, const struct device *))
{
    int status = XL_OK;

    for (int i = 0; i < xl->n_args; i++) {
        struct device *list;
        uint32_t domid;
        long n;

        if (xl_domain(xl, i, &domid) != 0) {
            status = XL_FAIL;
            continue;
        }
        n = device_list(xl->t.store, domid, &list);
        if (n < 0) {
            fprintf(stderr, "cannot list the devices of domain %u: %s\n", domid, strerror(errno));
            return XL_FAIL;
        }
        for (long j = 0; j < n; j++)
            if (strcmp(list[j].kind, kind) == 0)
                show(xl->t.store, &list[j]);
        free(list);
    }
    return status;
}

int cmd_block_list(struct xl *xl)
{
    format_block_header(stdout);
    return for_devices(xl, "vbd", show_block);
}

int cmd_network_list(struct xl *xl)
{
    format_network_header(stdout);
    return for_devices(xl, "vif", show_network);
}
