/* SPDX-License-Identifier: MIT */
/*
 * What happens to a guest that stopped; see monitor.h. States: waiting for the domain to stop; then
 * either ending, or destroying and making it again, which leads back to waiting under a new id.
 */
#include "dom0-tools/lib/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MARK            "monitor"
#define LOOK_MS         5000
#define RECONNECT_S     1
#define RESTART_PAUSE_S 2
#define CONNECT_MS      120000

struct monitor {
    struct toolstack t;
    struct guest_config *g;
    const struct guest_host *host;
    uint32_t domid;
};

static void complain(const struct failure *why)
{
    printf("%s\n", why->text);
}

/* Connects to hypervisor and store, however long the store takes to come (back). */
static void connect_again(struct monitor *m)
{
    struct failure why;
    bool said = false;

    toolstack_close(&m->t);
    while (toolstack_open(&m->t, &why) != 0 ||
           store_watch(m->t.store, "@releaseDomain", "monitor") != 0) {
        if (!said)
            printf("Waiting for the store to come back\n");
        said = true;
        toolstack_close(&m->t);
        sleep(RECONNECT_S);
    }
}

/* Waits until the domain stopped (1) or is gone (0). */
static int wait_stopped(struct monitor *m, struct hv_dominfo *info)
{
    for (;;) {
        struct store_event *event = NULL;
        int rc = hv_getdomaininfo(m->t.hv, (uint16_t)m->domid, info);

        if (rc != 0 && errno == ESRCH)
            return 0;
        if (rc == 0 && (info->dying || memcmp(info->handle, m->g->uuid, 16) != 0))
            return 0;
        if (rc == 0 && info->shutdown)
            return 1;
        rc = store_wait_event(m->t.store, LOOK_MS, &event);
        if (rc > 0)
            free(event);
        if (rc < 0)
            connect_again(m);
    }
}

static enum guest_action action_for(const struct guest_config *g, unsigned int reason)
{
    switch (reason) {
    case HV_SHUTDOWN_POWEROFF:
        return g->on_poweroff;
    case HV_SHUTDOWN_REBOOT:
        return g->on_reboot;
    case HV_SHUTDOWN_WATCHDOG:
        return g->on_watchdog;
    case HV_SHUTDOWN_SOFT_RESET:
        return g->on_soft_reset;
    default:
        return g->on_crash;
    }
}

static int clean_up(struct monitor *m)
{
    struct failure why;

    printf("Domain %u needs to be cleaned up: destroying the domain\n", m->domid);
    if (guest_destroy(&m->t, m->domid, &why) == 0)
        return 0;
    complain(&why);
    return -1;
}

static int end(struct monitor *m)
{
    int rc = clean_up(m);

    printf("Done. Exiting now\n");
    return rc;
}

/* The stopped domain stays for a look at it, under another name and UUID; its devices are ended,
 * for its successor needs them. */
static int set_aside(struct monitor *m)
{
    struct failure why;
    char name[GUEST_NAME_MAX + 32], uuid_text[37];
    uint8_t uuid[16];
    time_t now = time(NULL);
    struct tm utc;
    char stamp[24];

    gmtime_r(&now, &utc);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%MZ", &utc);
    snprintf(name, sizeof(name), "%.*s-%s", (int)(GUEST_NAME_MAX - strlen(stamp) - 1), m->g->name,
             stamp);
    uuid_random(uuid);
    uuid_format(uuid, uuid_text);
    guest_drop_config(m->domid, m->g->uuid);
    if (guest_end_devices(&m->t, m->domid, &why) != 0)
        complain(&why);
    if (hv_setdomainhandle(m->t.hv, (uint16_t)m->domid, uuid) != 0 ||
        guest_rename(m->t.store, m->domid, name, &why) != 0 ||
        guest_move_vm(m->t.store, m->domid, uuid, &why) != 0) {
        printf("Domain %u could not be set aside; destroying the domain\n", m->domid);
        return clean_up(m);
    }
    printf("Domain %u is kept as %s (%s)\n", m->domid, name, uuid_text);
    return 0;
}

