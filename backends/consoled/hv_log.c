/* SPDX-License-Identifier: MIT */
/* The hypervisor's log: see hv_log.h. */
#include "backends/consoled/hv_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <xen/xen.h>

#include "backends/lib/evtchn.h"
#include "dom0-tools/lib/hv.h"

int hv_log_open(struct hv_log *l, struct hv *hv, int evtchn, const char *folder, uint64_t now)
{
    int port = evtchn_bind_virq(evtchn, VIRQ_CON_RING);

    if (port < 0 || log_file_open(&l->file, folder, "hypervisor", now))
        return -1;
    l->hv = hv;
    l->index = 0;
    l->port = (uint32_t)port;
    hv_log_serve(l, now);
    return 0;
}

void hv_log_serve(struct hv_log *l, uint64_t now)
{
    char text[16384];
    long n;

    while ((n = hv_readconsole(l->hv, false, &l->index, text, sizeof(text))) > 0)
        log_file_write(&l->file, text, (size_t)n, now);
    if (n < 0)
        fprintf(stderr, "bonsai-consoled: reading the hypervisor's messages: %s\n",
                strerror(errno));
}
