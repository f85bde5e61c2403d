/* SPDX-License-Identifier: MIT */
/*
 * x86-64 PV: flat selectors, address-space layout, register frame. Included by arch-x86/xen.h.
 *
 * Guest kernel and guest user both run in ring 3. Selectors below live in the hypervisor's part of
 * the GDT. Hypervisor's hole: L4 slots 256 to 271; slot 256 holds the read-only machine-to-physical
 * table.
 *
 * Hypercall: number in rax, arguments in rdi, rsi, rdx, r10, r8; result in rax; rcx and r11 are
 * lost (SYSCALL).
 */
#include "xen.h" /* before the guard: whichever of the two comes first, the other completes it */

#ifndef __XEN_PUBLIC_ARCH_X86_XEN_X86_64_H__
#define __XEN_PUBLIC_ARCH_X86_XEN_X86_64_H__

#define FLAT_RING3_CS32         0xe023
#define FLAT_RING3_CS64         0xe033
#define FLAT_RING3_DS32         0xe02b
#define FLAT_RING3_DS64         0x0000
#define FLAT_RING3_SS32         0xe02b
#define FLAT_RING3_SS64         0xe02b

#define FLAT_KERNEL_DS64        FLAT_RING3_DS64
#define FLAT_KERNEL_DS32        FLAT_RING3_DS32
#define FLAT_KERNEL_DS          FLAT_KERNEL_DS64
#define FLAT_KERNEL_CS64        FLAT_RING3_CS64
#define FLAT_KERNEL_CS32        FLAT_RING3_CS32
#define FLAT_KERNEL_CS          FLAT_KERNEL_CS64
#define FLAT_KERNEL_SS64        FLAT_RING3_SS64
#define FLAT_KERNEL_SS32        FLAT_RING3_SS32
#define FLAT_KERNEL_SS          FLAT_KERNEL_SS64

#define FLAT_USER_DS64          FLAT_RING3_DS64
#define FLAT_USER_DS32          FLAT_RING3_DS32
#define FLAT_USER_DS            FLAT_USER_DS64
#define FLAT_USER_CS64          FLAT_RING3_CS64
#define FLAT_USER_CS32          FLAT_RING3_CS32
#define FLAT_USER_CS            FLAT_USER_CS64
#define FLAT_USER_SS64          FLAT_RING3_SS64
#define FLAT_USER_SS32          FLAT_RING3_SS32
#define FLAT_USER_SS            FLAT_USER_SS64

#define __HYPERVISOR_VIRT_START 0xFFFF800000000000
#define __HYPERVISOR_VIRT_END   0xFFFF880000000000
#define __MACH2PHYS_VIRT_START  0xFFFF800000000000
#define __MACH2PHYS_VIRT_END    0xFFFF804000000000

#ifndef HYPERVISOR_VIRT_START
#define HYPERVISOR_VIRT_START xen_mk_ulong(__HYPERVISOR_VIRT_START)
#define HYPERVISOR_VIRT_END   xen_mk_ulong(__HYPERVISOR_VIRT_END)
#endif
#define MACH2PHYS_VIRT_START xen_mk_ulong(__MACH2PHYS_VIRT_START)
#define MACH2PHYS_VIRT_END   xen_mk_ulong(__MACH2PHYS_VIRT_END)
#define MACH2PHYS_NR_ENTRIES ((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3)
#ifndef machine_to_phys_mapping
#define machine_to_phys_mapping ((unsigned long *)HYPERVISOR_VIRT_START)
#endif

/* set_segment_base(which, value): value is a base, for the last a selector to load as the user's
 * %gs */
#define SEGBASE_FS          0
#define SEGBASE_GS_USER     1
#define SEGBASE_GS_KERNEL   2
#define SEGBASE_GS_USER_SEL 3

/* flag word of the iret frame: leave by SYSRET, so rcx and r11 of the frame are not restored */
#define _VGCF_in_syscall    8
#define VGCF_in_syscall     (1 << _VGCF_in_syscall)
#define VGCF_IN_SYSCALL     VGCF_in_syscall

#ifndef __ASSEMBLY__

