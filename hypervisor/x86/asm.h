/* SPDX-License-Identifier: MIT
 *
 * Every privileged or model-specific instruction, one inline each. The host build of the core
 * (tests/host) puts a pretend version of this file and of x86/hvmap.h and x86/percpu.h before this
 * one on the include path.
 */
#pragma once

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}
static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}
static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(sub));
}
static inline uint64_t read_cr0(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}
static inline void write_cr0(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}
static inline uint64_t read_cr2(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}
static inline uint64_t read_cr3(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}
static inline void write_cr3(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}
static inline uint64_t read_cr4(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}
static inline void write_cr4(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline uint16_t inw(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
/* Segment bases: RDFSBASE and friends need CR4.FSGSBASE, which the hypervisor sets on every CPU
 * that has it. */
extern bool cpu_fsgsbase;
static inline uint64_t read_fs_base(void)
{
    uint64_t v;
    if (!cpu_fsgsbase)
        return rdmsr(0xc0000100);
    __asm__ volatile("rdfsbase %0" : "=r"(v));
    return v;
}
static inline void write_fs_base(uint64_t v)
{
    if (cpu_fsgsbase)
        __asm__ volatile("wrfsbase %0" : : "r"(v));
    else
        wrmsr(0xc0000100, v);
}
static inline uint64_t read_gs_base(void)
{
    uint64_t v;
    if (!cpu_fsgsbase)
        return rdmsr(0xc0000101);
    __asm__ volatile("rdgsbase %0" : "=r"(v));
    return v;
}
static inline void write_gs_base(uint64_t v)
{
    if (cpu_fsgsbase)
        __asm__ volatile("wrgsbase %0" : : "r"(v));
    else
        wrmsr(0xc0000101, v);
}
/* The base that SWAPGS would bring in (MSR KernelGSbase). */
static inline void write_gs_base_inactive(uint64_t v)
{
    wrmsr(0xc0000102, v);
}
static inline void swapgs(void)
{
    __asm__ volatile("swapgs" : : : "memory");
}
static inline void invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
static inline void wbinvd(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}
static inline void clts(void)
{
    __asm__ volatile("clts" : : : "memory");
}
static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}
static inline void irq_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}
/* Sleeps with interrupts on until one arrives; no wake-up can be lost between sti and hlt. */
static inline void irq_enable_and_halt(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}
static inline void write_mb(void)
{
    __asm__ volatile("" : : : "memory");
}
static inline void full_mb(void)
{
    __asm__ volatile("lock; addl $0, -4(%%rsp)" : : : "memory");
}

/* Defined in x86/copy.S. Copies n bytes; a fault on either side ends it. Returns the bytes NOT
 * copied. */
size_t raw_copy(void *dst, const void *src, size_t n);
/* RDMSR that may fault: 0, or -14. */
int rdmsr_safe(uint32_t msr, uint64_t *v);
