/* SPDX-License-Identifier: MIT */
/*
 * The monitor of a guest: the process that stays behind `xl create` and does what on_poweroff,
 * on_reboot, on_watchdog and on_crash say when the guest stops. It waits for the store's
 * @releaseDomain and looks at the hypervisor, which holds the truth, every few seconds anyway; when
 * the store goes away it connects again. A restarted guest keeps its name and UUID and gets a new
 * id, which the monitor then follows. It logs to stdout.
 * A guest has one monitor at most: it holds a lock on /run/xen/monitor-UUID, which goes with it
 * however it ends, and leaves a mark in /libxl/D, so that `xl monitor` finds guests whose monitor
 * was killed and takes them over from the configuration kept beside them.
 */
#ifndef BONSAI_MONITOR_H
#define BONSAI_MONITOR_H

#include "dom0-tools/lib/guest.h"

/* Follows the guest until there is nothing left to do. An exit status. */
int monitor_run(struct guest_config *g, const struct guest_host *host, uint32_t domid);

/* Becomes the one monitor of the guest with that UUID, waiting up to wait_ms for another to end. A
 * descriptor to hold, for monitor_release(), or -1 with errno, EBUSY when there is another. */
int monitor_claim(const uint8_t uuid[16], int wait_ms);
void monitor_release(const uint8_t uuid[16], int fd);
/* Whether somebody is the monitor of the guest with that UUID. */
bool monitor_alive(const uint8_t uuid[16]);
#define MONITOR_CLAIM_MS 10000 /* enough for the monitor of a guest just destroyed to notice */

/* Leaves a daemon behind that runs monitor_run(), with /var/log/xen/xl-NAME.log (older ones are
 * NAME.log.1 and on) for its output. The caller goes on at once; its own handles are not used by
 * the daemon. wait_ms as in monitor_claim(). 0, or -1 with a sentence (error EBUSY: there is
 * another). */
int monitor_start(struct guest_config *g, const struct guest_host *host, uint32_t domid,
                  int wait_ms, struct failure *why);

/* The same for a guest that runs already, with the configuration kept beside it. */
int monitor_take_over(const struct hv_dominfo *d, const struct guest_host *host, int wait_ms,
                      struct failure *why);

/* Whether a monitor once followed that domain and the mark is still there. */
bool monitor_marked(struct store *s, uint32_t domid);

#endif
