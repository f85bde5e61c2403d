/* SPDX-License-Identifier: MIT
 *
 * What this CPU can do, and setting it up: control registers, syscall MSRs, descriptor tables, FPU.
 */
#pragma once

struct pcpu;
struct vcpu;

struct cpu_features {
    bool nx, fsgsbase, xsave, rdtscp, pge, smep, xsaveopt, tsc_invariant, tsc_deadline;
    bool fpu_pointers_stick; /* FXRSTOR, XRSTOR leave FIP, FDP, FOP without an exception */
    bool amd;                /* AMD-style SYSCALL/SYSENTER and NUL selector behaviour */
    uint8_t phys_bits;
    uint32_t xsave_size; /* bytes of the standard-format save area for host_xcr0 */
    uint64_t host_xcr0;
};
extern struct cpu_features cpu;

void cpu_detect(void); /* boot CPU; fills `cpu` */
void cpu_init_this(
    struct pcpu *p); /* each CPU: CR0, CR4, EFER, PAT, STAR.., TSS, GDT, IDT; desc.c */
/* Loads CR4 as the current vCPU wants it: the CPU's own bits, with the guest's TSD and DE. */
void cpu_load_guest_cr4(const struct vcpu *v);
void desc_init_cpu(struct pcpu *p);
/* x86/fpu.c: the CPU's FPU holds v's state after this; what it held before is saved. */
void fpu_init(void);
void fpu_switch(struct vcpu *from, struct vcpu *to);
void *fpu_area_alloc(void);
void fpu_area_free(void *area);
/* Legacy 512-byte FXSAVE image, in and out of a vCPU that does not run. */
void fpu_set_legacy(struct vcpu *v, const void *fxsave);
void fpu_get_legacy(struct vcpu *v, void *fxsave);
/* XSETBV of the current vCPU. 0, or -EINVAL: a combination that the CPU does not take (#GP). */
int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0);

/* CR4 bits, MSRs */
#define CR0_TS             (1ul << 3)
#define CR0_WP             (1ul << 16)
#define CR0_AM             (1ul << 18) /* guests' alignment checks */
#define CR4_TSD            (1ul << 2)
#define CR4_DE             (1ul << 3)
#define CR4_PAE            (1ul << 5)
#define CR4_MCE            (1ul << 6)
#define CR4_PGE            (1ul << 7)
#define CR4_OSFXSR         (1ul << 9)
#define CR4_OSXMMEXCPT     (1ul << 10)
#define CR4_FSGSBASE       (1ul << 16)
#define CR4_OSXSAVE        (1ul << 18)
#define CR4_SMEP           (1ul << 20)
#define MSR_APIC_BASE      0x1bu
#define MSR_SYSENTER_CS    0x174u
#define MSR_SYSENTER_ESP   0x175u
#define MSR_SYSENTER_EIP   0x176u
#define MSR_PAT            0x277u
#define MSR_EFER           0xc0000080u
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_SFMASK         0xc0000084u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX        0xc0000103u
#define EFER_SCE           1ul
#define EFER_NX            (1ul << 11)
#define PAT_ABI            0x050100070406ul /* WB WT UC- UC WC WP UC UC: what PV guests assume */
