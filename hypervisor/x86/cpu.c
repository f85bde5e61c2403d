/* SPDX-License-Identifier: MIT
 *
 * What the CPU can do (found once, on the boot CPU) and the control registers and MSRs of each one:
 * paging and protection bits, the PAT that PV guests assume, and the doors for SYSCALL and
 * SYSENTER, which lie in page 0 of the CPU's region (AMD64 APM vol. 2, 6.1).
 */
#include "x86/cpu.h"
#include "x86/asm.h"
#include "x86/percpu.h"
#include "dom/vcpu.h"

#define XCR0_X87_SSE  0x3ul
#define XCR0_AVX      0x4ul
#define XCR0_AVX512   0xe0ul

#define SYSCALL_ENTRY 0 /* offsets of the stubs in x86/entry.S */
#define CSTAR_ENTRY   64
#define SYSENTER_STUB 128

struct cpu_features cpu;
bool cpu_fsgsbase;

static void detect_xsave(void)
{
    uint32_t r[4];

    cpuid(0xd, 0, r);
    cpu.host_xcr0 = r[0] & (XCR0_X87_SSE | XCR0_AVX | XCR0_AVX512);
    if ((cpu.host_xcr0 & XCR0_AVX512) != XCR0_AVX512 || !(cpu.host_xcr0 & XCR0_AVX))
        cpu.host_xcr0 &= ~XCR0_AVX512;
    cpuid(0xd, 1, r);
    cpu.xsaveopt = r[0] & 1;
    /* the size in ebx of leaf 0 is that of the XCR0 in force: x86/fpu.c asks when it has set it */
}

static void detect_addresses(void)
{
    uint32_t r[4];

    cpuid(0x80000000, 0, r);
    uint32_t last = r[0];

    cpu.phys_bits = 36;
    if (last >= 0x80000008) {
        cpuid(0x80000008, 0, r);
        cpu.phys_bits = (uint8_t)r[0];
        cpu.fpu_pointers_stick = cpu.amd && !(r[1] & 1u << 2);
    }
    if (last >= 0x80000007) {
        cpuid(0x80000007, 0, r);
        cpu.tsc_invariant = r[3] & 1u << 8;
    }
}

void cpu_detect(void)
{
    uint32_t r[4];

    cpuid(0, 0, r);
    uint32_t last = r[0];

    cpu.amd = r[1] == 0x68747541 /* Auth */ || r[1] == 0x6f677948 /* Hygo */;
    cpuid(1, 0, r);
    cpu.pge = r[3] & 1u << 13;
    cpu.xsave = r[2] & 1u << 26;
    cpu.tsc_deadline = r[2] & 1u << 24;
    if (!(r[3] & 1u << 24) || !(r[3] & 1u << 16))
        panic("this CPU has no FXSAVE or no page attribute table, which PV guests need");
    if (last >= 7) {
        cpuid(7, 0, r);
        cpu.fsgsbase = r[1] & 1;
        cpu.smep = r[1] & 1u << 7;
    }
    cpuid(0x80000001, 0, r);
    cpu.nx = r[3] & 1u << 20;
    cpu.rdtscp = r[3] & 1u << 27;
    if (!(r[3] & 1u << 11) && !cpu.amd) /* Intel shows SYSCALL in long mode only, where we are */
        panic("this CPU has no SYSCALL instruction, which PV guests need");
    detect_addresses();
    if (cpu.xsave)
        detect_xsave();
    cpu_fsgsbase = cpu.fsgsbase;
}

static void set_syscall_msrs(struct pcpu *p)
{
    uint64_t base = (uint64_t)p - PERCPU_DATA;
    uint64_t sysret_base = SEL_GUEST_CS64 - 16; /* SYSRET adds 16 for CS, 8 for SS */

    wrmsr(MSR_STAR, sysret_base << 48 | (uint64_t)SEL_HV_CODE << 32);
    wrmsr(MSR_LSTAR, base + SYSCALL_ENTRY);
    wrmsr(MSR_CSTAR, base + CSTAR_ENTRY);
    wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF |
                          RFLAGS_VM | RFLAGS_AC);
    wrmsr(MSR_SYSENTER_CS, SEL_HV_CODE);
    wrmsr(MSR_SYSENTER_ESP, (uint64_t)p);
    wrmsr(MSR_SYSENTER_EIP, base + SYSENTER_STUB);
}

void cpu_init_this(struct pcpu *p)
{
    p->cr4 = CR4_PAE | CR4_MCE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT | (cpu.pge ? CR4_PGE : 0) |
             (cpu.fsgsbase ? CR4_FSGSBASE : 0) | (cpu.xsave ? CR4_OSXSAVE : 0) |
             (cpu.smep ? CR4_SMEP : 0);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (cpu.nx ? EFER_NX : 0));
    write_cr4(p->cr4);
    write_cr0((read_cr0() | CR0_WP | CR0_AM) & ~CR0_TS);
    wrmsr(MSR_PAT, PAT_ABI);
    desc_init_cpu(p);
    set_syscall_msrs(p);
    if (cpu.rdtscp)
        wrmsr(MSR_TSC_AUX, 0);
    p->cr3 = read_cr3();
}

void cpu_load_guest_cr4(const struct vcpu *v)
{
    uint64_t cr4 = this_cpu()->cr4 | (v->cr4 & CR4_TSD);

    if (read_cr4() != cr4)
        write_cr4(cr4);
}
