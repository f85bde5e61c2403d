/* SPDX-License-Identifier: MIT
 *
 * The pretend machine's CPUs: struct pcpu of hypervisor/x86/percpu.h without the stack. this_cpu()
 * is a thread's own variable, so a test with threads gives each one a CPU by pretend_run_on().
 */
#pragma once
#include "lib/types.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "x86/regs.h"

struct vcpu;
struct timer;

#define MAX_CPUS 4096u

enum softirq { SOFTIRQ_SCHEDULE, SOFTIRQ_TIMER, SOFTIRQ_CONSOLE, SOFTIRQ_UNLOAD };

struct pcpu {
    struct vcpu *current;
    volatile uint32_t softirqs;
    uint32_t id;
    uint32_t apic_id, acpi_id;
    struct vcpu *idle;
    struct vcpu *loaded;
    uint64_t cr4;
    uint64_t cr3;
    uint64_t dirty_since;
    uint64_t *gdt, idle_gdt_va;
    struct spinlock sched_lock;
    struct list run_queue;
    uint32_t nr_running;
    uint32_t nr_homes;
    struct vcpu *chosen;
    bool preempt, yielded;
    struct spinlock timer_lock;
    struct list timers;
    nsec_t timer_armed;
    struct timer *timer_running;
    uint16_t locks_held[8];
    uint8_t nr_locks;
    uint64_t idle_ns;
    uint64_t tsc_base;
    nsec_t ns_base;
    uint8_t online;
    struct regs guest_frame;
};

extern _Thread_local struct pcpu *pretend_cpu;
extern struct pcpu *cpus[MAX_CPUS];
extern unsigned nr_cpus;

static inline struct pcpu *this_cpu(void)
{
    return pretend_cpu;
}
static inline struct regs *guest_regs(void)
{
    return &this_cpu()->guest_frame;
}
static inline struct vcpu *current_vcpu(void)
{
    return this_cpu()->current;
}
static inline void softirq_raise(enum softirq s)
{
    __atomic_or_fetch(&this_cpu()->softirqs, 1u << s, __ATOMIC_RELAXED);
}
