/* SPDX-License-Identifier: MIT
 *
 * The register frame that every entry into the hypervisor leaves on top of the CPU's stack (picture
 * in x86/entry.S). Its layout is that of the ABI's cpu_user_regs up to and including ss, so that
 * contexts are copied, not converted. `vector` is the trap or interrupt vector, or ENTRY_SYSCALL*.
 */
#pragma once

struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint32_t error_code;
    uint32_t vector;
    uint64_t rip;
    uint64_t cs;
    uint64_t rflags;
    uint64_t rsp;
    uint64_t ss;
};

#define ENTRY_SYSCALL     0x100u /* by LSTAR */
#define ENTRY_SYSCALL32   0x101u /* by CSTAR */
#define ENTRY_SYSENTER    0x102u

/* Hypervisor GDT selectors, in the reserved page of every GDT window (ABI: arch-x86/xen-x86_64.h).
 */
#define SEL_HV_CODE       0xe008u
#define SEL_HV_DATA       0xe010u
#define SEL_GUEST_CS32    0xe023u
#define SEL_GUEST_DS      0xe02bu
#define SEL_GUEST_CS64    0xe033u
#define SEL_TSS           0xe040u
#define SEL_LDT           0xe050u
#define GDT_RESERVED_PAGE 14u /* pages 0..13 of the window are the guest's */
#define GDT_GUEST_ENTRIES 7168u

#define RFLAGS_CF         0x1ul
#define RFLAGS_ONE        0x2ul
#define RFLAGS_TF         0x100ul
#define RFLAGS_IF         0x200ul
#define RFLAGS_DF         0x400ul
#define RFLAGS_IOPL       0x3000ul
#define RFLAGS_IOPL_SHIFT 12
#define RFLAGS_NT         0x4000ul
#define RFLAGS_RF         0x10000ul
#define RFLAGS_VM         0x20000ul
#define RFLAGS_AC         0x40000ul

/* What a guest may set: CF PF AF ZF SF TF DF OF NT RF AC ID; never IOPL, VM, VIF, VIP. */
#define RFLAGS_OF_GUEST   0x254dd5ul

/* error code of a page fault */
#define PF_PRESENT        1u
#define PF_WRITE          2u
#define PF_USER           4u
#define PF_RSVD           8u
#define PF_FETCH          16u

static inline bool regs_from_guest(const struct regs *r)
{
    return (r->cs & 3) != 0;
}
