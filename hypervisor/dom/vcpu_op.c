/* SPDX-License-Identifier: MIT
 *
 * HYPERVISOR_vcpu_op: a domain's own vCPUs (ABI: vcpu.h). c->a[1] names the vCPU.
 */
#include <xen/xen.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include "lib/lib.h"
#include "hypercall.h"
#include "x86/asm.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "comms/evtchn.h"
#include "mm/frame.h"
#include "mm/guest_copy.h"
#include "mm/page_alloc.h"
#include "dom/domain.h"
#include "dom/runstate.h"
#include "dom/sched.h"
#include "dom/vcpu.h"

#define LEGACY_VCPUS 32u
#define MIN_PERIOD   MILLISECONDS(1)

static struct vcpu *named_vcpu(struct hcall *c)
{
    uint32_t id = (uint32_t)c->a[1];

    return id < c->d->max_vcpus ? c->d->vcpu[id] : NULL;
}

long vcpuop_initialise(struct hcall *c, void *arg)
{
    struct vcpu *v = named_vcpu(c);
    struct vcpu_guest_context *ctx;
    long ret;

    (void)arg;
    if (!v)
        return -ENOENT;
    if (v->id >= LEGACY_VCPUS && mfn_eq(v->info_mfn, MFN_NONE))
        return -EINVAL;
    ctx = hv_alloc(sizeof(*ctx));
    if (!ctx)
        return -ENOMEM;
    if (copy_from_guest(ctx, guest_va(c->a[2]), sizeof(*ctx)))
        ret = -EFAULT;
    else {
        spin_lock(&c->d->lock);
        ret = v->initialised ? -EEXIST : vcpu_set_context(v, ctx);
        spin_unlock(&c->d->lock);
    }
    hv_free(ctx);
    return ret;
}

long vcpuop_up(struct hcall *c, void *arg)
{
    struct vcpu *v = named_vcpu(c);

    (void)arg;
    if (!v)
        return -ENOENT;
    if (!v->initialised)
        return -EINVAL;
    if (__atomic_fetch_and(&v->flags, ~VCPU_DOWN, __ATOMIC_SEQ_CST) & VCPU_DOWN)
        vcpu_recheck(v);
    return 0;
}

long vcpuop_down(struct hcall *c, void *arg)
{
    struct vcpu *v = named_vcpu(c);
    bool other_up = false;

    (void)arg;
    if (!v)
        return -ENOENT;
    for (unsigned i = 0; i < c->d->max_vcpus; i++)
        if (c->d->vcpu[i] && c->d->vcpu[i] != v && !(c->d->vcpu[i]->flags & VCPU_DOWN))
            other_up = true;
    if (!other_up) {
        domain_shutdown(c->d, SHUTDOWN_poweroff);
        return 0;
    }
    /* Not waiting until it is off its CPU: it may be taking us down at the same time. */
    if (!(__atomic_fetch_or(&v->flags, VCPU_DOWN, __ATOMIC_SEQ_CST) & VCPU_DOWN))
        vcpu_recheck(v);
    return 0;
}

long vcpuop_is_up(struct hcall *c, void *arg)
{
    struct vcpu *v = named_vcpu(c);

    (void)arg;
    return v ? !(v->flags & VCPU_DOWN) : -ENOENT;
}

long vcpuop_get_runstate_info(struct hcall *c, void *arg)
{
    struct vcpu *v = named_vcpu(c);
    struct vcpu_runstate_info rs;
    nsec_t t = now();

    (void)arg;
    if (!v)
        return -ENOENT;
    rs = v->runstate;
    if (t > rs.state_entry_time)
        rs.time[rs.state] += t - rs.state_entry_time;
    return copy_to_guest(guest_va(c->a[2]), &rs, sizeof(rs));
}

long vcpuop_register_runstate_memory_area(struct hcall *c, void *arg)
{
    const struct vcpu_register_runstate_memory_area *op = arg;
    struct vcpu *v = named_vcpu(c);

    if (!v)
        return -ENOENT;
    if (op->addr.p && !guest_range_ok(guest_va(op->addr.p), sizeof(struct vcpu_runstate_info)))
        return -EFAULT;
    v->runstate_area = guest_va(op->addr.p);
    if (v == c->v)
        runstate_write_guest(v);
    return 0;
}

