/* SPDX-License-Identifier: MIT
 *
 * Where a guest wants to be called: trap table, event, failsafe and system-call callbacks, kernel
 * stack, NMI handler; and the task-switch bit.
 */
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/nmi.h>
#include "lib/lib.h"
#include "hypercall.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "mm/guest_copy.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "pv/guest_entry.h"
#include "pv/pv.h"

static long set_callback(struct vcpu *v, unsigned type, unsigned flags, uint64_t address)
{
    if (!va_is_canonical(address))
        return -EINVAL;
    switch (type) {
    case CALLBACKTYPE_event:
        v->event_cb = address;
        break;
    case CALLBACKTYPE_failsafe:
        v->failsafe_cb = address;
        break;
    case CALLBACKTYPE_syscall:
        v->syscall_cb = address;
        break;
    case CALLBACKTYPE_syscall32:
        v->syscall32_cb = address;
        break;
    case CALLBACKTYPE_sysenter:
        v->sysenter_cb = address;
        break;
    case CALLBACKTYPE_nmi:
        v->traps[2].address = address;
        v->traps[2].cs = SEL_GUEST_CS64;
        v->traps[2].flags = 0;
        return 0;
    default:
        return -ENOSYS;
    }
    v->cb_masks_events &= ~(1u << type);
    if (flags & CALLBACKF_mask_events)
        v->cb_masks_events |= 1u << type;
    return 0;
}

long callbackop_register(struct hcall *c, void *arg)
{
    const struct callback_register *op = arg;

    return set_callback(c->v, op->type, op->flags, op->address);
}

long callbackop_unregister(struct hcall *c, void *arg)
{
    const struct callback_unregister *op = arg;

    if (op->type == CALLBACKTYPE_event || op->type == CALLBACKTYPE_failsafe)
        return -EINVAL; /* a guest cannot live without them */
    return set_callback(c->v, op->type, 0, 0);
}

long do_set_callbacks(struct hcall *c, void *arg)
{
    (void)arg;
    if (!va_is_canonical(c->a[0]) || !va_is_canonical(c->a[1]) || !va_is_canonical(c->a[2]))
        return -EINVAL;
    c->v->event_cb = c->a[0];
    c->v->failsafe_cb = c->a[1];
    c->v->syscall_cb = c->a[2];
    return 0;
}

long do_set_trap_table(struct hcall *c, void *arg)
{
    struct trap_info t;

    (void)arg;
    if (!c->a[0]) {
        memset(c->v->traps, 0, sizeof(c->v->traps));
        return 0;
    }
    for (unsigned i = 0; i <= 256; i++) {
        if (copy_from_guest(&t, guest_va_at(guest_va(c->a[0]), i, sizeof(t)), sizeof(t)))
            return -EFAULT;
        if (!t.address)
            return 0;
        if (!va_is_canonical(t.address))
            return -EINVAL;
        c->v->traps[t.vector] = t;
    }
    return -EINVAL; /* no terminator within the size of a table */
}

long do_stack_switch(struct hcall *c, void *arg)
{
    (void)arg;
    c->v->kernel_ss = (c->a[0] & 0xffff) | 3;
    c->v->kernel_sp = c->a[1];
    return 0;
}

long do_fpu_taskswitch(struct hcall *c, void *arg)
{
    (void)arg;
    c->v->cr0_ts = (uint32_t)c->a[0] ? CR0_TS : 0;
    if (c->v->cr0_ts)
        write_cr0(read_cr0() | CR0_TS);
    else
        clts();
    return 0;
}

long do_nmi_op(struct hcall *c, void *arg)
{
    struct xennmi_callback cb;

    (void)arg;
    switch ((uint32_t)c->a[0]) {
    case XENNMI_register_callback:
        if (copy_from_guest(&cb, guest_va(c->a[1]), sizeof(cb)))
            return -EFAULT;
        return set_callback(c->v, CALLBACKTYPE_nmi, 0, cb.handler_address);
    case XENNMI_unregister_callback:
        c->v->traps[2].address = 0;
        return 0;
    default:
        return -ENOSYS;
    }
}
