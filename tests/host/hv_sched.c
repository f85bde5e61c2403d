/* SPDX-License-Identifier: MIT
 *
 * The scheduler and the timers: order, slices, the boost of those who wake and its limit, yield,
 * blocking and polling without lost wake-ups, and timers that are set again, stopped, ended or
 * armed by many CPUs at once. schedule() never returns; here its end is a longjmp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <xen/sched.h>
#include "pretend.h"
#include "comms/evtchn.h"
#include "dev/console.h"
#include "dom/runstate.h"
#include "dom/sched.h"
#include "dom/timer.h"
#include "dom/watchdog.h"
#include "pv/debugreg.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/init.h"
#include "x86/irq.h"
#include "x86/time.h"

#define MS MILLISECONDS

static jmp_buf back;
static struct vcpu idle_vcpu;
static struct domain idle_of = {.id = DOMID_IDLE_, .is_idle = true};
static nsec_t armed;
static bool port_pending;

/* ---- fakes ---- */

void exit_to_guest(void)
{
    longjmp(back, 1);
}
void reset_stack_and_call(void (*fn)(void))
{
    (void)fn;
    longjmp(back, 2);
}
void segments_save(struct vcpu *v)
{
    (void)v;
}
void segments_load(struct vcpu *v)
{
    (void)v;
}
void segments_unload(void)
{
}
void fpu_switch(struct vcpu *from, struct vcpu *to)
{
    (void)from, (void)to;
}
void debugregs_switch(const struct vcpu *from, const struct vcpu *to)
{
    (void)from, (void)to;
}
void cpu_load_guest_cr4(const struct vcpu *v)
{
    (void)v;
}
void time_update_vcpu(struct vcpu *v)
{
    (void)v;
}
void time_update_secondary(struct vcpu *v)
{
    (void)v;
}
void console_softirq(void)
{
}
void apic_arm_timer(nsec_t deadline)
{
    armed = deadline;
}
struct vcpu *vcpu_create_idle(void)
{
    memset(&idle_vcpu, 0, sizeof(idle_vcpu));
    idle_vcpu.is_idle = idle_vcpu.running = true;
    idle_vcpu.d = &idle_of;
    sched_add_vcpu(&idle_vcpu);
    return &idle_vcpu;
}
bool evtchn_port_valid(struct domain *d, uint32_t port)
{
    (void)d;
    return port == 1 || port == 2;
}
bool evtchn_is_pending(struct domain *d, uint32_t port)
{
    (void)d;
    return port == 1 && port_pending;
}
void domain_shutdown(struct domain *d, uint8_t reason)
{
    d->shutdown_code = reason;
    d->is_shut_down = true;
}

/* ---- helpers ---- */

static struct domain *d;

static int boot(void **state)
{
    (void)state;
    pretend_boot(); /* once: the hypervisor's heap does not survive it */
    return 0;
}

static int setup(void **state)
{
    (void)state;
    this_cpu()->softirqs = this_cpu()->nr_running = this_cpu()->nr_homes = 0;
    this_cpu()->current = this_cpu()->loaded = NULL;
    this_cpu()->preempt = this_cpu()->yielded = false;
    memset(&idle_of, 0, sizeof(idle_of));
    idle_of.is_idle = true;
    pretend_now = 1000 * MS(1);
    port_pending = false;
    armed = NSEC_NEVER;
    sched_init_cpu();
    d = pretend_domain(1, false, 100, 4);
    for (unsigned i = 0; i < 4; i++) {
        d->vcpu[i]->kernel_l4 = mfn(0x100);
        d->vcpu[i]->flags = VCPU_DOWN;
        timer_init(&d->vcpu[i]->poll_timer, sched_poll_timeout, d->vcpu[i]);
        timer_init(&d->vcpu[i]->singleshot, sched_poll_timeout, d->vcpu[i]);
        sched_add_vcpu(d->vcpu[i]);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        timer_end(&d->vcpu[i]->poll_timer);
        timer_end(&d->vcpu[i]->singleshot);
        d->vcpu[i]->kernel_l4 = MFN_NONE;
    }
    this_cpu()->current = this_cpu()->loaded = NULL;
    pretend_domain_destroy(d);
    return 0;
}

static struct vcpu *current(void)
{
    return current_vcpu();
}

/* What the exit path does: softirqs until there are none. */
static void exit_path(void)
{
    struct pcpu *p = this_cpu();

    while (p->softirqs) {
        uint32_t set = __atomic_exchange_n(&p->softirqs, 0, __ATOMIC_ACQUIRE);

        if (set & 1u << SOFTIRQ_TIMER)
            timer_run();
        if (set & 1u << SOFTIRQ_SCHEDULE && !setjmp(back))
            schedule();
    }
}

