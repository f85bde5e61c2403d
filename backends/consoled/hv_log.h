/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own messages, copied to LOGDIR/hypervisor.log as they come (VIRQ_CON_RING).
 * A daemon that is started anew begins with all that the hypervisor still has.
 */
#ifndef CONSOLED_HV_LOG_H
#define CONSOLED_HV_LOG_H

#include <stdint.h>

#include "backends/consoled/log_file.h"

struct hv;

struct hv_log {
    struct hv *hv;
    struct log_file file;
    uint32_t index, port; /* port 0: not logged */
};

int hv_log_open(struct hv_log *l, struct hv *hv, int evtchn, const char *folder,
                uint64_t now); /* -1 with errno */
void hv_log_serve(struct hv_log *l, uint64_t now);

#endif
