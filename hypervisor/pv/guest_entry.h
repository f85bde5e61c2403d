/* SPDX-License-Identifier: MIT
 *
 * Into the guest: bounce frames for exceptions, events, system calls and failsafe; the iret
 * hypercall; and the toggle between a guest's kernel and user half.
 */
#pragma once

struct vcpu;
struct regs;

/* Queues one exception for delivery on the next exit to v (the current vCPU). */
void guest_inject(struct vcpu *v, uint8_t vector, uint32_t error_code);
void guest_inject_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code);
/* Delivers an exception now: r, the current vCPU's frame, becomes that of the handler's first
 * instruction. The guest is crashed when it has no handler or its stack cannot be written. */
void guest_deliver(struct vcpu *v, struct regs *r, uint8_t vector, bool has_error, uint32_t error);
/* A selector (ds, es, fs, gs in sel) did not load: the failsafe callback, on top of where r was
 * going. */
void guest_failsafe(struct vcpu *v, struct regs *r, const uint16_t sel[4]);
/* After an emulated instruction: #DB when the guest is single-stepping. */
void guest_single_step(struct vcpu *v, struct regs *r);
/* C half of the exit path: softirqs, runstate areas, exceptions, events. x86/entry.S calls it with
 * the frame when one of the pending words is set, until none is. */
void guest_exit_work(struct regs *r);
/* A SYSCALL/SYSENTER of the guest's user half: bounces to its kernel. */
void guest_syscall_bounce(struct regs *r);
void guest_toggle_mode(struct vcpu *v);
/* The guest's kernel sees and sets its virtual IOPL in RFLAGS, and is at level 0, not 1. */
bool architectural_iopl(const struct vcpu *v);

hcall_fn do_iret, do_set_trap_table, do_stack_switch, do_set_callbacks, callbackop_register,
    callbackop_unregister, do_fpu_taskswitch, do_nmi_op;
