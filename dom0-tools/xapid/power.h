/* SPDX-License-Identifier: MIT */
/*
 * power: VM.start, pause, unpause, clean_shutdown, clean_reboot, hard_shutdown, hard_reboot. THE
 * table is in power.c: what each may start from, and what does it.
 *
 * One operation a VM at a time: an operation claims the VM, and a second one is refused with
 * OTHER_OPERATION_IN_PROGRESS; different VMs go side by side. An operation that only waits for its
 * guest gives way to the hard ones: they take its claim, and it notices and says so. Claims are the
 * process's own; against other tools the creation lock and the monitor's lock of the library stand.
 */
#ifndef XAPID_POWER_H
#define XAPID_POWER_H

#include "dom0-tools/xapid/vm_look.h"

#include <stdatomic.h>

/* Lives in the caller's frame between claim and release. Under the lock of power_claim.c: */
struct power_claim {
    char ref[37];
    bool waiting; /* for its guest, no more */
    bool lost;    /* another operation has taken it */
    struct power_claim *next;
};
/* hard: also from one that waits. False when another operation has the VM. */
bool power_claim(struct power_claim *claim, const char *ref, bool hard);
/* The same for the VM of a call's first parameter; false after failing it. */
bool power_claim_call(struct power_claim *claim, struct call *c, bool hard);
void power_release(struct power_claim *claim);
/* From now on it waits, or no longer does. False: it has been taken. */
bool power_wait_mode(struct power_claim *claim, bool waiting);

/* The handler of every operation: the one in the table with the row's name after "VM.". */
void power_call(struct call *c);
/* The operations that the VM's state allows, an array. */
struct value *power_allowed(const struct vm_view *v);

/* ---- internal to power*.c ---- */

struct power {
    struct call *c;
    struct vm_scan *s;
    struct vm_view *v;
    struct power_claim *claim;
};

/* They answer the call. */
void power_start(struct power *p);          /* power_start.c */
void power_hard_reboot(struct power *p);    /* power_start.c */
void power_clean_shutdown(struct power *p); /* power_wait.c */
void power_clean_reboot(struct power *p);   /* power_wait.c */

/* Milliseconds that are waited at most; tests change them. */
struct power_times {
    int ack;     /* until the guest takes the request */
    int end;     /* from there to its end */
    int again;   /* from there to its next life */
    int monitor; /* until the monitor of an ended guest is gone */
    int leave;   /* until a monitor is left behind, which itself waits for the one before it */
    int stop;    /* the same when the server ends */
};
extern struct power_times power_times;
extern atomic_bool power_stopping;

/* A defined VM whose monitor was killed gets another one. 0, or -1 after failing. (power_wait.c) */
int power_need_monitor(struct power *p);

/* Leaves a monitor behind for that running guest, by way of another process. 0, also when it has
 * one, or -1 with a sentence (ETIMEDOUT: that process did not end, and was killed). */
int power_leave_monitor(uint32_t domid, struct failure *why);

#endif
