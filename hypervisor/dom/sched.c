/* SPDX-License-Identifier: MIT
 *
 * The scheduler and the context switch. Each CPU has a queue of runnable vCPUs. One that wakes goes
 * to the front (it waited for I/O) and preempts, one that has used up its slice to the end. The
 * timer runs only while somebody else waits.
 *
 * What a vCPU has left of its slice stays with it over preemption and sleep; sleep earns it back,
 * at the rate of its share of the CPU. Without any left, waking is no privilege: whoever sleeps and
 * wakes all the time gets a share more at most.
 *
 * States and the lock: v->flags, queued, running, p->chosen and the queue are under the sched_lock
 * of v->cpu, which is fixed while the vCPU exists. pause counts are atomic and are looked at with
 * the lock held. From the choice of another until its registers are saved a vCPU is still
 * `running`, but may be queued again: only its own CPU would run it.
 *
 * The CPU keeps the last guest vCPU's CR3, segments and FPU loaded while idle (p->loaded), so that
 * a guest that sleeps and wakes alone costs no switch.
 */
#include "lib/lib.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/init.h"
#include "x86/irq.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "mm/page_alloc.h"
#include "mm/tlb.h"
#include "dom/domain.h"
#include "dom/runstate.h"
#include "dom/sched.h"
#include "dom/timer.h"
#include "dom/vcpu.h"
#include "dev/console.h"
#include "pv/debugreg.h"
#include "pv/pv.h"

#define SLICE     MILLISECONDS(10)
#define MIN_BOOST MICROSECONDS(1000)
/* A vCPU that wakes does not take the CPU from one that got it less than this ago: else a guest
 * that sends packets pays two switches for each instead of for a batch (docs/decisions.md). */
#define RATELIMIT MICROSECONDS(1000)

struct slice {
    struct timer timer;
};
static struct slice *slices[MAX_CPUS];

bool vcpu_runnable(const struct vcpu *v)
{
    return !READ_ONCE(v->flags) && !READ_ONCE(v->pause_count) && !READ_ONCE(v->d->pause_count);
}

static int resting_state(const struct vcpu *v)
{
    if (v->flags & VCPU_DOWN)
        return RUNSTATE_offline;
    return v->flags & (VCPU_BLOCKED | VCPU_POLLING) ? RUNSTATE_blocked : RUNSTATE_offline;
}

static void poke(struct pcpu *p, enum softirq s)
{
    if (__atomic_fetch_or(&p->softirqs, 1u << s, __ATOMIC_RELEASE) & (1u << s))
        return;
    if (p != this_cpu())
        apic_send_ipi(p->id, VECTOR_EVENT_IPI);
}

/* Where in the queue: behind those who woke before it, behind all of these, or behind everybody. */
enum place { BOOSTED, FRONT, END };

/* sched_lock held. */
static void enqueue(struct vcpu *v, enum place where)
{
    struct pcpu *p = v->cpu;
    struct list *at = p->run_queue.next;

    ASSERT(!v->queued);
    v->queued = true;
    v->boosted = where == BOOSTED;
    if (where == END) {
        at = &p->run_queue;
        if (v->slice_left < MIN_BOOST)
            v->slice_left = SLICE;
    }
    while (at != &p->run_queue && list_entry(at, struct vcpu, run_link)->boosted)
        at = at->next;
    list_add_before(at, &v->run_link);
    p->nr_running++;
}

static void dequeue(struct vcpu *v)
{
    list_remove(&v->run_link);
    v->queued = false;
    v->cpu->nr_running--;
}

/* Puts a vCPU that has become runnable on its queue. */
static void make_ready(struct vcpu *v, enum place where)
{
    struct pcpu *p = v->cpu;

    if (!vcpu_runnable(v) || v->queued || p->chosen == v)
        return;
    runstate_change(v, RUNSTATE_runnable, now());
    enqueue(v, where);
    if (where == BOOSTED)
        p->preempt = true;
    poke(p, SOFTIRQ_SCHEDULE);
}

/* What v earned by sleeping. */
static void earn(struct vcpu *v)
{
    nsec_t t = now(), since = v->runstate.state_entry_time;
    uint64_t sharers = max(v->cpu->nr_homes, 2u) - 1; /* the idle vCPU lives there too */

    if (!v->queued && v->cpu->chosen != v && t > since)
        v->slice_left = min(SLICE, v->slice_left + (t - since) / sharers);
}

