/* SPDX-License-Identifier: MIT
 *
 * Domain watchdogs: two per domain, as the ABI has them. Under the domain's lock.
 */
#include <xen/sched.h>
#include "x86/time.h"
#include "mm/page_alloc.h"
#include "dom/domain.h"
#include "dom/timer.h"
#include "dom/watchdog.h"

#define NR_WATCHDOGS 2u

static void expired(void *data)
{
    struct domain *d = data;

    log_warn("d%d: watchdog timed out", d->id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

static bool create(struct domain *d)
{
    struct timer *t = hv_alloc(NR_WATCHDOGS * sizeof(*t));

    if (!t)
        return false;
    for (unsigned i = 0; i < NR_WATCHDOGS; i++)
        timer_init(&t[i], expired, d);
    d->watchdogs = t;
    return true;
}

static long set_new(struct domain *d, uint32_t timeout)
{
    for (unsigned i = 0; i < NR_WATCHDOGS; i++)
        if (!d->watchdogs[i].cpu) {
            timer_set(&d->watchdogs[i], now() + SECONDS(timeout));
            return i + 1;
        }
    return -ENOSPC;
}

long watchdog_set(struct domain *d, uint32_t id, uint32_t timeout)
{
    struct spinlock *held UNLOCK_AT_END = spin_hold(&d->lock);

    if (id > NR_WATCHDOGS || (id == 0 && timeout == 0))
        return -EINVAL;
    if (!d->watchdogs && !create(d))
        return -ENOMEM;
    if (id == 0)
        return set_new(d, timeout);
    if (!d->watchdogs[id - 1].cpu)
        return -EINVAL;
    if (timeout)
        timer_set(&d->watchdogs[id - 1], now() + SECONDS(timeout));
    else
        timer_stop(&d->watchdogs[id - 1]);
    return 0;
}

void watchdog_stop_all(struct domain *d)
{
    for (unsigned i = 0; d->watchdogs && i < NR_WATCHDOGS; i++)
        timer_end(&d->watchdogs[i]);
    hv_free(d->watchdogs);
    d->watchdogs = NULL;
}
