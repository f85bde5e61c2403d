/* SPDX-License-Identifier: MIT
 *
 * Accesses that may fault. Each faulting instruction has a row in .ex_table: where it is, where to go on
 * (both relative to the row's own words). x86/traps.c looks them up.
 */
    .macro EX fault, fixup
    .pushsection .ex_table, "a"
    .balign 4
    .long \fault - .
    .long \fixup - .
    .popsection
    .endm

    .text
/* size_t raw_copy(void *dst, const void *src, size_t n): bytes not copied. */
    .globl raw_copy
raw_copy:
    mov %rdx, %rcx
    shr $3, %rcx
    and $7, %edx
1:  rep movsq
    mov %edx, %ecx
2:  rep movsb
    xor %eax, %eax
    ret
3:  lea (%rdx, %rcx, 8), %rcx
4:  mov %rcx, %rax
    ret
    EX 1b, 3b
    EX 2b, 4b

/* int rdmsr_safe(uint32_t msr, uint64_t *v) */
    .globl rdmsr_safe
rdmsr_safe:
    mov %edi, %ecx
1:  rdmsr
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, (%rsi)
    xor %eax, %eax
    ret
2:  mov $-14, %eax
    ret
    EX 1b, 2b

/* int load_selector_XX(unsigned sel): 0, or -14 when the selector faults (NUL is loaded then). */
    .macro LOAD_SELECTOR name, reg
    .globl load_\name
load_\name:
1:  mov %edi, %\reg
    xor %eax, %eax
    ret
2:  xor %eax, %eax
    mov %eax, %\reg
    mov $-14, %eax
    ret
    EX 1b, 2b
    .endm
    LOAD_SELECTOR ds, ds
    LOAD_SELECTOR es, es
    LOAD_SELECTOR fs, fs
    LOAD_SELECTOR gs, gs

    .section .note.GNU-stack, "", @progbits
