/* SPDX-License-Identifier: MIT
 *
 * Puts hypervisor/x86/entry.S into an ordinary process (hv_entry.c). That file is assembled as it stands, but for the two
 * instructions that leave for the guest: SYSRET is a jump to host_sysret, IRET one to host_iret. Both keep every register in
 * host_out, which side it was in host_left_by, and return to whoever called host_enter().
 *
 * long host_enter(uint64_t at, struct regs *in): jumps to `at` with the sixteen registers of *in (rsp too, which may be any
 * number: nothing is pushed).
 */
#include "offsets.h"

/* struct regs: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi; rsp further up */
#define REGS_RSP (REGS_CS + 16)

    .text
    .globl host_enter
host_enter:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, host_stack(%rip)
    mov %rdi, host_target(%rip)
    mov 0(%rsi), %r15
    mov 8(%rsi), %r14
    mov 16(%rsi), %r13
    mov 24(%rsi), %r12
    mov 32(%rsi), %rbp
    mov 40(%rsi), %rbx
    mov 48(%rsi), %r11
    mov 56(%rsi), %r10
    mov 64(%rsi), %r9
    mov 72(%rsi), %r8
    mov 80(%rsi), %rax
    mov 88(%rsi), %rcx
    mov 96(%rsi), %rdx
    mov 112(%rsi), %rdi
    mov REGS_RSP(%rsi), %rsp
    mov 104(%rsi), %rsi
    jmp *host_target(%rip)

    .globl host_sysret, host_iret
host_sysret:
    movl $1, host_left_by(%rip)
    jmp 1f
host_iret:
    movl $2, host_left_by(%rip)
1:  mov %r15, host_out + 0(%rip)
    mov %r14, host_out + 8(%rip)
    mov %r13, host_out + 16(%rip)
    mov %r12, host_out + 24(%rip)
    mov %rbp, host_out + 32(%rip)
    mov %rbx, host_out + 40(%rip)
    mov %r11, host_out + 48(%rip)
    mov %r10, host_out + 56(%rip)
    mov %r9, host_out + 64(%rip)
    mov %r8, host_out + 72(%rip)
    mov %rax, host_out + 80(%rip)
    mov %rcx, host_out + 88(%rip)
    mov %rdx, host_out + 96(%rip)
    mov %rsi, host_out + 104(%rip)
    mov %rdi, host_out + 112(%rip)
    mov %rsp, host_out + REGS_RSP(%rip)
    mov host_stack(%rip), %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .bss
    .balign 16
host_stack:
    .quad 0
host_target:
    .quad 0
    .globl host_left_by, host_out
host_left_by:
    .long 0
    .balign 16
host_out:
    .skip REGS_SIZE

    .section .note.GNU-stack, "", @progbits
