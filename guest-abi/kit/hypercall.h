/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls by SYSCALL: number in rax, arguments in rdi, rsi, rdx, r10, r8; the answer in rax; rcx
 * and r11 are lost. Written out here rather than through the hypercall page, as a kernel without
 * the page must. Answers are 0, a count, or a negative errno of xen/errno.h.
 */
#ifndef KIT_HYPERCALL_H
#define KIT_HYPERCALL_H

#include <stdint.h>
#include <xen/xen.h>

static inline long hypercall5(unsigned long op, unsigned long a1, unsigned long a2,
                              unsigned long a3, unsigned long a4, unsigned long a5)
{
    register unsigned long r10 __asm__("r10") = a4;
    register unsigned long r8 __asm__("r8") = a5;
    long ret;

    /* a debug hypervisor may clobber argument registers */
    __asm__ volatile("syscall"
                     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     : "0"(op)
                     : "rcx", "r11", "r9", "memory");
    return ret;
}

static inline long hypercall1(unsigned long op, unsigned long a1)
{
    return hypercall5(op, a1, 0, 0, 0, 0);
}

static inline long hypercall2(unsigned long op, unsigned long a1, unsigned long a2)
{
    return hypercall5(op, a1, a2, 0, 0, 0);
}

static inline long hypercall3(unsigned long op, unsigned long a1, unsigned long a2,
                              unsigned long a3)
{
    return hypercall5(op, a1, a2, a3, 0, 0);
}

static inline long hypercall4(unsigned long op, unsigned long a1, unsigned long a2,
                              unsigned long a3, unsigned long a4)
{
    return hypercall5(op, a1, a2, a3, a4, 0);
}

/* An op with a structure: event_channel_op, memory_op, sched_op, ... all look like this. */
static inline long hypercall_op(unsigned long op, unsigned long sub_op, const void *argument)
{
    return hypercall5(op, sub_op, (unsigned long)argument, 0, 0, 0);
}

#endif
