/* SPDX-License-Identifier: MIT */
/*
 * What a PV kernel must write in assembly: the ELF notes by which it asks to be loaded, its first
 * instructions, the entry points that the hypervisor calls, and the way back by the iret hypercall.
 *
 * At the entry rsi is start_info and rsp the end of the builder's stack page, flat segments, events
 * masked. An exception or event finds on the stack, lowest address first:
 *     rcx, r11, [error code], rip, cs | upcall mask << 32, rflags, rsp, ss
 * and, in a failsafe callback, ds, es, fs, gs between r11 and rip. rsp was rounded down to 16 before
 * that was pushed. The stubs make a struct trap_frame of each, 22 words, so rsp is aligned again
 * when C is called.
 */
#include <xen/elfnote.h>
#include <xen/xen.h>

    .macro NOTE_NUMBER type, value
    .balign 4
    .long 4, 8, \type
    .asciz "Xen"
    .quad \value
    .endm

    .macro NOTE_TEXT type, text
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  .asciz "\text"
2:
    .endm

    .section .note.Xen, "a", @note
    NOTE_NUMBER XEN_ELFNOTE_ENTRY, _start
    NOTE_NUMBER XEN_ELFNOTE_VIRT_BASE, kernel_start
    NOTE_NUMBER XEN_ELFNOTE_PADDR_OFFSET, kernel_start /* p_paddr is the virtual address */
    NOTE_NUMBER XEN_ELFNOTE_HV_START_LOW, __HYPERVISOR_VIRT_START
    NOTE_TEXT XEN_ELFNOTE_XEN_VERSION, "xen-3.0"
    NOTE_TEXT XEN_ELFNOTE_LOADER, "generic"
    NOTE_TEXT XEN_ELFNOTE_GUEST_OS, "bonsai-kit"
    NOTE_TEXT XEN_ELFNOTE_GUEST_VERSION, "1"
    NOTE_TEXT XEN_ELFNOTE_PAE_MODE, "yes"
    NOTE_TEXT XEN_ELFNOTE_FEATURES, "pae_pgdir_above_4gb"
    .balign 4

    .text
    .globl _start
_start:
    cld
    mov %rsp, boot_stack_end
    mov $stack_top, %esp
    xor %ebp, %ebp
    mov %rsi, %rdi
    call kit_start
    ud2

/* --- entries: one stub of 16 bytes a vector, and the three callbacks ---------------------------- */

    .macro ENTRY_STUB vector, has_error=0
    pop %rcx
    pop %r11
    .if !\has_error
    push $0
    .endif
    push $\vector
    jmp trap_common
    .endm

    .balign 16
    .globl trap_stubs
trap_stubs:
    .set number, 0
    .rept 256
    .balign 16
    .if number == 8 || (number >= 10 && number <= 14) || number == 17
    ENTRY_STUB number, 1
    .else
    ENTRY_STUB number
    .endif
    .set number, number + 1
    .endr

    .globl failsafe_entry, syscall_entry, event_entry
failsafe_entry:
    pop %rcx
    pop %r11
    add $4 * 8, %rsp
    push $0
    push $0x100 /* TRAP_FAILSAFE */
    jmp trap_common
syscall_entry:
    ENTRY_STUB 0x101 /* TRAP_SYSCALL */
event_entry:
    ENTRY_STUB 0x102 /* TRAP_EVENT */

trap_common:
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
    cld
    mov %rsp, %rdi
    call trap_handle
trap_restore: /* rsp: a struct trap_frame */
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
    /* vector and error become the upper half of {rax, r11, rcx, flags}, which stands below rip */
    movq $0, 8(%rsp)
    mov %rcx, (%rsp)
    push %r11
    push %rax
    mov $__HYPERVISOR_iret, %eax
    syscall
    ud2

/* void trap_return(const struct trap_frame *frame) */
    .globl trap_return
trap_return:
    mov %rdi, %rsi
    sub $22 * 8, %rsp
    and $-16, %rsp
    mov %rsp, %rdi
    mov $22, %ecx
    cld
    rep movsq
    jmp trap_restore

/* bool trap_try_run(void (*f)(void *), void *context, void **stack): false when f came back. */
    .globl trap_try_run
trap_try_run:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    pushfq
    mov %rsp, (%rdx)
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    xor %eax, %eax
1:  popfq
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* void trap_try_resume(void *stack): trap_try_run() that stored `stack` returns true. */
    .globl trap_try_resume
trap_try_resume:
    mov %rdi, %rsp
    mov $1, %eax
    jmp 1b

/* bool peek(const void *address, uint64_t *value): false where nothing is mapped. */
    .globl peek, peek_access, peek_failed
peek:
peek_access:
    mov (%rdi), %rax
    mov %rax, (%rsi)
    mov $1, %eax
    ret
peek_failed:
    xor %eax, %eax
    ret

/* --- stacks ------------------------------------------------------------------------------------ */

    .bss
    .balign 4096
    .globl stack_guard, user_stack_top
stack_guard: /* a page that is not mapped: overflow faults instead of writing over data */
    .skip 4096
    .skip 32768
stack_top:
    .skip 8192 /* of entries from user mode, which leave the other one alone */
user_stack_top:

    .section .note.GNU-stack, "", @progbits
