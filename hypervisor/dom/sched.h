/* SPDX-License-Identifier: MIT
 *
 * The scheduler: round robin with a boost for vCPUs that wake, per CPU. schedule() runs only from
 * the exit path and the idle loop, on the CPU's own stack with nothing worth keeping on it, and
 * does not return: the old vCPU's frame is copied off the stack, the new one's on, and control goes
 * to the exit path.
 */
#pragma once

struct vcpu;

#define SCHEDULER_ID   6u /* for tools: credit2, the nearest of those that have a number */
#define DEFAULT_WEIGHT 256u

void sched_init_cpu(void); /* this CPU: its idle vCPU and queue */
void schedule(void) __attribute__((noreturn));
void idle_loop(void) __attribute__((noreturn));
void sched_add_vcpu(struct vcpu *v);    /* a new vCPU chooses its first CPU */
void sched_remove_vcpu(struct vcpu *v); /* it is off every CPU */
/* Waits until v, which may not run, is off its CPU, and its registers are in struct vcpu. */
void sched_sync(struct vcpu *v);
void vcpu_recheck(struct vcpu *v);   /* pause counts or flags changed: on or off the queue */
void sched_poll_timeout(void *vcpu); /* timer of SCHEDOP_poll */
void sched_yield_current(void);
/* SCHEDOP rows, dom/sched_op.c */
hcall_fn schedop_yield, schedop_block, schedop_shutdown, schedop_poll, schedop_remote_shutdown,
    schedop_shutdown_code, schedop_watchdog, do_set_timer_op;
/* Total ns the vCPU has run. */
uint64_t vcpu_cpu_time(struct vcpu *v);
