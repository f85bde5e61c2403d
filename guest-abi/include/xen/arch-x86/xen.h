/* SPDX-License-Identifier: MIT */
/*
 * x86 part of xen.h: guest handles, sizes of basic types, trap tables, vCPU contexts, CPUID and MSR
 * records. Only x86-64 is described; the 32-bit PV ABI does not exist here.
 *
 * A guest handle is a guest virtual address with a type; it is a struct so that the hypervisor
 * cannot follow it by accident. All handles are 8 bytes.
 */
#ifndef __XEN_PUBLIC_ARCH_X86_XEN_H__
#define __XEN_PUBLIC_ARCH_X86_XEN_H__

#include "../xen-compat.h"

#if !defined(__x86_64__)
#error "these headers describe the x86-64 ABI only"
#endif

#ifndef __ASSEMBLY__
#define ___DEFINE_XEN_GUEST_HANDLE(name, type) \
    typedef struct {                           \
        type *p;                               \
    } __guest_handle_##name
/* each handle type has a twin for memory that the callee only reads: XEN_GUEST_HANDLE(const_x) */
#define __DEFINE_XEN_GUEST_HANDLE(name, type) \
    ___DEFINE_XEN_GUEST_HANDLE(name, type);   \
    ___DEFINE_XEN_GUEST_HANDLE(const_##name, const type)
#define DEFINE_XEN_GUEST_HANDLE(name) __DEFINE_XEN_GUEST_HANDLE(name, name)
#define __XEN_GUEST_HANDLE(name)      __guest_handle_##name
#define XEN_GUEST_HANDLE(name)        __XEN_GUEST_HANDLE(name)
#define XEN_GUEST_HANDLE_PARAM(name)  XEN_GUEST_HANDLE(name)
#define set_xen_guest_handle_raw(hnd, val) \
    do {                                   \
        (hnd).p = (val);                   \
    } while (0)
#define set_xen_guest_handle(hnd, val) set_xen_guest_handle_raw(hnd, val)
#if defined(__XEN_TOOLS__)
#define get_xen_guest_handle(val, hnd) \
    do {                               \
        (val) = (hnd).p;               \
    } while (0)
#endif

typedef unsigned long xen_pfn_t; /* frame number: machine or guest, the field says which */
#define PRI_xen_pfn  "lx"
#define PRIu_xen_pfn "lu"
typedef unsigned long xen_ulong_t; /* native word of a 64-bit guest */
#define PRI_xen_ulong "lx"
#endif

#define XEN_HAVE_PV_GUEST_ENTRY  1
#define XEN_HAVE_PV_UPCALL_MASK  1

/* The guest's GDT has 14 pages of its own; the hypervisor's entries follow in the last two. */
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_BYTE / 8)

/* vCPUs with a slot in the shared_info page; others must register one (VCPUOP_register_vcpu_info)
 */
#define XEN_LEGACY_MAX_VCPUS     32

#include "xen-x86_64.h"

#ifndef __ASSEMBLY__
/* One entry of the list given to set_trap_table; the entry with address 0 ends the list. */
struct trap_info {
    uint8_t vector;
    uint8_t flags; /* bits 0-1: DPL for INT n; bit 2: mask events on entry */
    uint16_t cs;
    unsigned long address;
};
typedef struct trap_info trap_info_t;
DEFINE_XEN_GUEST_HANDLE(trap_info_t);
#define TI_GET_DPL(ti)      ((ti)->flags & 3)
#define TI_GET_IF(ti)       ((ti)->flags & 4)
#define TI_SET_DPL(ti, dpl) ((ti)->flags |= (dpl))
#define TI_SET_IF(ti, on)   ((ti)->flags |= ((!!(on)) << 2))

/*
 * Whole state of a vCPU: VCPUOP_initialise and XEN_DOMCTL_{set,get}vcpucontext.
 * The control registers hold cr3 as xen_pfn_to_cr3(mfn): [3] is the kernel's, [1] the user's L4.
 */
struct vcpu_guest_context {
    struct {
        char x[512];
    } fpu_ctxt; /* FXSAVE image, valid with VGCF_I387_VALID */
#define VGCF_I387_VALID                (1 << 0)
#define VGCF_IN_KERNEL                 (1 << 2)
#define _VGCF_i387_valid               0
#define VGCF_i387_valid                (1 << _VGCF_i387_valid)
#define _VGCF_in_kernel                2
#define VGCF_in_kernel                 (1 << _VGCF_in_kernel)
#define _VGCF_failsafe_disables_events 3
#define VGCF_failsafe_disables_events  (1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events  4
#define VGCF_syscall_disables_events   (1 << _VGCF_syscall_disables_events)
#define _VGCF_online                   5
#define VGCF_online                    (1 << _VGCF_online)
    unsigned long flags; /* VGCF_* */
    struct cpu_user_regs user_regs;
    struct trap_info trap_ctxt[256];
    unsigned long ldt_base;       /* linear, page-aligned */
    unsigned long ldt_ents;       /* entries of 8 bytes */
    unsigned long gdt_frames[16]; /* machine frames */
    unsigned long gdt_ents;
    unsigned long kernel_ss, kernel_sp; /* stack for entries from user mode */
    unsigned long ctrlreg[8];
    unsigned long debugreg[8];
    unsigned long event_callback_eip;
    unsigned long failsafe_callback_eip;
    unsigned long syscall_callback_eip;
    unsigned long vm_assist; /* bits VMASST_TYPE_*; taken from vCPU 0 only */
    uint64_t fs_base;
    uint64_t gs_base_kernel;
    uint64_t gs_base_user;
};
typedef struct vcpu_guest_context vcpu_guest_context_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_guest_context_t);

