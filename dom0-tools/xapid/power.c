/* SPDX-License-Identifier: MIT */
/*
 * THE table of operations, and those that are one step; see power.h.
 */
#include "dom0-tools/xapid/power.h"

#include <errno.h>
#include <string.h>

struct power_times power_times = {
    .ack = 60000, .end = 180000, .again = 120000, .monitor = 10000, .leave = 30000, .stop = 5000};
atomic_bool power_stopping;

static void step(struct power *p, int (*call)(struct hv *, uint16_t), const char *what)
{
    struct failure why;

    if (call(p->s->t.hv, p->v->info.domid) == 0) {
        call_return_void(p->c);
    } else {
        fail(&why, errno, "cannot %s domain %u: %s", what, p->v->info.domid, strerror(errno));
        call_internal_error(p->c, why.text);
    }
}

static void pause_vm(struct power *p)
{
    step(p, hv_pausedomain, "pause");
}

/* One that was left paused by a creator that was killed may have no monitor, or be half made. */
static void unpause_vm(struct power *p)
{
    if (power_need_monitor(p) == 0)
        step(p, hv_unpausedomain, "unpause");
}

static void hard_shutdown(struct power *p)
{
    struct failure why;

    if (guest_destroy(&p->s->t, p->v->info.domid, &why) == 0)
        call_return_void(p->c);
    else
        call_internal_error(p->c, why.text);
}

#define FROM(state) (1u << (state))
/* A domain that stopped by itself is Halted and may still be there. */
#define FROM_CORPSE (1u << 31)

static const struct operation {
    const char *name;
    unsigned int from;
    const char *expected; /* what VM_BAD_POWER_STATE names */
    bool hard;            /* may take the VM from an operation that waits for it */
    void (*run)(struct power *p);
} operations[] = {
    {"start", FROM(VM_HALTED) | FROM_CORPSE, "Halted", false, power_start},
    {"pause", FROM(VM_RUNNING), "Running", false, pause_vm},
    {"unpause", FROM(VM_PAUSED), "Paused", false, unpause_vm},
    {"clean_shutdown", FROM(VM_RUNNING), "Running", false, power_clean_shutdown},
    {"clean_reboot", FROM(VM_RUNNING), "Running", false, power_clean_reboot},
    {"hard_shutdown",
     FROM(VM_RUNNING) | FROM(VM_PAUSED) | FROM(VM_CRASHED) | FROM(VM_SUSPENDED) | FROM_CORPSE,
     "Running", true, hard_shutdown},
    {"hard_reboot",
     FROM(VM_RUNNING) | FROM(VM_PAUSED) | FROM(VM_CRASHED) | FROM(VM_SUSPENDED) | FROM_CORPSE,
     "Running", true, power_hard_reboot},
};
#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static bool allowed(const struct operation *o, const struct vm_view *v)
{
    const enum vm_power power = vm_power(v);

    if (vm_is_dom0(v))
        return false;
    if (power == VM_HALTED && v->present)
        return o->from & FROM_CORPSE;
    return o->from & FROM(power);
}

struct value *power_allowed(const struct vm_view *v)
{
    struct value *names = value_array();

    for (size_t i = 0; i < N_OPERATIONS; i++)
        if (allowed(&operations[i], v))
            value_push(names, value_string(operations[i].name));
    return names;
}

static void refuse(struct call *c, const struct operation *o, const struct vm_view *v)
{
    if (vm_is_dom0(v))
        call_fail(c, "OPERATION_NOT_ALLOWED", "the control domain is not operated from inside it",
                  NULL);
    else
        call_fail(c, "VM_BAD_POWER_STATE", v->ref, o->expected, vm_power_name(vm_power(v)), NULL);
}

static void operate(struct call *c, const struct operation *o)
{
    struct power_claim claim;
    struct vm_scan s;
    struct vm_view *v;

    if (!power_claim_call(&claim, c, o->hard))
        return;
    v = vm_scan_call(&s, c);
    if (v != NULL && allowed(o, v))
        o->run(&(struct power){.c = c, .s = &s, .v = v, .claim = &claim});
    else if (v != NULL)
        refuse(c, o, v);
    if (v != NULL)
        vm_scan_free(&s);
    power_release(&claim);
}

void power_call(struct call *c)
{
    const char *name = call_method(c)->name + strlen("VM.");

    for (size_t i = 0; i < N_OPERATIONS; i++)
        if (strcmp(operations[i].name, name) == 0)
            operate(c, &operations[i]);
}
