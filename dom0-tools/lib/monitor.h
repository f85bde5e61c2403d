/* SPDX-License-Identifier: MIT */
/*
 * The monitor of a guest: the process that stays behind `xl create` and does what on_poweroff,
 * on_reboot, on_watchdog and on_crash say when the guest stops. It waits for the store's
 * @releaseDomain and looks at the hypervisor, which holds the truth, every few seconds anyway; when
 * the store goes away it connects again. A restarted guest keeps its name and UUID and gets a new
 * id, which the monitor then follows. It logs to stdout.
 */
#ifndef BONSAI_MONITOR_H
#define BONSAI_MONITOR_H

#include "dom0-tools/lib/guest.h"

/* Follows the guest until there is nothing left to do. An exit status. */
int monitor_run(struct guest_config *g, const struct guest_host *host, uint32_t domid);

/* Leaves a daemon behind that runs monitor_run(), with /var/log/xen/xl-NAME.log (older ones are
 * NAME.log.1 and on) for its output. The caller goes on at once; its own handles are not used by
 * the daemon. 0, or -1 with a sentence. */
int monitor_start(struct guest_config *g, const struct guest_host *host, uint32_t domid,
                  struct failure *why);

#endif