static void advance(nsec_t by)
{
    nsec_t end = pretend_now + by;

    while (armed <= end) {
        pretend_now = max(pretend_now, armed);
        softirq_raise(SOFTIRQ_TIMER);
        exit_path();
    }
    pretend_now = end;
}

static void start(unsigned n)
{
    __atomic_and_fetch(&d->vcpu[n]->flags, ~VCPU_DOWN, __ATOMIC_SEQ_CST);
    vcpu_recheck(d->vcpu[n]);
    exit_path();
}

static void block_current(void)
{
    struct hcall c = pretend_hcall(current(), 0, 0, 0, 0, 0);

    assert_int_equal(schedop_block(&c, NULL), 0);
    exit_path();
}

/* ---- tests ---- */

static void round_robin(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        start(i);
    assert_ptr_equal(current(), d->vcpu[0]);
    for (unsigned turn = 0; turn < 9; turn++) {
        assert_ptr_equal(current(), d->vcpu[turn % 3]);
        advance(MS(10));
    }
    assert_in_range(vcpu_cpu_time(d->vcpu[0]), 3 * MS(10), 3 * MS(10) + MS(1));
}

static void no_timer_when_alone(void **state)
{
    (void)state;
    start(0);
    assert_true(armed == NSEC_NEVER);
    advance(MS(500));
    assert_ptr_equal(current(), d->vcpu[0]);
    start(1); /* the first has had more than its slice */
    assert_ptr_equal(current(), d->vcpu[1]);
    assert_true(armed <= pretend_now + MS(10));
}

static void yield(void **state)
{
    (void)state;
    start(0);
    sched_yield_current(); /* alone: goes on */
    exit_path();
    assert_ptr_equal(current(), d->vcpu[0]);
    start(1);
    start(2);
    assert_ptr_equal(current(), d->vcpu[0]);
    sched_yield_current();
    exit_path();
    assert_ptr_equal(current(), d->vcpu[1]);
    sched_yield_current();
    exit_path();
    assert_ptr_equal(current(), d->vcpu[2]);
}

/* Who waited for I/O preempts; who was preempted goes on before those who wait for their turn. */
static void boost(void **state)
{
    (void)state;
    start(0);
    block_current();
    assert_ptr_equal(current(), &idle_vcpu);
    start(1);
    start(2);
    advance(MS(5));
    assert_ptr_equal(current(), d->vcpu[1]);
    vcpu_wake(d->vcpu[0]);
    exit_path();
    assert_ptr_equal(current(), d->vcpu[0]);
    advance(MS(1));
    block_current();
    assert_ptr_equal(current(), d->vcpu[1]); /* the rest of its slice */
    advance(MS(5));
    assert_ptr_equal(current(), d->vcpu[2]);
}

static void boosted_in_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        start(i);
        advance(MS(1));
        block_current();
    }
    start(3);
    advance(MS(1));
    for (unsigned i = 0; i < 3; i++)
        vcpu_wake(d->vcpu[i]);
    exit_path();
    for (unsigned i = 0; i < 3; i++) {
        assert_ptr_equal(current(), d->vcpu[i]);
        block_current();
    }
    assert_ptr_equal(current(), d->vcpu[3]);
}

/* One that always sleeps a moment before its slice ends must not have the CPU for itself. */
static void no_starvation_by_sleeping(void **state)
{
    uint64_t victim, cheat;

    (void)state;
    start(0);
    start(1);
    for (int i = 0; i < 200; i++) {
        if (current() == d->vcpu[0]) {
            advance(MS(9) + 900000);
            if (current() == d->vcpu[0])
                block_current();
            advance(10000);
            vcpu_wake(d->vcpu[0]);
            exit_path();
        } else {
            advance(MS(10));
        }
    }
    cheat = vcpu_cpu_time(d->vcpu[0]);
    victim = vcpu_cpu_time(d->vcpu[1]);
    assert_true(victim * 3 > cheat);
}

/* Nor two that wake each other. */
static void no_starvation_by_ping_pong(void **state)
{
    uint64_t total = pretend_now;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        start(i);
    for (int i = 0; i < 40000; i++) {
        struct vcpu *v = current();

        advance(MICROSECONDS(50));
        if (v != current() || v == d->vcpu[2])
            continue;
        vcpu_wake(v == d->vcpu[0] ? d->vcpu[1] : d->vcpu[0]);
        block_current();
    }
    total = pretend_now - total;
    assert_true(vcpu_cpu_time(d->vcpu[2]) * 5 > total);
}