/* What the iret hypercall finds at rsp. The cs and ss fields are words with only 16 bits used. */
struct iret_context {
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

/*
 * The general registers under the names that programs for this ABI use: hypervisor and tools know
 * all widths, for guests eax is another name of rax (and _eax its lower half), for strict ISO C
 * there is rax alone.
 */
#if defined(__XEN__) || defined(__XEN_TOOLS__)
#define __DECL_REG_LOHI(c) \
    union {                \
        uint64_t r##c##x;  \
        uint32_t e##c##x;  \
        uint16_t c##x;     \
        struct {           \
            uint8_t c##l;  \
            uint8_t c##h;  \
        };                 \
    }
#define __DECL_REG_LO16(n) \
    union {                \
        uint64_t r##n;     \
        uint32_t e##n;     \
        uint16_t n;        \
    }
#define __DECL_REG_LO8(n) \
    union {               \
        uint64_t r##n;    \
        uint32_t e##n;    \
        uint16_t n;       \
        uint8_t n##l;     \
    }
#define __DECL_REG_HI(num)  \
    union {                 \
        uint64_t r##num;    \
        uint32_t r##num##d; \
        uint16_t r##num##w; \
        uint8_t r##num##b;  \
    }
#elif defined(__GNUC__) && !defined(__STRICT_ANSI__)
#define __DECL_REG_LO16(n)   \
    union {                  \
        uint64_t r##n, e##n; \
        uint32_t _e##n;      \
    }
#define __DECL_REG_LO8(n)  __DECL_REG_LO16(n)
#define __DECL_REG_LOHI(c) __DECL_REG_LO16(c##x)
#define __DECL_REG_HI(num) uint64_t r##num
#else
#define __DECL_REG_LOHI(c) uint64_t r##c##x
#define __DECL_REG_LO16(n) uint64_t r##n
#define __DECL_REG_LO8(n)  uint64_t r##n
#define __DECL_REG_HI(num) uint64_t r##num
#endif

struct cpu_user_regs {
    __DECL_REG_HI(15);
    __DECL_REG_HI(14);
    __DECL_REG_HI(13);
    __DECL_REG_HI(12);
    __DECL_REG_LO8(bp);
    __DECL_REG_LOHI(b);
    __DECL_REG_HI(11);
    __DECL_REG_HI(10);
    __DECL_REG_HI(9);
    __DECL_REG_HI(8);
    __DECL_REG_LOHI(a);
    __DECL_REG_LOHI(c);
    __DECL_REG_LOHI(d);
    __DECL_REG_LO8(si);
    __DECL_REG_LO8(di);
    uint32_t error_code; /* the hypervisor's own use, as is entry_vector */
    uint32_t entry_vector;
    __DECL_REG_LO16(ip);
    uint16_t cs, _pad0[1];
    uint8_t saved_upcall_mask; /* upcall mask at the time of the trap */
    uint8_t _pad1[3];
    __DECL_REG_LO16(flags);
    __DECL_REG_LO8(sp);
    uint16_t ss, _pad2[3];
    uint16_t es, _pad3[3];
    uint16_t ds, _pad4[3];
    uint16_t fs, _pad5[3];
    uint16_t gs, _pad6[3];
};
typedef struct cpu_user_regs cpu_user_regs_t;
DEFINE_XEN_GUEST_HANDLE(cpu_user_regs_t);

#undef __DECL_REG_LOHI
#undef __DECL_REG_LO16
#undef __DECL_REG_LO8
#undef __DECL_REG_HI

#define xen_pfn_to_cr3(pfn) ((unsigned long)(pfn) << 12)
#define xen_cr3_to_pfn(cr3) ((unsigned long)(cr3) >> 12)

/* x86 part of vcpu_info: the page fault address, which paravirtual kernels read here */
struct arch_vcpu_info {
    unsigned long cr2;
    unsigned long pad;
};
typedef struct arch_vcpu_info arch_vcpu_info_t;

typedef unsigned long xen_callback_t; /* address of a guest entry point */

XEN_ABI_SIZE(struct iret_context, 72);
XEN_ABI_SIZE(struct cpu_user_regs, 200);
XEN_ABI_OFFSET(struct cpu_user_regs, rbp, 32);
XEN_ABI_OFFSET(struct cpu_user_regs, rax, 80);
XEN_ABI_OFFSET(struct cpu_user_regs, rdi, 112);
XEN_ABI_OFFSET(struct cpu_user_regs, error_code, 120);
XEN_ABI_OFFSET(struct cpu_user_regs, rip, 128);
XEN_ABI_OFFSET(struct cpu_user_regs, cs, 136);
XEN_ABI_OFFSET(struct cpu_user_regs, saved_upcall_mask, 140);
XEN_ABI_OFFSET(struct cpu_user_regs, rflags, 144);
XEN_ABI_OFFSET(struct cpu_user_regs, rsp, 152);
XEN_ABI_OFFSET(struct cpu_user_regs, ss, 160);
XEN_ABI_OFFSET(struct cpu_user_regs, gs, 192);
XEN_ABI_SIZE(struct arch_vcpu_info, 16);

#endif

#endif