/* Makes the guest again and lets it run. 0, or -1 after saying why. */
static int make_again(struct monitor *m)
{
    struct failure why;

    printf("Done. Rebooting now\n");
    fflush(stdout);
    sleep(RESTART_PAUSE_S);
    if (guest_create(&m->t, m->g, m->host, &m->domid, &why) != 0) {
        complain(&why);
        return -1;
    }
    if (hv_unpausedomain(m->t.hv, (uint16_t)m->domid) != 0) {
        printf("cannot unpause domain %u: %s\n", m->domid, strerror(errno));
        return -1;
    }
    return 0;
}

/* What on_* says. 1: there is a new domain to follow; 0: done; -1: it went wrong. */
static int act(struct monitor *m, enum guest_action action)
{
    int rc;

    switch (action) {
    case ACTION_PRESERVE:
        return 0;
    case ACTION_COREDUMP_RESTART:
        printf("A core dump was asked for and is not available here\n");
        /* fall through */
    case ACTION_RESTART:
        rc = clean_up(m);
        return rc == 0 && make_again(m) == 0 ? 1 : -1;
    case ACTION_RENAME_RESTART:
        rc = set_aside(m);
        return rc == 0 && make_again(m) == 0 ? 1 : -1;
    case ACTION_COREDUMP_DESTROY:
        printf("A core dump was asked for and is not available here\n");
        return end(m);
    case ACTION_SOFT_RESET:
        printf("A soft reset was asked for and is not available here\n");
        return end(m);
    case ACTION_DESTROY:
        break;
    }
    return end(m);
}

/* Only where the domain's directory still is: a mark must not outlive it. */
static int mark_step(struct store *s, store_tx tx, void *arg)
{
    const uint32_t domid = *(const uint32_t *)arg;
    char *type = store_readf(s, tx, "/libxl/%u/type", domid);

    if (type == NULL)
        return errno == ENOENT ? 0 : -1;
    free(type);
    return store_writef(s, tx, "1", "/libxl/%u/" MARK, domid);
}

bool monitor_marked(struct store *s, uint32_t domid)
{
    char path[48];

    snprintf(path, sizeof(path), "/libxl/%u/" MARK, domid);
    return store_exists(s, STORE_NO_TX, path) > 0;
}

/* One life of the guest; returns as act() does. */
static int one_life(struct monitor *m)
{
    struct hv_dominfo info;
    enum guest_action action;

    if (store_transact(m->t.store, mark_step, &m->domid) != 0)
        printf("cannot mark domain %u in the store: %s\n", m->domid, strerror(errno));
    printf("Waiting for domain %s (domid %u) to die [pid %d]\n", m->g->name, m->domid,
           (int)getpid());
    fflush(stdout);
    if (wait_stopped(m, &info) == 0) {
        printf("Domain %u has been destroyed.\n", m->domid);
        return 0;
    }
    printf("Domain %u has shut down, reason code %u 0x%x\n", m->domid, info.shutdown_reason,
           info.shutdown_reason);
    if (info.shutdown_reason == HV_SHUTDOWN_SUSPEND) {
        printf("Domain has suspended.\nDone. Exiting now\n");
        return 0;
    }
    action = action_for(m->g, info.shutdown_reason);
    printf("Action for shutdown reason code %u is %s\n", info.shutdown_reason,
           guest_action_name(action));
    fflush(stdout);
    return act(m, action);
}

int monitor_run(struct guest_config *g, const struct guest_host *host, uint32_t domid)
{
    struct monitor m = {.g = g, .host = host, .domid = domid};
    struct failure why;
    int rc;

    connect_again(&m);
    while ((rc = one_life(&m)) > 0)
        /* said for whoever reads the log; the monitor follows the guest all the same */
        if (guest_wait_devices(&m.t, m.domid, CONNECT_MS, &why) != 0)
            complain(&why);
    toolstack_close(&m.t);
    return rc == 0 ? 0 : 1;
}
