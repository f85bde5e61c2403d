/* SPDX-License-Identifier: MIT */
/* The hypervisor's log: see hv_log.h. */
#include "backends/consoled/hv_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xen/xen.h>

#include "backends/lib/evtchn.h"
#include "dom0-tools/lib/hv.h"

int hv_log_open(struct hv_log *l, struct hv *hv, int evtchn, const char *folder)
{
    char path[512];
    int port;

    if ((size_t)snprintf(path, sizeof(path), "%s/hypervisor.log", folder) >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    port = evtchn_bind_virq(evtchn, VIRQ_CON_RING);
    if (port < 0)
        return -1;
    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (l->fd < 0)
        return -1;
    l->hv = hv;
    l->index = 0;
    l->port = (uint32_t)port;
    hv_log_serve(l);
    return 0;
}

void hv_log_serve(struct hv_log *l)
{
    char text[16384];
    long n;

    while ((n = hv_readconsole(l->hv, false, &l->index, text, sizeof(text))) > 0)
        if (write(l->fd, text, (size_t)n) != n) {
            fprintf(stderr, "bonsai-consoled: hypervisor.log: %s\n", strerror(errno));
            return;
        }
    if (n < 0)
        fprintf(stderr, "bonsai-consoled: reading the hypervisor's messages: %s\n",
                strerror(errno));
}
