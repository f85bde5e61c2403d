/* SPDX-License-Identifier: MIT
 *
 * HYPERVISOR_sched_op: how a guest gives up the CPU, waits, and ends (ABI: sched.h).
 */
#include <xen/sched.h>
#include "lib/lib.h"
#include "hypercall.h"
#include "x86/asm.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "comms/evtchn.h"
#include "mm/guest_copy.h"
#include "dom/domain.h"
#include "dom/sched.h"
#include "dom/timer.h"
#include "dom/vcpu.h"
#include "dom/watchdog.h"

#define POLL_MAX_PORTS 128u

long schedop_yield(struct hcall *c, void *arg)
{
    (void)c;
    (void)arg;
    sched_yield_current();
    return 0;
}

/* Sleep unless an upcall is pending: the flag first, then the look, so that an event between the
 * two either is seen here or finds the flag and takes it away. */
static void block(struct vcpu *v, uint32_t flag)
{
    __atomic_or_fetch(&v->flags, flag, __ATOMIC_SEQ_CST);
    softirq_raise(SOFTIRQ_SCHEDULE);
}

static void unblock(struct vcpu *v, uint32_t flag)
{
    __atomic_and_fetch(&v->flags, ~flag, __ATOMIC_SEQ_CST);
}

long schedop_block(struct hcall *c, void *arg)
{
    struct vcpu *v = c->v;

    (void)arg;
    v->info->evtchn_upcall_mask = 0;
    block(v, VCPU_BLOCKED);
    if (READ_ONCE(v->info->evtchn_upcall_pending) || v->pending)
        unblock(v, VCPU_BLOCKED);
    return 0;
}

long schedop_shutdown(struct hcall *c, void *arg)
{
    const struct sched_shutdown *op = arg;

    if (op->reason > SHUTDOWN_MAX)
        return -EINVAL;
    domain_shutdown(c->d, (uint8_t)op->reason);
    return 0;
}

long schedop_shutdown_code(struct hcall *c, void *arg)
{
    const struct sched_shutdown *op = arg;

    if (op->reason > SHUTDOWN_MAX)
        return -EINVAL;
    spin_lock(&c->d->lock);
    if (!c->d->is_shut_down && !c->d->code_latched) {
        c->d->shutdown_code = (uint8_t)op->reason;
        WRITE_ONCE(c->d->code_latched, true);
    }
    spin_unlock(&c->d->lock);
    return 0;
}

long schedop_remote_shutdown(struct hcall *c, void *arg)
{
    const struct sched_remote_shutdown *op = arg;
    struct domain *d;
    int err = 0;

    if (op->reason > SHUTDOWN_MAX)
        return -EINVAL;
    d = domain_get_for(c->d, op->domain_id, &err);
    if (!d)
        return err;
    domain_shutdown(d, (uint8_t)op->reason);
    domain_put(d);
    return 0;
}

void sched_poll_timeout(void *data)
{
    vcpu_wake(data);
}

/* Any of the polled ports pending? -errno for a bad one. */
static long any_pending(struct hcall *c, const struct sched_poll *op, uint32_t *single)
{
    for (unsigned i = 0; i < op->nr_ports; i++) {
        evtchn_port_t port;

        if (copy_from_guest(&port, guest_va_at(guest_va((uint64_t)op->ports.p), i, sizeof(port)),
                            sizeof(port)))
            return -EFAULT;
        if (!evtchn_port_valid(c->d, port))
            return -EINVAL;
        if (i == 0)
            *single = port;
        if (evtchn_is_pending(c->d, port))
            return 1;
    }
    return 0;
}

long schedop_poll(struct hcall *c, void *arg)
{
    const struct sched_poll *op = arg;
    struct vcpu *v = c->v;
    uint32_t port = 0;
    long found;

    if (op->nr_ports > POLL_MAX_PORTS)
        return -EINVAL;
    found = any_pending(c, op, &port);
    if (found < 0)
        return found;
    if (found || (op->timeout && op->timeout <= now()))
        return 0;
    v->poll_nr = op->nr_ports;
    v->poll_port = port;
    block(v, VCPU_POLLING);
    found = any_pending(c, op, &port);
    if (found || (READ_ONCE(v->info->evtchn_upcall_pending) && !v->info->evtchn_upcall_mask) ||
        v->pending) {
        unblock(v, VCPU_POLLING);
        return found < 0 ? found : 0;
    }
    if (op->timeout)
        timer_set(&v->poll_timer, op->timeout);
    return 0;
}

long schedop_watchdog(struct hcall *c, void *arg)
{
    const struct sched_watchdog *op = arg;

    return watchdog_set(c->d, op->id, op->timeout);
}

long do_set_timer_op(struct hcall *c, void *arg)
{
    (void)arg;
    if (c->a[0])
        timer_set(&c->v->singleshot, c->a[0]);
    else
        timer_stop(&c->v->singleshot);
    return 0;
}
