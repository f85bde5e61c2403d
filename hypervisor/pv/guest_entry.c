/* SPDX-License-Identifier: MIT
 *
 * Into the guest. A bounce writes what the guest's handler expects onto the guest kernel's stack
 * and turns the vCPU's frame into the handler's first instruction:
 *
 *   high   ss, rsp, rflags, cs | upcall_mask << 32, rip, [error code], r11, rcx   low = new rsp
 *
 * IOPL shows up in it only for guests that asked for the architectural one by vm_assist.
 * rcx and r11 are saved there because leaving by SYSRET destroys them. The guest's IF is its upcall
 * mask, inverted; the hardware's stays on. The iret hypercall undoes a bounce.
 */
#include <xen/xen.h>
#include <xen/callback.h>
#include "lib/lib.h"
#include "hypercall.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "mm/guest_copy.h"
#include "mm/tlb.h"
#include "dom/domain.h"
#include "dom/runstate.h"
#include "dom/sched.h"
#include "dom/timer.h"
#include "dom/vcpu.h"
#include "dev/console.h"
#include "pv/guest_entry.h"
#include "pv/pv.h"

#define BOUNCE_MASK_EVENTS 1u
#define BOUNCE_HAS_ERROR   2u

#define VGCF_IN_SYSCALL_   0x100ul
#define TRAP_MASKS_EVENTS  4u

void guest_toggle_mode(struct vcpu *v)
{
    v->kernel_mode = !v->kernel_mode;
    swapgs();
    tlb_write_cr3(mfn_to_maddr(v->kernel_mode ? v->kernel_l4 : v->user_l4));
    if (v->areas_stale) {
        v->areas_stale = false;
        __atomic_or_fetch(&v->pending, PEND_AREAS, __ATOMIC_RELAXED);
    }
}

bool architectural_iopl(const struct vcpu *v)
{
    return v->d->vm_assist & (1ul << VMASST_TYPE_architectural_iopl);
}

/* Switches the frame to `handler`. False: the guest was crashed. */
static bool bounce(struct vcpu *v, struct regs *r, uint64_t handler, unsigned flags, uint32_t error)
{
    uint64_t frame[8], *f = frame;
    bool user = !v->kernel_mode;
    uint8_t mask = READ_ONCE(v->info->evtchn_upcall_mask);
    uint64_t sp, size;

    if (unlikely(!handler || !va_is_canonical(handler))) {
        domain_crash(v->d, "vcpu %u: no handler for vector %u (error %x) at rip %lx", v->id,
                     r->vector, error, r->rip);
        return false;
    }
    if (user) {
        guest_toggle_mode(v);
        sp = v->kernel_sp;
    } else
        sp = r->rsp;

    *f++ = r->rcx;
    *f++ = r->r11;
    if (flags & BOUNCE_HAS_ERROR)
        *f++ = error;
    *f++ = r->rip;
    *f++ = (user ? r->cs : r->cs & ~3ul) | (uint64_t)mask << 32;
    *f++ = (r->rflags & ~(RFLAGS_IF | RFLAGS_IOPL)) | (mask ? 0 : RFLAGS_IF) |
           (architectural_iopl(v) ? (uint64_t)v->iopl << RFLAGS_IOPL_SHIFT : 0);
    *f++ = r->rsp;
    *f++ = r->ss;
    size = (uint64_t)((char *)f - (char *)frame);
    sp = (sp & ~15ul) - size;
    if (unlikely(copy_to_guest(guest_va(sp), frame, size))) {
        domain_crash(
            v->d,
            "vcpu %u: kernel stack %lx cannot take the frame of vector %u (error %x) at rip %lx",
            v->id, sp, r->vector, error, r->rip);
        return false;
    }

    if (flags & BOUNCE_MASK_EVENTS)
        v->info->evtchn_upcall_mask = 1;
    r->rsp = sp;
    r->rip = handler;
    r->cs = SEL_GUEST_CS64;
    r->ss = SEL_GUEST_DS;
    r->rflags &= ~(RFLAGS_AC | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT | RFLAGS_TF);
    r->rflags |= RFLAGS_IF;
    r->rcx = r->rip; /* what SYSRET leaves there */
    r->r11 = r->rflags;
    r->vector = ENTRY_SYSCALL;
    return true;
}

