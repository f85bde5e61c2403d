/* SPDX-License-Identifier: MIT
 *
 * vCPU run states: see dom/runstate.h.
 */
#include <xen/xen.h>
#include <xen/vcpu.h>
#include "x86/asm.h"
#include "x86/time.h"
#include "mm/guest_copy.h"
#include "dom/domain.h"
#include "dom/runstate.h"
#include "dom/sched.h"
#include "dom/vcpu.h"

void runstate_change(struct vcpu *v, int state, nsec_t t)
{
    struct vcpu_runstate_info *rs = &v->runstate;

    if (rs->state == state)
        return;
    if (t > rs->state_entry_time)
        rs->time[rs->state] += t - rs->state_entry_time;
    rs->state = state;
    rs->state_entry_time = t;
}

void runstate_write_guest(struct vcpu *v)
{
    struct vcpu_runstate_info rs = v->runstate;
    uint64_t area = v->runstate_area.v,
             entry_at = area + offsetof(struct vcpu_runstate_info, state_entry_time);

    if (!area)
        return;
    if (!(v->d->vm_assist & (1ul << VMASST_TYPE_runstate_update_flag))) {
        (void)copy_to_guest(guest_va(area), &rs, sizeof(rs));
        return;
    }
    /* The reader retries while the flag is set: flag, body, flag cleared. */
    rs.state_entry_time |= XEN_RUNSTATE_UPDATE;
    if (copy_to_guest(guest_va(entry_at), &rs.state_entry_time, sizeof(rs.state_entry_time)))
        return;
    write_mb();
    (void)copy_to_guest(guest_va(area), &rs, sizeof(rs));
    write_mb();
    rs.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
    (void)copy_to_guest(guest_va(entry_at), &rs.state_entry_time, sizeof(rs.state_entry_time));
}

uint64_t vcpu_cpu_time(struct vcpu *v)
{
    uint64_t t = v->runstate.time[RUNSTATE_running];

    if (v->runstate.state == RUNSTATE_running)
        t += now() - v->runstate.state_entry_time;
    return t;
}