static void pauses(void **state)
{
    (void)state;
    start(0);
    start(1);
    vcpu_pause(d->vcpu[1]); /* queued */
    assert_false(d->vcpu[1]->queued);
    vcpu_pause(d->vcpu[1]);
    vcpu_unpause(d->vcpu[1]);
    assert_false(d->vcpu[1]->queued);
    vcpu_unpause(d->vcpu[1]);
    assert_true(d->vcpu[1]->queued);
    vcpu_pause(d->vcpu[0]); /* itself: leaves at the exit */
    exit_path();
    assert_ptr_equal(current(), d->vcpu[1]);
    assert_int_equal(d->vcpu[0]->runstate.state, RUNSTATE_offline);
    vcpu_unpause(d->vcpu[0]);
    assert_true(d->vcpu[0]->queued);
}

/* A wake-up between the choice of another and the moment the registers are saved. */
static void woken_while_leaving(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    start(0);
    start(1);
    v->flags |= VCPU_BLOCKED;
    softirq_raise(SOFTIRQ_SCHEDULE);
    exit_path();
    assert_ptr_equal(current(), d->vcpu[1]);
    v->running = true; /* as another CPU may still see it */
    vcpu_wake(v);
    assert_true(v->queued);
    v->running = false;
}

static void block_with_event_pending(void **state)
{
    struct hcall c;

    (void)state;
    start(0);
    c = pretend_hcall(d->vcpu[0], 0, 0, 0, 0, 0);
    d->vcpu[0]->info->evtchn_upcall_mask = 1;
    d->vcpu[0]->info->evtchn_upcall_pending = 1;
    assert_int_equal(schedop_block(&c, NULL), 0);
    assert_int_equal(d->vcpu[0]->info->evtchn_upcall_mask, 0);
    assert_int_equal(d->vcpu[0]->flags, 0);
    d->vcpu[0]->info->evtchn_upcall_pending = 0;
    d->vcpu[0]->pending = PEND_NMI;
    schedop_block(&c, NULL);
    assert_int_equal(d->vcpu[0]->flags, 0);
    d->vcpu[0]->pending = 0;
    schedop_block(&c, NULL);
    assert_int_equal(d->vcpu[0]->flags, VCPU_BLOCKED);
}

static long poll_ports(const evtchn_port_t *ports, unsigned nr, uint64_t timeout)
{
    struct hcall c = pretend_hcall(current(), SCHEDOP_poll, 0, 0, 0, 0);
    struct sched_poll op = {.nr_ports = nr, .timeout = timeout};

    op.ports.p = (evtchn_port_t *)ports;
    return schedop_poll(&c, &op);
}

static void polling(void **state)
{
    const evtchn_port_t good[] = {1, 2}, bad[] = {1, 77};

    (void)state;
    start(0);
    assert_int_equal(poll_ports(good, 129, 0), -EINVAL);
    assert_int_equal(poll_ports(bad, 2, 0), -EINVAL);
    assert_int_equal(poll_ports((const void *)8, 1, 0), -EFAULT);
    assert_int_equal(d->vcpu[0]->flags, 0);
    assert_int_equal(poll_ports(good, 2, pretend_now - 1), 0); /* over already */
    assert_int_equal(d->vcpu[0]->flags, 0);
    port_pending = true;
    assert_int_equal(poll_ports(good, 2, 0), 0);
    assert_int_equal(d->vcpu[0]->flags, 0);
    port_pending = false;
    assert_int_equal(poll_ports(good, 2, pretend_now + MS(3)), 0);
    exit_path();
    assert_ptr_equal(current(), &idle_vcpu);
    advance(MS(4));
    assert_ptr_equal(current(), d->vcpu[0]);
    d->vcpu[0]->info->evtchn_upcall_pending = 1; /* masked events do not end a poll */
    d->vcpu[0]->info->evtchn_upcall_mask = 1;
    poll_ports(good, 1, 0);
    assert_int_equal(d->vcpu[0]->flags, VCPU_POLLING);
    assert_int_equal(d->vcpu[0]->poll_port, 1);
}

/* ---- timers ---- */

static unsigned order[16], nr_fired;

static void note(void *data)
{
    order[nr_fired++] = (unsigned)(uint64_t)data;
}

