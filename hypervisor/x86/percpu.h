/* SPDX-License-Identifier: MIT
 *
 * A CPU's own region: 64 KiB of address space, aligned to its size, so that the stack pointer names
 * it.
 *
 *   page 0       syscall entry stubs: the same frame for every CPU, position-independent (entry.S)
 *   page 1       guard, not mapped
 *   pages 2..5   interrupt-stack-table stacks, a page each: #DF, NMI, #MC, #DB
 *   page 6       guard
 *   pages 7..14  the stack; every entry from a guest starts at its top (page 15)
 *   page 15      struct pcpu; struct regs of the guest ends where it begins
 *
 * The stack holds nothing across a context switch: dom/sched.c copies the guest's struct regs to
 * and from the vCPU and never returns (docs/architecture.md). All fields are the CPU's own unless
 * they say otherwise.
 */
#pragma once
#include "lib/list.h"
#include "lib/spinlock.h"
#include "x86/regs.h"

#define PERCPU_SIZE 0x10000ul
#define PERCPU_DATA 0xf000ul
#define MAX_CPUS    4096u

struct timer;

enum softirq { SOFTIRQ_SCHEDULE, SOFTIRQ_TIMER, SOFTIRQ_CONSOLE, SOFTIRQ_UNLOAD };

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, io_bitmap;
} __attribute__((packed));

struct pcpu {
    /* what entry.S reads; offsets through x86/offsets.c */
    struct vcpu *current; /* whose frame is on the stack; the idle vCPU when none */
    uint64_t scratch;     /* a register saved for a moment by a syscall stub */
    volatile uint32_t
        softirqs; /* bit set: enum softirq; other CPUs set bits atomically, then send an IPI */
    uint32_t id;

    uint32_t apic_id, acpi_id;
    struct vcpu *idle;
    struct vcpu
        *loaded; /* whose CR3, segments and FPU the CPU still holds; lazily kept over idle */
    uint64_t cr4;
    uint64_t cr3;         /* what CR3 holds */
    uint64_t dirty_since; /* see mm/tlb.c */
    struct tss tss;
    uint64_t *gdt;        /* this CPU's reserved GDT page (direct map): own TSS descriptor */
    uint64_t idle_gdt_va; /* GDT base to use while no guest's window is loaded */

    /* under sched_lock: other CPUs may queue here */
    struct spinlock sched_lock;
    struct list run_queue;
    uint32_t nr_running;
    uint32_t nr_homes;   /* vCPUs that live here; atomic */
    struct vcpu *chosen; /* by schedule(), which may still be saving the one before */
    bool preempt;        /* a boosted one waits */
    bool yielded;        /* the running one lets the next go first; own CPU only */

    /* under timer_lock */
    struct spinlock timer_lock;
    struct list timers; /* sorted by deadline */
    nsec_t timer_armed;
    struct timer *timer_running; /* whose function this CPU is in; read by others */

    /* lib/spinlock.c, debug builds */
    uint32_t locks_held, locks_paired; /* a bit per enum lock_class; the second of a pair */

    uint64_t idle_ns;
    nsec_t hcall_deadline; /* hypercall.c; 0: not looked at yet */
    uint64_t tsc_base;     /* x86/time.c */
    nsec_t ns_base;
    uint8_t online;
};

_Static_assert(sizeof(struct pcpu) <= 4096, "struct pcpu is one page");

static inline struct pcpu *this_cpu(void)
{
    uint64_t sp;
    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct pcpu *)((sp & ~(PERCPU_SIZE - 1)) + PERCPU_DATA);
}
/* The frame of the guest that entered last on this CPU. */
static inline struct regs *guest_regs(void)
{
    return (struct regs *)this_cpu() - 1;
}
static inline struct vcpu *current_vcpu(void)
{
    return this_cpu()->current;
}
/* All CPUs that are up, by number; NULL where none. nr_cpus is one past the highest. */
extern struct pcpu *cpus[MAX_CPUS];
extern unsigned nr_cpus;

/* Marks work for this CPU to do before it next returns to a guest or halts. */
static inline void softirq_raise(enum softirq s)
{
    __atomic_or_fetch(&this_cpu()->softirqs, 1u << s, __ATOMIC_RELAXED);
}