void vcpu_wake(struct vcpu *v)
{
    struct pcpu *p = v->cpu;

    if (!(READ_ONCE(v->flags) & (VCPU_BLOCKED | VCPU_POLLING)))
        return;
    spin_lock(&p->sched_lock);
    __atomic_and_fetch(&v->flags, ~(VCPU_BLOCKED | VCPU_POLLING), __ATOMIC_SEQ_CST);
    earn(v);
    make_ready(v, v->slice_left >= MIN_BOOST ? BOOSTED : END);
    spin_unlock(&p->sched_lock);
}

void vcpu_kick(struct vcpu *v)
{
    full_mb(); /* what the caller wrote is seen before the flags are read */
    if (READ_ONCE(v->flags) & (VCPU_BLOCKED | VCPU_POLLING))
        vcpu_wake(v);
    else if (READ_ONCE(v->running) && v->cpu != this_cpu())
        apic_send_ipi(v->cpu->id, VECTOR_EVENT_IPI);
}

/* Asks the vCPU's CPU to let go of it if it may no longer run. */
void vcpu_recheck(struct vcpu *v)
{
    struct pcpu *p = v->cpu;

    spin_lock(&p->sched_lock);
    if (v->queued && !vcpu_runnable(v)) {
        dequeue(v);
        runstate_change(v, resting_state(v), now());
    } else if (p->chosen == v)
        poke(p, SOFTIRQ_SCHEDULE);
    else
        make_ready(v, END);
    spin_unlock(&p->sched_lock);
}

/* Takes v's registers off a CPU that only keeps them out of laziness. */
static void unload(struct pcpu *p)
{
    struct vcpu *v = p->loaded;

    if (!v || v == p->current)
        return;
    segments_save(v);
    segments_unload();
    fpu_switch(v, NULL);
    debugregs_switch(v, p->idle);
    tlb_write_cr3(va_to_maddr(idle_l4));
    p->loaded = NULL;
}

void sched_sync(struct vcpu *v)
{
    struct pcpu *p = v->cpu;

    while (READ_ONCE(v->running) && v != current_vcpu()) {
        poke(p, SOFTIRQ_SCHEDULE);
        tlb_serve();
        cpu_relax();
    }
    if (READ_ONCE(p->loaded) != v)
        return;
    if (p == this_cpu()) {
        unload(p);
        return;
    }
    while (READ_ONCE(p->loaded) == v && !READ_ONCE(v->running)) {
        poke(p, SOFTIRQ_UNLOAD);
        tlb_serve();
        cpu_relax();
    }
}

void vcpu_pause(struct vcpu *v)
{
    __atomic_add_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    vcpu_recheck(v);
    if (v != current_vcpu())
        sched_sync(v);
}

void vcpu_unpause(struct vcpu *v)
{
    ASSERT(v->pause_count);
    if (!__atomic_sub_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST))
        vcpu_recheck(v);
}

static void slice_over(void *unused)
{
    (void)unused;
    softirq_raise(SOFTIRQ_SCHEDULE);
}

/* What the current guest vCPU needs from the CPU and another one may have changed. */
static void load(struct pcpu *p, struct vcpu *v)
{
    struct vcpu *old = p->loaded;

    if (old == v)
        return;
    if (old) {
        segments_save(old);
        segments_unload();
    }
    fpu_switch(old, v);
    debugregs_switch(old, v);
    __atomic_or_fetch(&v->d->dirty_cpus[p->id / 64], 1ull << (p->id % 64), __ATOMIC_SEQ_CST);
    tlb_write_cr3(mfn_to_maddr(v->kernel_mode ? v->kernel_l4 : v->user_l4));
    cpu_load_guest_cr4(v);
    if (cpu.rdtscp)
        wrmsr(MSR_TSC_AUX, v->tsc_aux);
    p->loaded = v;
    segments_load(v);
    if (v->cr0_ts)
        write_cr0(read_cr0() | CR0_TS);
}

static void __attribute__((noreturn))
switch_to(struct pcpu *p, struct vcpu *prev, struct vcpu *next)
{
    if (prev != next) {
        if (!prev->is_idle) {
            prev->regs = *guest_regs();
            full_mb();
            WRITE_ONCE(prev->running, false);
        }
        p->current = next;
        if (!next->is_idle) {
            *guest_regs() = next->regs;
            load(p, next);
            time_update_vcpu(next);
            if (next->runstate_area.v || next->time_area.v)
                __atomic_or_fetch(&next->pending, PEND_AREAS, __ATOMIC_RELAXED);
        }
    }
    if (next->is_idle)
        reset_stack_and_call(idle_loop);
    exit_to_guest();
}

