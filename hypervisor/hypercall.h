/* SPDX-License-Identifier: MIT
 *
 * What a hypercall handler gets. The dispatcher (hypercall.c) finds the row of (op, sub-op), checks
 * who may call, copies the argument structure in once, calls the handler, and copies it back when
 * the row says so and the handler did not fail with -EFAULT.
 *
 * Continuations: the hypervisor runs with interrupts off, so no handler may run long. One that has
 * used its budget (hcall_out_of_budget) stores in c->a[] (and, where the row copies back, in *arg)
 * what the rest of the work needs and returns -ERESTART: the guest executes the same SYSCALL again,
 * with interrupts served in between.
 */
#pragma once

struct vcpu;
struct domain;

struct hcall {
    uint64_t a[6];  /* rdi rsi rdx r10 r8 r9 as the guest set them */
    struct vcpu *v; /* the caller */
    struct domain *d;
};

/* true once about 100 us have passed since entry; cheap (reads the TSC). */
bool hcall_out_of_budget(const struct hcall *c);

struct regs;
void hypercall_entry(struct regs *r); /* x86/entry.S, with the caller's frame */
