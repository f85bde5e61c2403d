/* SPDX-License-Identifier: MIT */
/*
 * sched_op(cmd, arg): giving up the CPU, ending the domain, watchdogs.
 * Waiting returns with events delivered if they are unmasked; spurious returns are legal.
 */
#ifndef __XEN_PUBLIC_SCHED_H__
#define __XEN_PUBLIC_SCHED_H__

#include "event_channel.h"

#define SCHEDOP_yield           0 /* no argument */
#define SCHEDOP_block           1 /* unmasks events, sleeps unless one is pending */
#define SCHEDOP_shutdown        2 /* sched_shutdown; suspend: 3rd argument the start_info mfn */
#define SCHEDOP_poll            3 /* sched_poll */
#define SCHEDOP_remote_shutdown 4 /* sched_remote_shutdown; privileged */
#define SCHEDOP_shutdown_code   5 /* sched_shutdown: records the reason, does not stop */
#define SCHEDOP_watchdog        6 /* sched_watchdog; returns the id of a new one */
#define SCHEDOP_pin_override    7 /* sched_pin_override; dom0 */

#define SHUTDOWN_poweroff       0
#define SHUTDOWN_reboot         1
#define SHUTDOWN_suspend        2 /* returns 0 after resume, 1 if cancelled */
#define SHUTDOWN_crash          3
#define SHUTDOWN_watchdog       4
#define SHUTDOWN_soft_reset     5
#define SHUTDOWN_MAX            5

#ifndef __ASSEMBLY__
struct sched_shutdown {
    unsigned int reason; /* SHUTDOWN_* */
};
typedef struct sched_shutdown sched_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_shutdown_t);

/* Sleeps until one of the ports (128 at most) is pending, masked or not, or until the time. */
struct sched_poll {
    XEN_GUEST_HANDLE(evtchn_port_t) ports;
    unsigned int nr_ports;
    uint64_t timeout; /* system time in ns, 0: none */
};
typedef struct sched_poll sched_poll_t;
DEFINE_XEN_GUEST_HANDLE(sched_poll_t);

struct sched_remote_shutdown {
    domid_t domain_id;
    unsigned int reason;
};
typedef struct sched_remote_shutdown sched_remote_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_remote_shutdown_t);

struct sched_watchdog {
    uint32_t id;      /* 0: new */
    uint32_t timeout; /* seconds, 0: disarm */
};
typedef struct sched_watchdog sched_watchdog_t;
DEFINE_XEN_GUEST_HANDLE(sched_watchdog_t);

struct sched_pin_override {
    int32_t pcpu; /* negative: back to the normal affinity */
};
typedef struct sched_pin_override sched_pin_override_t;
DEFINE_XEN_GUEST_HANDLE(sched_pin_override_t);

XEN_ABI_SIZE(struct sched_shutdown, 4);
XEN_ABI_SIZE(struct sched_poll, 24);
XEN_ABI_SIZE(struct sched_remote_shutdown, 8);
XEN_ABI_SIZE(struct sched_watchdog, 8);
XEN_ABI_SIZE(struct sched_pin_override, 4);
#endif

#endif