static void timers_in_order(void **state)
{
    static const nsec_t at[] = {5, 1, 3, 0, 4, 2};
    struct timer t[6];

    (void)state;
    nr_fired = 0;
    for (unsigned i = 0; i < 6; i++) {
        timer_init(&t[i], note, (void *)(uint64_t)at[i]);
        timer_set(&t[i], pretend_now + MS(at[i]));
    }
    assert_true(armed == pretend_now);
    advance(MS(10));
    assert_int_equal(nr_fired, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(order[i], i);
    assert_true(armed == NSEC_NEVER);
}

static void timers_again_and_stopped(void **state)
{
    struct timer a, b;

    (void)state;
    nr_fired = 0;
    timer_init(&a, note, (void *)1);
    timer_init(&b, note, (void *)2);
    timer_set(&a, pretend_now + MS(1));
    timer_set(&b, pretend_now + MS(2));
    timer_set(&a, pretend_now + MS(3));
    assert_true(armed == pretend_now + MS(2));
    timer_stop(&b);
    timer_stop(&b);
    assert_true(armed == pretend_now + MS(3));
    timer_set(&b, 0); /* the past */
    advance(MS(5));
    assert_int_equal(nr_fired, 2);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    timer_set(&a, NSEC_NEVER);
    timer_set(&b, 1ull << 63);
    advance(SECONDS(1));
    assert_int_equal(nr_fired, 2);
    timer_end(&a);
    timer_end(&b);
    timer_set(&a, pretend_now);
    assert_null(a.cpu);
    advance(MS(1));
    assert_int_equal(nr_fired, 2);
}

static struct timer shared_timer;
static volatile bool stop_threads;

static void nothing(void *data)
{
    (void)data;
}

static void *arm_by_turns(void *n)
{
    pretend_run_on((unsigned)(uint64_t)n);
    for (unsigned i = 0; i < 20000; i++) {
        timer_set(&shared_timer, pretend_now + i % 7 * MS(1));
        if (i % 5 == 0)
            timer_stop(&shared_timer);
        if (i % 11 == 0)
            timer_run();
    }
    return NULL;
}

/* Several CPUs arm one timer: it is on one list at most, and lists stay whole. */
static void one_timer_many_cpus(void **state)
{
    pthread_t threads[3];

    (void)state;
    for (unsigned n = 1; n < 4; n++) {
        pretend_run_on(n);
        list_init(&this_cpu()->timers);
        this_cpu()->timer_lock = SPINLOCK(LOCK_TIMER);
        this_cpu()->timer_armed = NSEC_NEVER;
    }
    pretend_run_on(0);
    timer_init(&shared_timer, nothing, NULL);
    for (uint64_t n = 1; n < 4; n++)
        pthread_create(&threads[n - 1], NULL, arm_by_turns, (void *)n);
    for (unsigned n = 0; n < 3; n++)
        pthread_join(threads[n], NULL);
    timer_end(&shared_timer);
    for (unsigned n = 1; n < 4; n++) {
        assert_true(list_empty(&cpus[n]->timers));
        cpus[n] = NULL;
    }
    nr_cpus = 1;
}

static void watchdogs(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(watchdog_set(d, 0, 0), -EINVAL);
    assert_int_equal(watchdog_set(d, 3, 1), -EINVAL);
    assert_int_equal(watchdog_set(d, 1, 1), -EINVAL); /* not in use */
    assert_int_equal(watchdog_set(d, 0, 2), 1);
    assert_int_equal(watchdog_set(d, 0, UINT32_MAX), 2);
    assert_int_equal(watchdog_set(d, 0, 2), -ENOSPC);
    advance(SECONDS(1));
    assert_int_equal(watchdog_set(d, 1, 2), 0);
    advance(SECONDS(1) + MS(500));
    assert_false(d->is_shut_down);
    assert_int_equal(watchdog_set(d, 2, 0), 0);
    assert_int_equal(watchdog_set(d, 2, 0), -EINVAL);
    advance(SECONDS(1));
    assert_true(d->is_shut_down);
    assert_int_equal(d->shutdown_code, SHUTDOWN_watchdog);
    watchdog_stop_all(d);
    assert_null(d->watchdogs);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(round_robin),
        T(no_timer_when_alone),
        T(yield),
        T(boost),
        T(boosted_in_order),
        T(no_starvation_by_sleeping),
        T(no_starvation_by_ping_pong),
        T(pauses),
        T(woken_while_leaving),
        T(block_with_event_pending),
        T(polling),
        T(timers_in_order),
        T(timers_again_and_stopped),
        T(one_timer_many_cpus),
        T(watchdogs),
    };

    return cmocka_run_group_tests(tests, boot, NULL);
}
