/* SPDX-License-Identifier: MIT */
/*
 * Starting a VM: what is left of its last life must be over, then the library makes the guest, as
 * it does for xl, and a monitor is left behind before the guest first runs. See power.h.
 */
#include "dom0-tools/xapid/power.h"
#include "dom0-tools/lib/guest_power.h"
#include "dom0-tools/lib/host_conf.h"
#include "dom0-tools/lib/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 50
#define EXTRA   (UINT64_C(1) << 20) /* bytes that a guest takes beside its memory, at least */

static int leave_monitor(void *arg, struct guest_config *g, uint32_t domid, struct failure *why)
{
    (void)arg;
    (void)g;
    return power_leave_monitor(domid, why);
}

/* A monitor that is still there may be about to end the stopped domain, or to start the guest
 * again. 0, or -1 after failing. */
static int wait_monitor(struct power *p)
{
    const struct timespec pause = {.tv_nsec = STEP_MS * 1000000};

    for (int waited = 0; monitor_alive(p->v->uuid); waited += STEP_MS) {
        if (waited >= power_times.monitor || power_stopping) {
            call_fail(p->c, "OTHER_OPERATION_IN_PROGRESS", "VM", p->v->ref, NULL);
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return 0;
}

/* The last life must be over. 0, or -1 after failing. */
static int await_last_life(struct power *p)
{
    struct failure why;

    if (wait_monitor(p) != 0)
        return -1;
    if (vm_refresh(p->s, p->v, &why) != 0)
        call_internal_error(p->c, why.text);
    else if (!p->v->present)
        return 0;
    else if (vm_power(p->v) == VM_HALTED)
        call_fail(p->c, "OPERATION_NOT_ALLOWED",
                  "its stopped domain is kept for a look at it: end it with hard_shutdown", NULL);
    else
        call_fail(p->c, "VM_BAD_POWER_STATE", p->v->ref, "Halted", vm_power_name(vm_power(p->v)),
                  NULL);
    return -1;
}

/* The sentences of the library in the API's words. */
static void tell(struct power *p, const struct guest_config *g, const struct failure *why)
{
    const uint64_t need = g->memory_kib * 1024;
    struct hv_physinfo host = {0};
    char needed[24], available[24];
    uint64_t unclaimed = need;

    if (hv_physinfo(p->s->t.hv, &host) == 0)
        unclaimed = (host.free_pages - host.outstanding_pages) * HV_PAGE_SIZE;
    if (why->error == ENOMEM && need + EXTRA > unclaimed) {
        snprintf(needed, sizeof(needed), "%llu", (unsigned long long)(need + EXTRA));
        snprintf(available, sizeof(available), "%llu", (unsigned long long)unclaimed);
        call_fail(p->c, "HOST_NOT_ENOUGH_FREE_MEMORY", needed, available, NULL);
    } else if (why->error == EEXIST) {
        call_fail(p->c, "OPERATION_NOT_ALLOWED", why->text, NULL);
    } else {
        call_internal_error(p->c, why->text);
    }
}

/* A kernel that is not there is the client's mistake. 0, or -1 after failing. */
static int check_kernel(struct power *p, const struct guest_config *g)
{
    if (g->kernel != NULL && access(g->kernel, R_OK) == 0)
        return 0;
    call_fail(p->c, "VALUE_NOT_SUPPORTED", "PV_kernel", g->kernel != NULL ? g->kernel : "",
              g->kernel != NULL ? strerror(errno) : "a guest needs a kernel", NULL);
    return -1;
}

/* Answers the call. */
static void bring_up(struct power *p, struct guest_config *g, bool paused)
{
    struct host_conf conf;
    struct failure why;
    uint32_t domid;
    int rc = host_conf_read(&conf, &why);
    const struct guest_start how = {.host = &conf.host, .paused = paused, .prepare = leave_monitor};

    if (rc == 0)
        rc = guest_start(&p->s->t, g, &how, &domid, &why);
    host_conf_free(&conf);
    if (rc == 0)
        call_return_void(p->c);
    else
        tell(p, g, &why);
}

void power_start(struct power *p)
{
    const bool paused = call_boolean(p->c, 1);
    const struct value *record = vm_record(p->s, p->v);
    struct guest_config g;
    struct failure why;
    bool template = false;

    if (record != NULL)
        value_as_boolean(value_get(record, "is_a_template"), &template);
    if (template) {
        call_fail(p->c, "VM_IS_TEMPLATE", p->v->ref, NULL);
        return;
    }
    if (vm_config(p->s, p->v, &g, &why) != 0) {
        call_internal_error(p->c, why.text);
        return;
    }
    if (check_kernel(p, &g) == 0 && await_last_life(p) == 0)
        bring_up(p, &g, paused);
    guest_config_free(&g);
}

/* What the guest is started with again: its definition as it is now, else what is kept of it. */
static int next_config(struct power *p, struct guest_config *g, struct failure *why)
{
    char *json;
    int rc;

    if (p->v->file != NULL)
        return vm_config(p->s, p->v, g, why);
    json = guest_load_config(p->v->info.domid, p->v->uuid);
    if (json == NULL)
        return fail(why, errno, "domain %u: no configuration is kept of it: %s", p->v->info.domid,
                    strerror(errno));
    rc = guest_config_from_json(json, g, why);
    free(json);
    return rc;
}

void power_hard_reboot(struct power *p)
{
    struct guest_config g;
    struct failure why;

    if (next_config(p, &g, &why) != 0) {
        call_internal_error(p->c, why.text);
        return;
    }
    if (check_kernel(p, &g) == 0) {
        if (guest_destroy(&p->s->t, p->v->info.domid, &why) != 0)
            call_internal_error(p->c, why.text);
        else if (await_last_life(p) == 0)
            bring_up(p, &g, false);
    }
    guest_config_free(&g);
}
