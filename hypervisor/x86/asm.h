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
/* Functions of one instruction, a line each. */
#define INSTRUCTION(name, text)                \
    static inline void name(void)              \
    {                                          \
        __asm__ volatile(text : : : "memory"); \
    }
#define READ_REGISTER(name, reg)                         \
    static inline uint64_t name(void)                    \
    {                                                    \
        uint64_t v;                                      \
        __asm__ volatile("mov %%" reg ", %0" : "=r"(v)); \
        return v;                                        \
    }
#define WRITE_REGISTER(name, reg)                                 \
    static inline void name(uint64_t v)                           \
    {                                                             \
        __asm__ volatile("mov %0, %%" reg : : "r"(v) : "memory"); \
    }
#define READ_PORT(name, type)                                 \
    static inline type name(uint16_t port)                    \
    {                                                         \
        type v;                                               \
        __asm__ volatile("in %1, %0" : "=a"(v) : "Nd"(port)); \
        return v;                                             \
    }
#define WRITE_PORT(name, type)                                            \
    static inline void name(uint16_t port, type v)                        \
    {                                                                     \
        __asm__ volatile("out %0, %1" : : "a"(v), "Nd"(port) : "memory"); \
    }
READ_REGISTER(read_cr0, "cr0")
READ_REGISTER(read_cr2, "cr2")
READ_REGISTER(read_cr3, "cr3")
READ_REGISTER(read_cr4, "cr4")
WRITE_REGISTER(write_cr0, "cr0")
WRITE_REGISTER(write_cr3, "cr3")
WRITE_REGISTER(write_cr4, "cr4")
READ_PORT(inb, uint8_t)
READ_PORT(inw, uint16_t)
READ_PORT(inl, uint32_t)
WRITE_PORT(outb, uint8_t)
WRITE_PORT(outw, uint16_t)
WRITE_PORT(outl, uint32_t)
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
INSTRUCTION(swapgs, "swapgs")
static inline void invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
INSTRUCTION(wbinvd, "wbinvd")
INSTRUCTION(clts, "clts")
INSTRUCTION(cpu_relax, "pause")
INSTRUCTION(irq_disable, "cli")
/* Sleeps with interrupts on until one arrives; no wake-up can be lost between sti and hlt. */
INSTRUCTION(irq_enable_and_halt, "sti; hlt; cli")
INSTRUCTION(write_mb, "")
INSTRUCTION(full_mb, "lock; addl $0, -4(%%rsp)")

/* Defined in x86/copy.S. Copies n bytes; a fault on either side ends it. Returns the bytes NOT
 * copied. */
size_t raw_copy(void *dst, const void *src, size_t n);
/* RDMSR that may fault: 0, or -14. */
int rdmsr_safe(uint32_t msr, uint64_t *v);
