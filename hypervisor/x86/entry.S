/* SPDX-License-Identifier: MIT
 *
 * Every way into the hypervisor and out of it. Each entry from a guest leaves this frame at the top of the CPU's
 * stack (struct regs, x86/regs.h); struct pcpu begins where it ends:
 *
 *        pcpu ->  +------------------+
 *                 | ss               |  SYSCALL keeps neither cs nor ss: the flat ones of the reserved
 *                 | rsp              |  GDT page are written
 *                 | rflags           |
 *                 | cs               |
 *                 | rip              |
 *                 | vector | error   |  two 32-bit halves of one word
 *                 | rdi rsi rdx rcx  |
 *                 | rax r8 r9 r10    |
 *                 | r11 rbx rbp r12  |
 *        regs ->  | r13 r14 r15      |
 *                 +------------------+
 *
 * Interrupts are off from the first instruction of the hypervisor to the last; only the idle loop lets them in. A trap from
 * hypervisor code leaves the same frame wherever the stack is, and returns by iretq.
 *
 * Out: exit_to_guest looks at the CPU's softirqs, the vCPU's pending word and its upcall byte, lets C do what there is,
 * and leaves by SYSRET when the guest came by SYSCALL or is being bounced (rcx and r11 are free then) and rip is
 * canonical, else by IRETQ. A fault of that IRETQ is the guest's (x86/traps.c).
 */
#include "offsets.h"

    .macro PUSH_REGS
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    .endm

    .macro POP_REGS
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    .endm

    .text

/* The syscall stubs: a page of its own, mapped as page 0 of every CPU's region, so that what lies at a fixed distance
 * behind it is that CPU's own data. 64 bytes apart: LSTAR, CSTAR, SYSENTER_EIP (x86/cpu.c). */
#define STUB_SCRATCH (syscall_stub_page + PERCPU_DATA + PCPU_SCRATCH)(%rip)
#define STUB_STACK   (syscall_stub_page + PERCPU_DATA)(%rip)

    .balign 4096
    .globl syscall_stub_page
syscall_stub_page:
    mov %rsp, STUB_SCRATCH
    lea STUB_STACK, %rsp
    push $SEL_GUEST_DS
    push STUB_SCRATCH
    push %r11
    push $SEL_GUEST_CS64
    push %rcx
    push $0
    jmp *(syscall_stub_page + 192)(%rip)

    .org syscall_stub_page + 64
    mov %rsp, STUB_SCRATCH
    lea STUB_STACK, %rsp
    push $SEL_GUEST_DS
    push STUB_SCRATCH
    push %r11
    push $SEL_GUEST_CS32
    push %rcx
    push $0
    jmp *(syscall_stub_page + 200)(%rip)

    /* SYSENTER tells nothing of where it came from: the ABI's frame has cs 3, rip 0, rsp 0. The CPU loaded rsp from
     * SYSENTER_ESP, the stack's top. */
    .org syscall_stub_page + 128
    push $SEL_GUEST_DS
    push $0
    pushf
    push $3
    push $0
    push $0
    jmp *(syscall_stub_page + 208)(%rip)

    .org syscall_stub_page + 192
    .quad syscall_common, syscall32_common, sysenter_common
    .org syscall_stub_page + 4096

syscall_common:
    PUSH_REGS
    movl $ENTRY_SYSCALL, REGS_VECTOR(%rsp)
    mov REGS_SIZE + PCPU_CURRENT(%rsp), %rbx
    mov %rsp, %rdi
    cmpb $0, VCPU_KERNEL_MODE(%rbx)
    je 1f
    call hypercall_entry
    jmp exit_test
1:  call guest_syscall_bounce
    jmp exit_test

syscall32_common:
    PUSH_REGS
    movl $ENTRY_SYSCALL32, REGS_VECTOR(%rsp)
    mov %rsp, %rdi
    call guest_syscall_bounce
    jmp exit_test

sysenter_common:
    cld
    andl $~RFLAGS_NT, 24(%rsp)
    orl $RFLAGS_IF, 24(%rsp)
    push $RFLAGS_ONE            /* the hypervisor runs without NT and TF */
    popf
    PUSH_REGS
    movl $ENTRY_SYSENTER, REGS_VECTOR(%rsp)
    mov %rsp, %rdi
    call guest_syscall_bounce
    jmp exit_test

