/* SPDX-License-Identifier: MIT
 *
 * Model-specific registers as a PV guest sees them: a closed list; what is not on it is a #GP,
 * which Linux expects of MSRs it only probes. Reads of the machine's own state that are harmless
 * and that dom0's drivers want go to the hardware with a fault fix-up. Nothing a guest writes
 * reaches the hardware but segment bases and TSC_AUX.
 */
#include "lib/lib.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "mm/frame.h"
#include "pv/hypercall_page.h"
#include "pv/pv.h"

#define MSR_TSC           0x10u
#define MSR_UCODE_REV     0x8bu
#define MSR_MCG_CAP       0x179u
#define MSR_MCG_STATUS    0x17au
#define MSR_MISC_ENABLE   0x1a0u
#define MSR_MC0_CTL       0x400u
#define MSR_MC_LAST       0x47fu
#define MSR_HYPERCALL     0x40000000u
#define MSR_K8_SYSCFG     0xc0010010u
#define MSR_K8_HWCR       0xc0010015u
#define MSR_AMD64_DE_CFG  0xc0011029u
#define APIC_BASE_BSP     0x100u
#define APIC_BASE_ENABLE  0x800u
#define APIC_BASE_ADDRESS 0xfee00000u

int guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *val)
{
    switch (msr) {
    case MSR_FS_BASE:
        *val = read_fs_base();
        return 0;
    case MSR_GS_BASE:
        *val = read_gs_base();
        return 0;
    case MSR_KERNEL_GS_BASE:
        *val = rdmsr(MSR_KERNEL_GS_BASE);
        return 0;
    case MSR_TSC:
        *val = rdtsc();
        return 0;
    case MSR_TSC_AUX:
        *val = v->tsc_aux;
        return cpu.rdtscp ? 0 : -EPERM;
    case MSR_APIC_BASE:
        *val = APIC_BASE_ADDRESS | APIC_BASE_ENABLE | (v->id == 0 ? APIC_BASE_BSP : 0);
        return 0;
    case MSR_PAT:
        *val = PAT_ABI;
        return 0;
    case MSR_EFER:
        *val = rdmsr(MSR_EFER);
        return 0;
    case MSR_UCODE_REV:
    case MSR_MISC_ENABLE:
        return rdmsr_safe(msr, val) ? -EPERM : 0;
    case MSR_MCG_CAP: /* no machine-check banks */
    case MSR_MCG_STATUS:
    case MSR_MC0_CTL ... MSR_MC_LAST:
        *val = 0;
        return 0;
    case MSR_K8_HWCR:
    case MSR_K8_SYSCFG:
        *val = 0;
        return cpu.amd ? 0 : -EPERM;
    case MSR_AMD64_DE_CFG:
        *val = 2; /* LFENCE serialises */
        return cpu.amd ? 0 : -EPERM;
    default:
        guest_log("read of MSR %x at %lx", msr, guest_regs()->rip);
        return -EPERM;
    }
}

int guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t val)
{
    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE:
        if (!va_is_canonical(val))
            return -EPERM;
        if (msr == MSR_FS_BASE)
            write_fs_base(val);
        else if (msr == MSR_GS_BASE)
            write_gs_base(val);
        else
            write_gs_base_inactive(val);
        return 0;
    case MSR_TSC_AUX:
        if (!cpu.rdtscp || val >> 32)
            return -EPERM;
        v->tsc_aux = val;
        wrmsr(MSR_TSC_AUX, val);
        return 0;
    case MSR_EFER: /* only as it is */
        return val == rdmsr(MSR_EFER) ? 0 : -EPERM;
    case MSR_PAT:
        return val == PAT_ABI ? 0 : -EPERM;
    case MSR_APIC_BASE:
    case MSR_UCODE_REV:
    case MSR_MCG_STATUS:
    case MSR_MC0_CTL ... MSR_MC_LAST:
    case MSR_MISC_ENABLE:
        return 0; /* dropped: dom0 clears and re-arms what it thinks are its own banks
                     (docs/abi-gaps.md) */
    case MSR_K8_HWCR:
        return cpu.amd ? 0 : -EPERM;
    case MSR_HYPERCALL:
        return hypercall_page_write(v->d, maddr_to_mfn(val)) ? -EPERM : 0;
    default:
        guest_log("write of MSR %x, value %lx, at %lx", msr, val, guest_regs()->rip);
        return -EPERM;
    }
}