long vcpuop_set_periodic_timer(struct hcall *c, void *arg)
{
    const struct vcpu_set_periodic_timer *op = arg;
    struct vcpu *v = named_vcpu(c);

    if (!v)
        return -ENOENT;
    if (op->period_ns < MIN_PERIOD || op->period_ns > (1ull << 62))
        return -EINVAL;
    v->period = op->period_ns;
    timer_set(&v->periodic, now() + v->period);
    return 0;
}

long vcpuop_stop_periodic_timer(struct hcall *c, void *arg)
{
    struct vcpu *v = named_vcpu(c);

    (void)arg;
    if (!v)
        return -ENOENT;
    v->period = 0;
    timer_stop(&v->periodic);
    return 0;
}

long vcpuop_set_singleshot_timer(struct hcall *c, void *arg)
{
    const struct vcpu_set_singleshot_timer *op = arg;
    struct vcpu *v = named_vcpu(c);

    if (!v)
        return -ENOENT;
    if (v != c->v)
        return -EINVAL;
    timer_set(&v->singleshot, op->timeout_abs_ns); /* the past fires at once */
    return 0;
}

long vcpuop_stop_singleshot_timer(struct hcall *c, void *arg)
{
    struct vcpu *v = named_vcpu(c);

    (void)arg;
    if (!v)
        return -ENOENT;
    if (v != c->v)
        return -EINVAL;
    timer_stop(&v->singleshot);
    return 0;
}

/* Moves a vcpu_info into the guest's own page, once in a vCPU's life. */
long vcpuop_register_vcpu_info(struct hcall *c, void *arg)
{
    const struct vcpu_register_vcpu_info *op = arg;
    struct vcpu *v = named_vcpu(c);
    struct frame *f;
    struct vcpu_info *to;
    long ret = 0;

    if (!v)
        return -ENOENT;
    if (op->offset > PAGE_SIZE - sizeof(struct vcpu_info) || (op->offset & 7))
        return -ENXIO;
    f = frame_of(mfn(op->mfn));
    spin_lock(&c->d->lock);
    if (!mfn_eq(v->info_mfn, MFN_NONE))
        ret = -EINVAL;
    else if (v != c->v && !(v->flags & VCPU_DOWN))
        ret = -EINVAL;
    else if (!f || frame_get_and_type(f, c->d, FRAME_WRITABLE))
        ret = -EINVAL;
    else {
        /* commit */
        to = (struct vcpu_info *)((char *)mfn_to_va(mfn(op->mfn)) + op->offset);
        *to = *v->info;
        if (v->id >= LEGACY_VCPUS) { /* it had none */
            memset(to, 0, sizeof(*to));
            to->evtchn_upcall_mask = 1;
        }
        v->info_mfn = mfn(op->mfn);
        full_mb();
        v->info = to;
        time_update_vcpu(v);
        evtchn_vcpu_info_moved(v);
    }
    spin_unlock(&c->d->lock);
    return ret;
}

long vcpuop_send_nmi(struct hcall *c, void *arg)
{
    struct vcpu *v = named_vcpu(c);

    (void)arg;
    if (!v)
        return -ENOENT;
    __atomic_or_fetch(&v->pending, PEND_NMI, __ATOMIC_SEQ_CST);
    vcpu_kick(v);
    return 0;
}

long vcpuop_register_vcpu_time_memory_area(struct hcall *c, void *arg)
{
    const struct vcpu_register_time_memory_area *op = arg;
    struct vcpu *v = named_vcpu(c);

    if (!v)
        return -ENOENT;
    if (op->addr.p && !guest_range_ok(guest_va(op->addr.p), sizeof(struct vcpu_time_info)))
        return -EFAULT;
    v->time_area = guest_va(op->addr.p);
    if (v == c->v)
        time_update_secondary(v);
    return 0;
}