/* Traps and interrupts. The stubs put an error code where the CPU puts none. */
    .altmacro
    .macro TRAP_STUB n
    .balign 16
    .if !((\n == 8) || ((\n >= 10) && (\n <= 14)) || (\n == 17) || (\n == 21) || (\n == 29) || (\n == 30))
    push $0
    .endif
    movl $\n, 4(%rsp)
    .if (\n == 2) || (\n == 8) || (\n == 18)
    jmp ist_common
    .elseif \n == 1
    jmp debug_common
    .else
    jmp trap_common
    .endif
    .endm

    .balign 16
trap_stubs:
    .set i, 0
    .rept 256
    TRAP_STUB %i
    .set i, i + 1
    .endr

    .section .rodata
    .globl trap_entry_table
    .balign 8
trap_entry_table:
    .set i, 0
    .rept 256
    .quad trap_stubs + 16 * i
    .set i, i + 1
    .endr

    .text
trap_common:
    PUSH_REGS
    cld
    mov %rsp, %rdi
    testb $3, REGS_CS(%rsp)
    jz 2f
1:  cmpl $32, REGS_VECTOR(%rsp)
    jae 3f
5:  call guest_trap
    jmp exit_test
3:  cmpl $0x80, REGS_VECTOR(%rsp) /* no device's (x86/vector.c), but every guest's to raise */
    je 5b
    call irq_dispatch
    jmp exit_test

2:  /* from the hypervisor: the idle loop's interrupts, faults with a fix-up, or our end */
    cmpl $32, REGS_VECTOR(%rsp)
    jae 4f
    call hypervisor_trap
    jmp return_to_hypervisor
4:  call irq_dispatch
return_to_hypervisor:
    POP_REGS
    add $8, %rsp
    iretq

/* #DF, NMI, #MC: on stacks of their own, which is why they go straight back. */
ist_common:
    PUSH_REGS
    cld
    mov %rsp, %rdi
    call ist_trap
    jmp return_to_hypervisor

/* #DB comes on a stack of its own because a guest can make it strike at the first instruction of a syscall stub (MOV SS,
 * then SYSCALL), when rsp is still the guest's. One that interrupted the guest moves to the normal stack. */
debug_common:
    PUSH_REGS
    cld
    testb $3, REGS_CS(%rsp)
    jnz 1f
    mov %rsp, %rdi
    call hypervisor_trap
    jmp return_to_hypervisor
1:  mov %rsp, %rsi
    mov %rsp, %rdi
    and $~(PERCPU_SIZE - 1), %rdi
    add $(PERCPU_DATA - REGS_SIZE), %rdi
    mov %rdi, %rsp
    mov $(REGS_SIZE / 8), %ecx
    rep movsq
    mov %rsp, %rdi
    call guest_trap
    jmp exit_test

    .globl exit_to_guest
exit_to_guest:
    mov %rsp, %rax
    and $~(PERCPU_SIZE - 1), %rax
    lea (PERCPU_DATA - REGS_SIZE)(%rax), %rsp

exit_test:
    cmpl $0, REGS_SIZE + PCPU_SOFTIRQS(%rsp)
    jne exit_work
    mov REGS_SIZE + PCPU_CURRENT(%rsp), %rbx
    cmpl $0, VCPU_PENDING(%rbx)
    jne exit_work
    mov VCPU_INFO(%rbx), %rax
    movzwl (%rax), %eax           /* upcall pending, upcall mask */
    test %al, %al
    jz 1f
    test %ah, %ah
    jz exit_work
1:  cmpl $ENTRY_SYSCALL, REGS_VECTOR(%rsp)
    jne exit_iret
    mov REGS_RIP(%rsp), %rcx      /* SYSRET to a non-canonical rip faults in ring 0 on some CPUs */
    mov %rcx, %rax
    shl $16, %rax
    sar $16, %rax
    cmp %rax, %rcx
    jne exit_iret
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    add $8, %rsp
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    add $8, %rsp
    pop %rdx
    pop %rsi
    pop %rdi
    mov 24(%rsp), %r11
    mov 32(%rsp), %rsp
    sysretq

exit_iret:
    POP_REGS
    add $8, %rsp
    .globl guest_iret
guest_iret:
    iretq

exit_work:
    mov %rsp, %rdi
    call guest_exit_work
    jmp exit_test

    .globl reset_stack_and_call
reset_stack_and_call:
    mov %rsp, %rax
    and $~(PERCPU_SIZE - 1), %rax
    lea (PERCPU_DATA - REGS_SIZE - 8)(%rax), %rsp
    call *%rdi
    ud2

    .section .note.GNU-stack, "", @progbits
