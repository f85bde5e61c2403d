/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own messages, copied to LOGDIR/hypervisor.log as they come (VIRQ_CON_RING).
 */
#ifndef CONSOLED_HV_LOG_H
#define CONSOLED_HV_LOG_H

#include <stdint.h>

struct hv;

struct hv_log {
    struct hv *hv;
    int fd;
    uint32_t index, port;
};

int hv_log_open(struct hv_log *l, struct hv *hv, int evtchn,
                const char *folder); /* -1 with errno */
void hv_log_serve(struct hv_log *l);

#endif
