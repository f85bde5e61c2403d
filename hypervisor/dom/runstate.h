/* SPDX-License-Identifier: MIT
 *
 * How long a vCPU was running, runnable, blocked and offline (ABI: vcpu.h, RUNSTATE_*), and the
 * copy that a guest may ask to have kept in its memory.
 */
#pragma once

struct vcpu;

/* LOCK_SCHED of v's CPU held. */
void runstate_change(struct vcpu *v, int state, nsec_t now_ns);
/* Into the guest's registered area; v is current and its kernel CR3 loaded. A failed copy is not an
 * error. */
void runstate_write_guest(struct vcpu *v);
