/* SPDX-License-Identifier: MIT
 *
 * Offsets and constants for assembly. Compiled to assembly only; the build turns each "->" line
 * into a #define of offsets.h.
 */
#include "x86/percpu.h"
#include "x86/regs.h"
#include "dom/vcpu.h"

#define EMIT(name, value) __asm__ volatile("\n->" #name " %0" : : "i"(value))

void offsets(void);
void offsets(void)
{
    EMIT(REGS_SIZE, sizeof(struct regs));
    EMIT(REGS_VECTOR, offsetof(struct regs, vector));
    EMIT(REGS_CS, offsetof(struct regs, cs));
    EMIT(REGS_RIP, offsetof(struct regs, rip));
    EMIT(PERCPU_SIZE, PERCPU_SIZE);
    EMIT(PERCPU_DATA, PERCPU_DATA);
    EMIT(PCPU_CURRENT, offsetof(struct pcpu, current));
    EMIT(PCPU_SCRATCH, offsetof(struct pcpu, scratch));
    EMIT(PCPU_SOFTIRQS, offsetof(struct pcpu, softirqs));
    EMIT(VCPU_KERNEL_MODE, offsetof(struct vcpu, kernel_mode));
    EMIT(VCPU_PENDING, offsetof(struct vcpu, pending));
    EMIT(VCPU_INFO, offsetof(struct vcpu, info));
    EMIT(ENTRY_SYSCALL, ENTRY_SYSCALL);
    EMIT(ENTRY_SYSCALL32, ENTRY_SYSCALL32);
    EMIT(ENTRY_SYSENTER, ENTRY_SYSENTER);
    EMIT(SEL_GUEST_DS, SEL_GUEST_DS);
    EMIT(SEL_GUEST_CS32, SEL_GUEST_CS32);
    EMIT(SEL_GUEST_CS64, SEL_GUEST_CS64);
    EMIT(RFLAGS_NT, RFLAGS_NT);
    EMIT(RFLAGS_IF, RFLAGS_IF);
    EMIT(RFLAGS_ONE, RFLAGS_ONE);
}
