/* SPDX-License-Identifier: MIT
 *
 * The pretend machine's instructions: the host build of the hypervisor's core sees this file in
 * place of hypervisor/x86/asm.h. What a test may want to see is counted in `pretend` (pretend.h);
 * what has no meaning in a user process does nothing.
 */
#pragma once
#include "lib/types.h"

struct pretend_counters {
    unsigned long cr3_writes, invlpgs, ipis, wbinvds;
    uint64_t cr3, cr2, cr4, cr0;
    uint64_t fs_base, gs_base, gs_base_inactive;
    unsigned long swapgs;
    unsigned long wrmsrs; /* and the last one */
    uint32_t msr;
    uint64_t msr_value;
};
extern struct pretend_counters pretend;

static inline uint64_t rdtsc(void)
{
    return __builtin_ia32_rdtsc();
}
static inline uint64_t read_cr2(void)
{
    return pretend.cr2;
}
static inline void write_cr2(uint64_t v)
{
    pretend.cr2 = v;
}
static inline uint64_t read_cr0(void)
{
    return pretend.cr0;
}
static inline void write_cr0(uint64_t v)
{
    pretend.cr0 = v;
}
static inline uint64_t read_fs_base(void)
{
    return pretend.fs_base;
}
static inline void write_fs_base(uint64_t v)
{
    pretend.fs_base = v;
}
static inline uint64_t read_gs_base(void)
{
    return pretend.gs_base;
}
static inline void write_gs_base(uint64_t v)
{
    pretend.gs_base = v;
}
static inline void write_gs_base_inactive(uint64_t v)
{
    pretend.gs_base_inactive = v;
}
static inline void swapgs(void)
{
    uint64_t was = pretend.gs_base;

    pretend.gs_base = pretend.gs_base_inactive;
    pretend.gs_base_inactive = was;
    pretend.swapgs++;
}
static inline uint64_t read_cr3(void)
{
    return pretend.cr3;
}
static inline void write_cr3(uint64_t v)
{
    pretend.cr3 = v;
    __atomic_add_fetch(&pretend.cr3_writes, 1, __ATOMIC_RELAXED);
}
static inline uint64_t read_cr4(void)
{
    return pretend.cr4;
}
static inline void write_cr4(uint64_t v)
{
    pretend.cr4 = v;
}
static inline void invlpg(uint64_t va)
{
    (void)va;
    __atomic_add_fetch(&pretend.invlpgs, 1, __ATOMIC_RELAXED);
}
static inline void wbinvd(void)
{
    pretend.wbinvds++;
}
static inline void clts(void)
{
    pretend.cr0 &= ~8ul;
}
static inline void cpu_relax(void)
{
    __builtin_ia32_pause();
}
static inline void irq_disable(void)
{
}
static inline void irq_enable(void)
{
}
static inline void irq_enable_and_halt(void)
{
}
static inline void write_mb(void)
{
    __asm__ volatile("" : : : "memory");
}
static inline void full_mb(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
/* No ports and no MSRs: reads give all ones or 0, writes vanish. A test may define its own by not
 * using these. */
static inline uint64_t rdmsr(uint32_t msr)
{
    (void)msr;
    return 0;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    pretend.wrmsrs++;
    pretend.msr = msr;
    pretend.msr_value = v;
}
static inline uint8_t inb(uint16_t port)
{
    (void)port;
    return 0xff;
}
static inline void outb(uint16_t port, uint8_t v)
{
    (void)port, (void)v;
}
static inline uint16_t inw(uint16_t port)
{
    (void)port;
    return 0xffff;
}
static inline void outw(uint16_t port, uint16_t v)
{
    (void)port, (void)v;
}
static inline uint32_t inl(uint16_t port)
{
    (void)port;
    return ~0u;
}
static inline void outl(uint16_t port, uint32_t v)
{
    (void)port, (void)v;
}

/* pretend.c: as in x86/copy.S; memory named by pretend_guest_unmapped() faults. */
size_t raw_copy(void *dst, const void *src, size_t n);
int rdmsr_safe(uint32_t msr, uint64_t *v);
/* No such function: a test that needs a CPU to ask defines its own. */
void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4]);
