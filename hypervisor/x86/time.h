/* SPDX-License-Identifier: MIT
 *
 * System time: nanoseconds since power-on, from the TSC (calibrated at boot against the PIT or PM
 * timer). Guests read the same clock through vcpu_time_info. Wall clock from the CMOS RTC at boot,
 * later set by dom0.
 */
#pragma once

struct vcpu;
struct domain;

extern uint32_t cpu_khz, tsc_khz;
void time_init(void); /* calibration, CMOS wall clock */
nsec_t now(void);     /* monotonic on one CPU and across CPUs */
uint64_t ns_to_tsc(nsec_t t);
/* Publishes the clock into v's vcpu_info (and its secondary area when v is current with kernel
 * CR3). Called at creation and at each schedule-in; does nothing when nothing changed. */
void time_update_vcpu(struct vcpu *v);
void time_update_secondary(
    struct vcpu *v); /* copies to VCPUOP_register_vcpu_time_memory_area's place */
void time_set_wallclock(uint64_t secs, uint32_t nsecs, nsec_t at); /* all domains */
void time_init_wallclock(struct domain *d);
