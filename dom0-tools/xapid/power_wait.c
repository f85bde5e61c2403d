/* SPDX-License-Identifier: MIT */
/*
 * VM.clean_shutdown and clean_reboot: the guest is asked through the store, and does it itself; its
 * monitor does the rest. States: asked; taken (the guest has cleared the request), or not within
 * the time, and then the request is withdrawn; ended; and, for a reboot, there again. See power.h.
 */
#include "dom0-tools/xapid/power.h"
#include "common/clock.h"
#include "dom0-tools/lib/guest_power.h"
#include "dom0-tools/lib/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 500
#define TOKEN   "power"

struct waiting {
    struct power *p;
    uint32_t domid; /* of the life that ends */
};

static enum guest_life life(struct waiting *w)
{
    struct hv_dominfo info;
    const enum guest_life now = guest_life(w->p->s->t.hv, w->domid, &info);

    return now != GUEST_GONE && memcmp(info.handle, w->p->v->uuid, 16) != 0 ? GUEST_GONE : now;
}

static bool taken(struct waiting *w)
{
    char *request;
    bool empty;

    if (life(w) != GUEST_ALIVE)
        return true;
    request =
        store_readf(w->p->s->t.store, STORE_NO_TX, "/local/domain/%u/control/shutdown", w->domid);
    empty = request != NULL ? *request == '\0' : errno == ENOENT;
    free(request);
    return empty;
}

/* A stopped domain nobody will end stays. */
static bool ended(struct waiting *w)
{
    switch (life(w)) {
    case GUEST_GONE:
        return true;
    case GUEST_STOPPED:
        return !monitor_alive(w->p->v->uuid);
    default:
        return false;
    }
}

static bool there_again(struct waiting *w)
{
    struct failure why;

    return vm_refresh(w->p->s, w->p->v, &why) == 0 && w->p->v->present &&
           w->p->v->info.domid != w->domid && vm_power(w->p->v) == VM_RUNNING;
}

static void watch(struct waiting *w)
{
    struct store *s = w->p->s->t.store;

    /* one that cannot be had only costs time */
    store_watchf(s, TOKEN, "@releaseDomain");
    store_watchf(s, TOKEN, "/local/domain/%u/control/shutdown", w->domid);
}

/* Until something may have changed; a lost store comes back. */
static void wait_a_little(struct waiting *w)
{
    struct store_event *event = NULL;
    const int got = store_wait_event(w->p->s->t.store, LOOK_MS, &event);

    if (got > 0)
        free(event);
    if (got < 0 && toolstack_revive(&w->p->s->t) == 0)
        watch(w);
}

/* Waits until done(). 1: it is; 0: out of time; -1 after failing. */
static int wait_for(struct waiting *w, bool (*done)(struct waiting *w), int timeout_ms)
{
    const int64_t deadline = now_ms() + timeout_ms;

    for (;;) {
        if (!power_wait_mode(w->p->claim, true)) {
            call_fail(w->p->c, "OTHER_OPERATION_IN_PROGRESS", "VM", w->p->v->ref, NULL);
            return -1;
        }
        if (done(w))
            return 1;
        if (power_stopping) {
            call_internal_error(w->p->c, "the server ends: nobody waits for the guest any longer");
            return -1;
        }
        if (now_ms() >= deadline)
            return 0;
        wait_a_little(w);
    }
}

static void withdraw(struct waiting *w)
{
    store_writef(w->p->s->t.store, STORE_NO_TX, "", "/local/domain/%u/control/shutdown", w->domid);
}

int power_need_monitor(struct power *p)
{
    struct failure why;

    if (p->v->file == NULL || monitor_alive(p->v->uuid) ||
        power_leave_monitor(p->v->info.domid, &why) == 0)
        return 0;
    call_internal_error(p->c, why.text);
    return -1;
}

/* Asks, and waits for the end of this life. 0, or -1 after failing. */
static int ask(struct waiting *w, const char *request)
{
    struct power *p = w->p;
    struct failure why;
    int rc;

    if (power_need_monitor(p) != 0)
        return -1;
    if (guest_request(p->s->t.store, w->domid, request, &why) != 0) {
        call_internal_error(p->c, why.text);
        return -1;
    }
    watch(w);
    rc = wait_for(w, taken, power_times.ack);
    if (rc == 0) {
        withdraw(w);
        call_fail(p->c, "VM_FAILED_SHUTDOWN_ACK", p->v->ref, NULL);
    }
    if (rc <= 0)
        return -1;
    rc = wait_for(w, ended, power_times.end);
    if (rc == 0) {
        fail(&why, ETIMEDOUT, "the guest has taken the request to %s and not ended within %d s",
             request, power_times.end / 1000);
        call_internal_error(p->c, why.text);
    }
    return rc > 0 ? 0 : -1;
}

void power_clean_shutdown(struct power *p)
{
    struct waiting w = {.p = p, .domid = p->v->info.domid};

    if (ask(&w, "poweroff") == 0)
        call_return_void(p->c);
}

/* Whether the guest is started again after it rebooted; of one that another tool made, what its
 * monitor does. */
static bool comes_again(struct power *p)
{
    const char *action = vm_record_text(p->s, p->v, "actions_after_reboot");

    return action != NULL && strcmp(action, "restart") == 0 && monitor_alive(p->v->uuid);
}

void power_clean_reboot(struct power *p)
{
    struct waiting w = {.p = p, .domid = p->v->info.domid};
    struct failure why;
    bool again;
    int rc;

    if (power_need_monitor(p) != 0)
        return;
    again = comes_again(p);
    if (ask(&w, "reboot") != 0)
        return;
    rc = again ? wait_for(&w, there_again, power_times.again) : 1;
    if (rc > 0) {
        call_return_void(p->c);
    } else if (rc == 0) {
        fail(&why, ETIMEDOUT,
             "the guest has ended and is not there again after %d s; what its monitor says is in "
             "/var/log/xen",
             power_times.again / 1000);
        call_internal_error(p->c, why.text);
    }
}
