/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op(cmd, vcpu, arg): life of the caller's own vCPUs, their timers and the areas that the
 * hypervisor keeps up to date for them. -ENOENT: no such vCPU.
 */
#ifndef __XEN_PUBLIC_VCPU_H__
#define __XEN_PUBLIC_VCPU_H__

#include "xen.h"

#define VCPUOP_initialise                    0 /* vcpu_guest_context; stays down. Twice: -EEXIST */
#define VCPUOP_up                            1 /* -EINVAL if not initialised */
#define VCPUOP_down                          2 /* the last one down powers the domain off */
#define VCPUOP_is_up                         3 /* returns 0 or 1 */

#define VCPUOP_get_runstate_info             4 /* vcpu_runstate_info, out */
#define VCPUOP_register_runstate_memory_area 5
#define VCPUOP_set_periodic_timer            6 /* vcpu_set_periodic_timer; at least 1 ms */
#define VCPUOP_stop_periodic_timer           7
#define VCPUOP_set_singleshot_timer          8 /* the running vCPU only */
#define VCPUOP_stop_singleshot_timer         9
#define VCPUOP_register_vcpu_info            10 /* once; of the caller or a vCPU that is down */
#define VCPUOP_send_nmi                      11
#define VCPUOP_get_physid                    12 /* dom0's pinned vCPUs */
#define VCPUOP_register_vcpu_time_memory_area           \
    13 /* a second copy of the time info, for user mode \
        */

#define RUNSTATE_running      0
#define RUNSTATE_runnable     1
#define RUNSTATE_blocked      2
#define RUNSTATE_offline      3

#define _VCPU_SSHOTTMR_future 0
#define VCPU_SSHOTTMR_future  (1U << _VCPU_SSHOTTMR_future)

#ifndef __ASSEMBLY__
struct vcpu_runstate_info {
    int state; /* RUNSTATE_* */
    /* system time in ns; top bit set while the area changes, with VMASST_TYPE_runstate_update_flag
     */
#define XEN_RUNSTATE_UPDATE (xen_mk_ullong(1) << 63)
    uint64_t state_entry_time;
    uint64_t time[4]; /* ns spent in each state */
};
typedef struct vcpu_runstate_info vcpu_runstate_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_runstate_info_t);

/* A kernel virtual address, written whenever the vCPU is scheduled. */
struct vcpu_register_runstate_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_runstate_info_t) h;
        struct vcpu_runstate_info *v;
        uint64_t p;
    } addr;
};
typedef struct vcpu_register_runstate_memory_area vcpu_register_runstate_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_runstate_memory_area_t);

struct vcpu_set_periodic_timer {
    uint64_t period_ns;
};
typedef struct vcpu_set_periodic_timer vcpu_set_periodic_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_periodic_timer_t);

/* A time in the past fires at once. */
struct vcpu_set_singleshot_timer {
    uint64_t timeout_abs_ns; /* system time */
    uint32_t flags;          /* VCPU_SSHOTTMR_future: ignored since 4.17 */
};
typedef struct vcpu_set_singleshot_timer vcpu_set_singleshot_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_singleshot_timer_t);

/* The vcpu_info moves there with its content; the copy starts with everything pending. */
struct vcpu_register_vcpu_info {
    uint64_t mfn;
    uint32_t offset; /* bytes, within the page; bad: -ENXIO */
    uint32_t rsvd;
};
typedef struct vcpu_register_vcpu_info vcpu_register_vcpu_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_vcpu_info_t);

struct vcpu_get_physid {
    uint64_t phys_id; /* out: APIC id in bits 0-31, ACPI id in bits 32-63 */
};
typedef struct vcpu_get_physid vcpu_get_physid_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_get_physid_t);
#define xen_vcpu_physid_to_x86_apicid(physid) ((uint32_t)(physid))
#define xen_vcpu_physid_to_x86_acpiid(physid) ((uint32_t)((physid) >> 32))

DEFINE_XEN_GUEST_HANDLE(vcpu_time_info_t);
struct vcpu_register_time_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_time_info_t) h;
        struct vcpu_time_info *v;
        uint64_t p;
    } addr; /* 0: stop */
};
typedef struct vcpu_register_time_memory_area vcpu_register_time_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_time_memory_area_t);

XEN_ABI_SIZE(struct vcpu_runstate_info, 48);
XEN_ABI_OFFSET(struct vcpu_runstate_info, state_entry_time, 8);
XEN_ABI_SIZE(struct vcpu_register_runstate_memory_area, 8);
XEN_ABI_SIZE(struct vcpu_set_periodic_timer, 8);
XEN_ABI_SIZE(struct vcpu_set_singleshot_timer, 16);
XEN_ABI_SIZE(struct vcpu_register_vcpu_info, 16);
XEN_ABI_SIZE(struct vcpu_get_physid, 8);
XEN_ABI_SIZE(struct vcpu_register_time_memory_area, 8);
#endif

#endif
