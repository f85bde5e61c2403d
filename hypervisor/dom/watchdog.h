/* SPDX-License-Identifier: MIT
 *
 * SCHEDOP_watchdog: timers that shut a domain down (reason watchdog) unless the guest keeps setting
 * them.
 */
#pragma once

struct domain;

/* id 0: a new one, whose id is returned; else set again (timeout seconds) or stop (0). -ENOSPC,
 * -EINVAL. */
long watchdog_set(struct domain *d, uint32_t id, uint32_t timeout);
void watchdog_stop_all(struct domain *d); /* teardown */
