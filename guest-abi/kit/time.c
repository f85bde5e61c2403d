/* SPDX-License-Identifier: MIT */
/*
 * Clocks: vcpu_time_info turns the TSC into the hypervisor's system time, shared_info has what
 * time of day it was at system time 0. Both are rewritten at any moment, with an odd version
 * meanwhile; who finds the version changed reads again. The timer is the hypervisor's one-shot one.
 */
#include "guest-abi/kit/internal.h"

#include <xen/vcpu.h>

#define SECOND 1000000000ull

static uint64_t read_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static uint64_t scale(uint64_t ticks, const struct vcpu_time_info *t)
{
    if (t->tsc_shift < 0)
        ticks >>= -t->tsc_shift;
    else
        ticks <<= t->tsc_shift;
    return (uint64_t)((unsigned __int128)ticks * t->tsc_to_system_mul >> 32);
}

uint64_t time_now(void)
{
    const volatile struct vcpu_time_info *shared = &shared_info->vcpu_info[0].time;
    struct vcpu_time_info t = {0};
    uint32_t version;
    uint64_t now;

    do {
        version = __atomic_load_n(&shared->version, __ATOMIC_ACQUIRE);
        t.tsc_timestamp = shared->tsc_timestamp;
        t.system_time = shared->system_time;
        t.tsc_to_system_mul = shared->tsc_to_system_mul;
        t.tsc_shift = shared->tsc_shift;
        now = t.system_time + scale(read_tsc() - t.tsc_timestamp, &t);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (version % 2 || version != shared->version);
    return now;
}

uint64_t wall_clock(void)
{
    const volatile shared_info_t *shared = shared_info;
    uint64_t seconds, nanoseconds;
    uint32_t version;

    do {
        version = __atomic_load_n(&shared->wc_version, __ATOMIC_ACQUIRE);
        seconds = (uint64_t)shared->wc_sec_hi << 32 | shared->wc_sec;
        nanoseconds = shared->wc_nsec;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (version % 2 || version != shared->wc_version);
    return seconds * SECOND + nanoseconds + time_now();
}

/* The timer's event comes at `deadline`; it only ends a wait, see event.c. */
void timer_set(uint64_t deadline)
{
    struct vcpu_set_singleshot_timer timer = {.timeout_abs_ns = deadline};
    bool never = deadline > INT64_MAX;
    long error = hypercall3(__HYPERVISOR_vcpu_op,
                            never ? VCPUOP_stop_singleshot_timer : VCPUOP_set_singleshot_timer, 0,
                            never ? 0 : (unsigned long)&timer);

    if (error)
        guest_panic("cannot set the timer: error %ld", error);
}

void time_sleep(uint64_t nanoseconds)
{
    uint64_t end = time_now() + nanoseconds;

    while (time_now() < end)
        event_wait(end);
}

/* A new vCPU of Xen ticks every 10 ms until it is told not to. */
void time_init(void)
{
    long error = hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);

    if (error)
        guest_panic("cannot stop the periodic timer: error %ld", error);
}