/* The first of the queue, or prev when it may and should go on, or the idle vCPU. sched_lock held.
 */
static struct vcpu *choose(struct pcpu *p, struct vcpu *prev, bool keep, nsec_t t)
{
    struct vcpu *next;

    if (list_empty(&p->run_queue))
        return keep ? prev : p->idle;
    if (keep && prev->slice_left && !p->yielded &&
        (!p->preempt || t < prev->turn_start + RATELIMIT))
        return prev;
    next = list_entry(p->run_queue.next, struct vcpu, run_link);
    dequeue(next);
    if (keep)
        enqueue(prev, prev->slice_left && !p->yielded ? FRONT : END);
    return next;
}

void schedule(void)
{
    struct pcpu *p = this_cpu();
    struct vcpu *prev = p->current, *next;
    nsec_t t = now(), end;
    bool keep;

    spin_lock(&p->sched_lock);
    keep = !prev->is_idle && vcpu_runnable(prev);
    prev->slice_left = t < prev->slice_end ? prev->slice_end - t : 0;
    p->chosen = next = choose(p, prev, keep, t);
    p->preempt &= next == prev; /* the one that woke still waits */
    p->yielded = false;
    if (prev != next) {
        next->turn_start = t;
        if (!prev->is_idle)
            runstate_change(prev, keep ? RUNSTATE_runnable : resting_state(prev), t);
        if (!next->is_idle) {
            runstate_change(next, RUNSTATE_running, t);
            next->running = true;
        }
    }
    next->slice_end = t + (next->slice_left ? next->slice_left : SLICE);
    end = p->preempt ? min(next->slice_end, next->turn_start + RATELIMIT) : next->slice_end;
    spin_unlock(&p->sched_lock);

    if (!next->is_idle && !list_empty(&p->run_queue))
        timer_set(&slices[p->id]->timer, end);
    else if (slices[p->id]->timer.cpu)
        timer_stop(&slices[p->id]->timer);
    switch_to(p, prev, next);
}

void sched_yield_current(void)
{
    this_cpu()->yielded = true; /* the next in the queue goes first */
    softirq_raise(SOFTIRQ_SCHEDULE);
}

void idle_loop(void)
{
    struct pcpu *p = this_cpu();

    for (;;) {
        uint32_t set = __atomic_exchange_n(&p->softirqs, 0, __ATOMIC_ACQUIRE);

        if (set & (1u << SOFTIRQ_TIMER))
            timer_run();
        if (set & (1u << SOFTIRQ_CONSOLE))
            console_softirq();
        if (set & (1u << SOFTIRQ_UNLOAD))
            unload(p);
        if ((set & (1u << SOFTIRQ_SCHEDULE)) || !list_empty(&p->run_queue))
            schedule();
        if (!set && !p->softirqs) {
            nsec_t before = now();

            irq_enable_and_halt();
            p->idle_ns += now() - before;
        }
    }
}

/* The CPU with the fewest vCPUs waiting. */
static struct pcpu *choose_cpu(void)
{
    struct pcpu *best = NULL;

    for (unsigned i = 0; i < nr_cpus; i++)
        if (cpus[i] && cpus[i]->online && (!best || cpus[i]->nr_homes < best->nr_homes))
            best = cpus[i];
    return best;
}

void sched_add_vcpu(struct vcpu *v)
{
    list_init(&v->run_link);
    v->cpu = v->is_idle ? this_cpu() : choose_cpu();
    __atomic_add_fetch(&v->cpu->nr_homes, 1, __ATOMIC_RELAXED);
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = now();
}

void sched_remove_vcpu(struct vcpu *v)
{
    ASSERT(!v->running && !v->queued);
    __atomic_sub_fetch(&v->cpu->nr_homes, 1, __ATOMIC_RELAXED);
}

void sched_init_cpu(void)
{
    struct pcpu *p = this_cpu();

    p->sched_lock = SPINLOCK(LOCK_SCHED);
    p->timer_lock = SPINLOCK(LOCK_TIMER);
    list_init(&p->run_queue);
    list_init(&p->timers);
    p->timer_armed = NSEC_NEVER;
    slices[p->id] = hv_alloc(sizeof(struct slice));
    p->idle = slices[p->id] ? vcpu_create_idle() : NULL;
    if (!p->idle)
        panic("no memory for the scheduler of CPU %u", p->id);
    timer_init(&slices[p->id]->timer, slice_over, NULL);
    p->current = p->chosen = p->idle;
    p->online = true;
}