void guest_deliver(struct vcpu *v, struct regs *r, uint8_t vector, bool has_error, uint32_t error)
{
    const struct trap_info *t = &v->traps[vector];

    bounce(v, r, t->address,
           (t->flags & TRAP_MASKS_EVENTS ? BOUNCE_MASK_EVENTS : 0) |
               (has_error ? BOUNCE_HAS_ERROR : 0),
           error);
}

void guest_inject(struct vcpu *v, uint8_t vector, uint32_t error_code)
{
    v->trap = (struct pending_trap){.vector = vector,
                                    .has_error = vector == 8 || (vector >= 10 && vector <= 14) ||
                                                 vector == 17,
                                    .error_code = error_code};
    __atomic_or_fetch(&v->pending, PEND_TRAP, __ATOMIC_RELAXED);
}

void guest_inject_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code)
{
    v->cr2 = cr2;
    v->info->arch.cr2 = cr2;
    guest_inject(v, 14, error_code);
}

void guest_single_step(struct vcpu *v, struct regs *r)
{
    if (likely(!(r->rflags & RFLAGS_TF)))
        return;
    v->debugreg[6] |= 1u << 14;
    guest_inject(v, 1, 0);
}

void guest_syscall_bounce(struct regs *r)
{
    struct vcpu *v = current_vcpu();
    uint64_t cb = v->syscall_cb;
    unsigned type = CALLBACKTYPE_syscall;

    if (r->vector == ENTRY_SYSCALL32) {
        cb = v->syscall32_cb;
        type = CALLBACKTYPE_syscall32;
    } else if (r->vector == ENTRY_SYSENTER) {
        cb = v->sysenter_cb;
        type = CALLBACKTYPE_sysenter;
    }
    if (unlikely(!cb)) {
        if (type == CALLBACKTYPE_sysenter)
            guest_deliver(v, r, 13, true, 0);
        else {
            r->rip -= 2;
            guest_deliver(v, r, 6, false, 0);
        }
        return;
    }
    if (bounce(v, r, cb, v->cb_masks_events & (1u << type) ? BOUNCE_MASK_EVENTS : 0, 0) &&
        type == CALLBACKTYPE_syscall) {
        r->rflags &= ~RFLAGS_DF;
        r->r11 = r->rflags;
    }
}

static void deliver_event(struct vcpu *v, struct regs *r)
{
    r->vector = 0xee;
    bounce(v, r, v->event_cb, BOUNCE_MASK_EVENTS, 0);
}

/* A bad selector on the way into the guest: {rcx, r11, ds, es, fs, gs, rip, cs|mask, rflags, rsp,
 * ss}. */
void guest_failsafe(struct vcpu *v, struct regs *r, const uint16_t sel[4])
{
    uint64_t sp, frame[4] = {sel[0], sel[1], sel[2], sel[3]};
    uint64_t rcx = r->rcx, r11 = r->r11, head[2] = {rcx, r11};

    if (!bounce(v, r, v->failsafe_cb,
                v->cb_masks_events & (1u << CALLBACKTYPE_failsafe) ? BOUNCE_MASK_EVENTS : 0, 0))
        return;
    /* the selectors go between r11 and rip: rewrite the low end four words further down */
    sp = r->rsp - sizeof(frame);
    if (copy_to_guest(guest_va(sp), head, sizeof(head)) ||
        copy_to_guest(guest_va(sp + sizeof(head)), frame, sizeof(frame))) {
        domain_crash(v->d, "vcpu %u: kernel stack %lx cannot take the failsafe frame", v->id, sp);
        return;
    }
    r->rsp = sp;
}

