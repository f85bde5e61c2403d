/* SPDX-License-Identifier: MIT
 *
 * A virtual CPU: its register state while it is not on a CPU, its paravirtual state always, and
 * where the scheduler has it. Fields are grouped by who may change them.
 *
 *   down    never initialised, or taken down (VCPUOP_down): flag VCPU_DOWN
 *   blocked waits for an event or a timer: flag VCPU_BLOCKED (or VCPU_POLLING)
 *   paused  pause_count of it or its domain above 0
 *   else runnable: on a run queue or running
 */
#pragma once
#include <xen/xen.h>
#include <xen/vcpu.h>
#include "lib/list.h"
#include "x86/regs.h"
#include "mm/frame.h"
#include "dom/timer.h"

#define AFFINITY_WORDS 64 /* MAX_CPUS bits */

#define VCPU_DOWN      1u /* needs VCPUOP_up */
#define VCPU_BLOCKED   2u
#define VCPU_POLLING   4u /* blocked in SCHEDOP_poll; ports in poll_ports */

/* v->pending: exceptions and the like that the exit path must look at (pv/guest_entry.c); own vcpu,
 * or others by atomic or followed by vcpu_kick() */
#define PEND_TRAP      1u /* v->trap holds one exception to deliver */
#define PEND_NMI       2u
#define PEND_AREAS     8u /* runstate or time area to be written under the kernel CR3 */

struct pending_trap {
    uint8_t vector;
    bool has_error;
    uint32_t error_code;
};

struct vcpu {
    /* fixed after create */
    unsigned id;
    struct domain *d;
    bool is_idle;

    /* own vcpu only (or not running) */
    struct regs regs;        /* valid while not on a CPU's stack */
    uint16_t ds, es, fs, gs; /* selectors; valid while not loaded on a CPU */
    uint64_t fs_base, gs_base_kernel,
        gs_base_user;          /* gs_base_*: see pv/segment.c for which is live */
    bool kernel_mode;          /* the guest's kernel half runs (or is interrupted) */
    bool areas_stale;          /* runstate and time areas wait for the next entry to the kernel */
    volatile uint32_t pending; /* PEND_* */
    struct pending_trap trap;
    uint64_t kernel_ss, kernel_sp; /* stack_switch */
    struct trap_info traps[256];
    uint64_t event_cb, failsafe_cb, syscall_cb, syscall32_cb, sysenter_cb;
    uint32_t cb_masks_events; /* bit per CALLBACKTYPE_*: CALLBACKF_mask_events */
    bool nmi_in_progress, nmi_held;
    uint64_t cr0_ts;      /* CR0.TS as the guest sees it */
    uint64_t cr2, cr4;    /* guest's view; cr4 only the guest-controlled bits */
    uint64_t debugreg[8]; /* 0-3, 6, 7 */
    uint8_t iopl;         /* virtual */
    guest_va_t iobmp;     /* PHYSDEVOP_set_iobitmap; guest address, read under the kernel CR3 */
    uint32_t iobmp_ports;
    uint32_t cf8; /* PCI address latch */
    uint8_t rtc_index;
    void *fpu;     /* save area, x86/fpu.c */
    bool fpu_used; /* never loaded yet: start from the reset state */
    uint64_t xcr0;
    uint64_t tsc_aux;

    /* tables: own vcpu or not running; references held */
    mfn_t kernel_l4, user_l4; /* MFN_NONE when none */
    struct frame *old_table;  /* one whose release goes on (mm/baseptr.c), or NULL */
    uint64_t gdt_frames[14];  /* mfns */
    unsigned nr_gdt_frames, gdt_entries;
    uint64_t ldt_base;
    unsigned ldt_entries;
    uint64_t *gdt_window; /* direct-map address of the L1 entries of its window: 32 GDT, then LDT */
    uint64_t gdt_va;      /* PERDOMAIN_VIRT + id * PERDOMAIN_VCPU_BYTES */

    /* shared with the guest */
    struct vcpu_info *info;   /* hypervisor mapping; in shared_info until registered */
    mfn_t info_mfn;           /* MFN_NONE until VCPUOP_register_vcpu_info */
    guest_va_t runstate_area; /* 0: none */
    guest_va_t time_area;

    /* under the CPU's sched_lock */
    volatile uint32_t flags; /* VCPU_* */
    struct pcpu *cpu;        /* where it runs or ran last */
    bool running;            /* on a CPU's stack now */
    bool queued;
    struct list run_link;
    uint32_t pause_count; /* atomic */
    struct vcpu_runstate_info runstate;
    nsec_t turn_start, slice_end;
    uint64_t affinity_hard[AFFINITY_WORDS], affinity_soft[AFFINITY_WORDS];
    nsec_t slice_left; /* of its slice, while it does not run */
    bool boosted;      /* queued in front because it woke */

    struct timer singleshot, periodic, poll_timer;
    nsec_t period;
    unsigned poll_nr;   /* ports polled; 0: any event */
    uint32_t poll_port; /* when poll_nr == 1 */
    bool initialised;

    void *fifo;             /* comms/evtchn_fifo.c: control block state */
    uint32_t virq_port[24]; /* per-vCPU VIRQs; under LOCK_EVTCHN */
};

/* The vCPU has something to look at: pending upcall, exception, state change. Any CPU, no locks
 * needed. */
void vcpu_kick(struct vcpu *v);
/* Ends blocking and polling. */
void vcpu_wake(struct vcpu *v);
/* While paused a vCPU runs no guest instruction. vcpu_pause waits until it is off its CPU; may
 * nest. */
void vcpu_pause(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
bool vcpu_runnable(const struct vcpu *v);

/* One more vCPU of d with this number, down; NULL without memory. LOCK_DOMAIN. */
struct vcpu *vcpu_create(struct domain *d, unsigned id);
struct vcpu *vcpu_create_idle(void); /* this CPU's; of the idle domain */
void vcpu_destroy(struct vcpu *v);   /* frees it; it must be off every CPU and hold no references */

/* Loads a whole context (VCPUOP_initialise, DOMCTL_setvcpucontext, dom0's first). -EINVAL,
 * -EOPNOTSUPP for other tables on a vCPU that has run; -ERESTART: the same call goes on with
 * validating its page tables. References taken. The vCPU must not run. */
int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx);
void vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *ctx);
/* Drops every reference a vCPU holds on frames (tables, GDT, LDT, vcpu_info). */
void vcpu_drop_references(struct vcpu *v);

/* vcpu_op rows, dom/vcpu_op.c */
hcall_fn vcpuop_initialise, vcpuop_up, vcpuop_down, vcpuop_is_up, vcpuop_get_runstate_info,
    vcpuop_register_runstate_memory_area, vcpuop_set_periodic_timer, vcpuop_stop_periodic_timer,
    vcpuop_set_singleshot_timer, vcpuop_stop_singleshot_timer, vcpuop_register_vcpu_info,
    vcpuop_send_nmi, vcpuop_register_vcpu_time_memory_area;