/* The guest's own map of its memory, for tools that save it. Written by the guest, read by tools
 * only. */
struct arch_shared_info {
    unsigned long max_pfn;                /* highest pfn + 1 */
    xen_pfn_t pfn_to_mfn_frame_list_list; /* mfn of the 3-level list's top, ~0: use p2m_cr3 */
    unsigned long nmi_reason;             /* XEN_NMIREASON_* */
    unsigned long p2m_cr3;                /* page tables that map p2m_vaddr, cr3 format; 0: none */
    unsigned long p2m_vaddr;
    unsigned long p2m_generation; /* odd while the guest rewrites its list */
};
typedef struct arch_shared_info arch_shared_info_t;

XEN_ABI_SIZE(struct trap_info, 16);
XEN_ABI_SIZE(struct vcpu_guest_context, 5168);
XEN_ABI_OFFSET(struct vcpu_guest_context, flags, 512);
XEN_ABI_OFFSET(struct vcpu_guest_context, user_regs, 520);
XEN_ABI_OFFSET(struct vcpu_guest_context, trap_ctxt, 720);
XEN_ABI_OFFSET(struct vcpu_guest_context, ldt_base, 4816);
XEN_ABI_OFFSET(struct vcpu_guest_context, gdt_frames, 4832);
XEN_ABI_OFFSET(struct vcpu_guest_context, kernel_ss, 4968);
XEN_ABI_OFFSET(struct vcpu_guest_context, ctrlreg, 4984);
XEN_ABI_OFFSET(struct vcpu_guest_context, event_callback_eip, 5112);
XEN_ABI_OFFSET(struct vcpu_guest_context, vm_assist, 5136);
XEN_ABI_OFFSET(struct vcpu_guest_context, gs_base_user, 5160);
XEN_ABI_SIZE(struct arch_shared_info, 48);

#if defined(__XEN__) || defined(__XEN_TOOLS__)
/* x86 part of createdomain: devices emulated for the domain (none for PV but the PIT for dom0), odd
 * options */
struct xen_arch_domainconfig {
#define _XEN_X86_EMU_LAPIC    0
#define XEN_X86_EMU_LAPIC     (1U << _XEN_X86_EMU_LAPIC)
#define _XEN_X86_EMU_HPET     1
#define XEN_X86_EMU_HPET      (1U << _XEN_X86_EMU_HPET)
#define _XEN_X86_EMU_PM       2
#define XEN_X86_EMU_PM        (1U << _XEN_X86_EMU_PM)
#define _XEN_X86_EMU_RTC      3
#define XEN_X86_EMU_RTC       (1U << _XEN_X86_EMU_RTC)
#define _XEN_X86_EMU_IOAPIC   4
#define XEN_X86_EMU_IOAPIC    (1U << _XEN_X86_EMU_IOAPIC)
#define _XEN_X86_EMU_PIC      5
#define XEN_X86_EMU_PIC       (1U << _XEN_X86_EMU_PIC)
#define _XEN_X86_EMU_VGA      6
#define XEN_X86_EMU_VGA       (1U << _XEN_X86_EMU_VGA)
#define _XEN_X86_EMU_IOMMU    7
#define XEN_X86_EMU_IOMMU     (1U << _XEN_X86_EMU_IOMMU)
#define _XEN_X86_EMU_PIT      8
#define XEN_X86_EMU_PIT       (1U << _XEN_X86_EMU_PIT)
#define _XEN_X86_EMU_USE_PIRQ 9
#define XEN_X86_EMU_USE_PIRQ  (1U << _XEN_X86_EMU_USE_PIRQ)
#define _XEN_X86_EMU_VPCI     10
#define XEN_X86_EMU_VPCI      (1U << _XEN_X86_EMU_VPCI)
#define XEN_X86_EMU_ALL       ((1U << (_XEN_X86_EMU_VPCI + 1)) - 1)
    uint32_t emulation_flags;
#define XEN_X86_MSR_RELAXED    (1u << 0) /* unknown MSRs read as 0 and swallow writes */
#define XEN_X86_MISC_FLAGS_MAX XEN_X86_MSR_RELAXED
    uint32_t misc_flags;
};
XEN_ABI_SIZE(struct xen_arch_domainconfig, 8);
#endif

/* One record of a CPU policy: what CPUID returns for (leaf, subleaf). */
#define XEN_CPUID_NO_SUBLEAF 0xffffffffu
struct xen_cpuid_leaf {
    uint32_t leaf, subleaf;
    uint32_t a, b, c, d;
};
typedef struct xen_cpuid_leaf xen_cpuid_leaf_t;
DEFINE_XEN_GUEST_HANDLE(xen_cpuid_leaf_t);

/* One MSR of a CPU policy; flags must be 0. */
struct xen_msr_entry {
    uint32_t idx;
    uint32_t flags;
    uint64_t val;
};
typedef struct xen_msr_entry xen_msr_entry_t;
DEFINE_XEN_GUEST_HANDLE(xen_msr_entry_t);

XEN_ABI_SIZE(struct xen_cpuid_leaf, 24);
XEN_ABI_SIZE(struct xen_msr_entry, 16);
#endif

/* Prefix (ud2; "xen") that asks the hypervisor to emulate the instruction behind it: CPUID only. */
#ifdef __ASSEMBLY__
#define XEN_EMULATE_PREFIX .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e;
#define XEN_CPUID          XEN_EMULATE_PREFIX cpuid
#else
#define XEN_EMULATE_PREFIX ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID          XEN_EMULATE_PREFIX "cpuid"
#endif

/* port whose bytes go to the hypervisor's debug console (HVM) */
#define XEN_HVM_DEBUGCONS_IOPORT 0xe9

#endif