static void run_softirqs(void)
{
    uint32_t set = __atomic_exchange_n(&this_cpu()->softirqs, 0, __ATOMIC_ACQUIRE);

    if (set & (1u << SOFTIRQ_TIMER))
        timer_run();
    if (set & (1u << SOFTIRQ_CONSOLE))
        console_softirq();
    if (set & ((1u << SOFTIRQ_SCHEDULE) | (1u << SOFTIRQ_UNLOAD)))
        schedule();
}

void guest_exit_work(struct regs *r)
{
    struct vcpu *v = current_vcpu();
    uint32_t pending;

    if (this_cpu()->softirqs) {
        run_softirqs();
        return;
    }
    pending = v->pending;
    if (pending & PEND_AREAS) {
        __atomic_and_fetch(&v->pending, ~PEND_AREAS, __ATOMIC_RELAXED);
        if (v->kernel_mode) {
            runstate_write_guest(v);
            time_update_secondary(v);
        } else
            v->areas_stale = true;
    }
    if (pending & PEND_TRAP) {
        struct pending_trap t = v->trap;

        __atomic_and_fetch(&v->pending, ~PEND_TRAP, __ATOMIC_RELAXED);
        r->vector = t.vector;
        guest_deliver(v, r, t.vector, t.has_error, t.error_code);
    } else if (pending & PEND_NMI) {
        __atomic_and_fetch(&v->pending, ~PEND_NMI, __ATOMIC_RELAXED);
        if (v->nmi_in_progress)
            v->nmi_held = true;
        else if (v->traps[2].address) {
            v->nmi_in_progress = true;
            r->vector = 2;
            guest_deliver(v, r, 2, false, 0);
        }
    } else if (v->info->evtchn_upcall_pending && !v->info->evtchn_upcall_mask)
        deliver_event(v, r);
}

/* HYPERVISOR_iret (23): {rax, r11, rcx, flags, rip, cs, rflags, rsp, ss} at the guest's rsp. What
 * it returns says nothing; the guest's rax may be any number. */
long do_iret(struct hcall *c, void *arg)
{
    struct vcpu *v = c->v;
    struct regs *r = guest_regs();
    struct {
        uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
    } f;

    (void)arg;
    if (unlikely(copy_from_guest(&f, guest_va(r->rsp), sizeof(f)))) {
        domain_crash(v->d, "vcpu %u: iret frame at %lx cannot be read", v->id, r->rsp);
        return 0;
    }
    if ((f.cs & 3) == 3) {
        if (unlikely(mfn_eq(v->user_l4, MFN_NONE))) {
            domain_crash(v->d, "vcpu %u: iret to user mode without user page tables", v->id);
            return 0;
        }
        guest_toggle_mode(v);
    }
    r->rip = f.rip;
    r->cs = (f.cs | 3) & 0xffff;
    r->ss = (f.ss | 3) & 0xffff;
    r->rsp = f.rsp;
    r->rflags = (f.rflags & RFLAGS_OF_GUEST) | RFLAGS_IF | RFLAGS_ONE;
    if (architectural_iopl(v))
        v->iopl = (uint8_t)((f.rflags & RFLAGS_IOPL) >> RFLAGS_IOPL_SHIFT);
    r->rax = f.rax;
    if (f.flags & VGCF_IN_SYSCALL_) {
        r->rcx = f.rip;
        r->r11 = r->rflags;
        r->cs = SEL_GUEST_CS64;
        r->ss = SEL_GUEST_DS;
        r->vector = ENTRY_SYSCALL;
    } else {
        r->rcx = f.rcx;
        r->r11 = f.r11;
        r->vector = 0;
    }
    v->info->evtchn_upcall_mask = !(f.rflags & RFLAGS_IF);
    v->nmi_in_progress = false;
    if (unlikely(v->nmi_held)) {
        v->nmi_held = false;
        __atomic_or_fetch(&v->pending, PEND_NMI, __ATOMIC_RELAXED);
    }
    return 0;
}
