/* SPDX-License-Identifier: MIT */
/*
 * Making a guest: check, make, fill, attach, in that order; see guest.h. A creation is undone as a
 * whole by guest_destroy(), which takes half-made guests as well: there is no ladder of undo steps.
 */
#include "dom0-tools/lib/guest.h"
#include "common/folders.h"
#include "dom0-tools/lib/build.h"
#include "dom0-tools/lib/device.h"
#include "dom0-tools/lib/disk.h"
#include "dom0-tools/lib/domain.h"
#include "dom0-tools/lib/guest_console.h"
#include "dom0-tools/lib/guest_nodes.h"
#include "dom0-tools/lib/vif.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What a domain takes from free memory beside its own pages, for tables and bookkeeping: Xen's
 * tools count 1 MiB and we find it enough on both hypervisors. */
#define OVERHEAD_PAGES 256

struct creation {
    struct toolstack *t;
    struct guest_config *g;
    const struct guest_host *host;
    struct build *build;
    uint16_t domid;
    bool made;
    struct failure *why;
};

static int take_lock(const struct creation *c)
{
    const char *path = c->host->lock_file != NULL ? c->host->lock_file : GUEST_LOCK_FILE;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd;

    if (c->host->lock_file == NULL && make_folders(GUEST_LOCK_DIR) != 0)
        return fail(c->why, errno, "cannot make the folder " GUEST_LOCK_DIR ": %s",
                    strerror(errno));
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0)
        while (fcntl(fd, F_OFD_SETLKW, &lock) != 0)
            if (errno != EINTR) {
                int err = errno;

                close(fd);
                fd = -1;
                errno = err;
                break;
            }
    if (fd < 0)
        return fail(c->why, errno, "cannot lock %s: %s", path, strerror(errno));
    return fd;
}

static int backend_domid(const struct creation *c, const char *name, uint32_t *domid)
{
    struct hv_dominfo info;

    *domid = 0;
    if (name == NULL)
        return 0;
    if (guest_find(c->t->store, name, domid) != 0 ||
        hv_getdomaininfo(c->t->hv, (uint16_t)*domid, &info) != 0)
        return fail(c->why, ENOENT, "there is no backend domain %s", name);
    return 0;
}

static int check_name(const struct creation *c)
{
    uint32_t other;

    if (guest_find_name(c->t->store, c->g->name, &other) != 0)
        return 0;
    return fail(c->why, EEXIST, "Domain with name \"%s\" already exists.", c->g->name);
}

static int check_devices(const struct creation *c)
{
    struct guest_config *g = c->g;
    uint32_t backend;

    for (size_t i = 0; i < g->n_disks; i++) {
        if (backend_domid(c, g->disks[i].backend_domain, &backend) != 0 ||
            (backend == 0 && disk_complete(&g->disks[i], c->why) != 0) ||
            disk_check(c->t->store, &g->disks[i], backend != 0, c->why) != 0)
            return -1;
    }
    for (size_t i = 0; i < g->n_vifs; i++) {
        if (g->vifs[i].devid < 0)
            g->vifs[i].devid = (int)i;
        for (size_t j = 0; j < i; j++)
            if (g->vifs[j].devid == g->vifs[i].devid)
                return fail(c->why, EINVAL, "two vifs have the devid %d", g->vifs[i].devid);
        if (backend_domid(c, g->vifs[i].backend_domain, &backend) != 0 ||
            vif_complete(&g->vifs[i], c->host->bridge, c->why) != 0 ||
            vif_check(&g->vifs[i], backend != 0, c->why) != 0)
            return -1;
    }
    return 0;
}

static int check_image(struct creation *c)
{
    const struct guest_config *g = c->g;
    const struct build_params p = {
        .kernel = g->kernel,
        .ramdisk = g->ramdisk,
        .cmdline = g->cmdline,
        .memory_kib = g->memory_kib,
        .max_memory_kib = g->max_memory_kib,
        .max_vcpus = g->max_vcpus,
    };
    struct hv_physinfo host;
    uint64_t need, unclaimed;

    c->build = build_open(&p, c->why);
    if (c->build == NULL)
        return -1;
    if (hv_physinfo(c->t->hv, &host) != 0)
        return fail(c->why, errno, "cannot ask the hypervisor for its free memory: %s",
                    strerror(errno));
    need = build_pages(c->build) + OVERHEAD_PAGES;
    unclaimed = host.free_pages - host.outstanding_pages;
    if (need > unclaimed)
        return fail(c->why, ENOMEM,
                    "not enough free memory: the guest needs %llu MiB, %llu MiB are free",
                    (unsigned long long)(need + 255) / 256, (unsigned long long)unclaimed / 256);
    return 0;
}

static int set_scheduling(const struct creation *c)
{
    const struct guest_config *g = c->g;
    uint16_t weight, cap;

    for (uint32_t i = 0; i < g->max_vcpus && (g->n_hard != 0 || g->n_soft != 0); i++) {
        const struct guest_affinity *hard =
            g->n_hard != 0 ? &g->hard[i < g->n_hard ? i : g->n_hard - 1] : NULL;
        const struct guest_affinity *soft =
            g->n_soft != 0 ? &g->soft[i < g->n_soft ? i : g->n_soft - 1] : NULL;

        if (hv_setvcpuaffinity(c->t->hv, c->domid, i, hard != NULL ? hard->cpus : NULL,
                               soft != NULL ? soft->cpus : NULL, GUEST_CPUS) != 0)
            return fail(c->why, errno, "cannot bind vCPU %u to the CPUs of cpus=: %s", i,
                        strerror(errno));
    }
    if (g->cpu_weight == 0 && !g->cap_given)
        return 0;
    if (hv_sched_credit2_get(c->t->hv, c->domid, &weight, &cap) != 0 ||
        hv_sched_credit2_set(c->t->hv, c->domid,
                             g->cpu_weight != 0 ? (uint16_t)g->cpu_weight : weight,
                             g->cap_given ? (uint16_t)g->cpu_cap : cap) != 0)
        return fail(c->why, errno, "cannot set cpu_weight and cap: %s", strerror(errno));
    return 0;
}

static int make_domain(struct creation *c)
{
    const struct guest_config *g = c->g;
    struct domain_params p = {
        .max_vcpus = g->max_vcpus,
        .max_memory_kib = g->max_memory_kib,
        .max_evtchn_port = g->max_event_channels,
        .max_grant_frames = g->max_grant_frames,
        .max_maptrack_frames = g->max_maptrack_frames,
        .max_grant_version = g->max_grant_version,
    };

    memcpy(p.uuid, g->uuid, sizeof(p.uuid));
    if (domain_create(c->t->hv, &p, &c->domid, c->why) != 0)
        return -1;
    c->made = true;
    return set_scheduling(c) != 0 ? -1 : guest_nodes_write(c->t->store, c->domid, g, c->why);
}

static int fill_domain(struct creation *c)
{
    struct build_result built;
    struct guest_rings rings;

    if (build_run(c->build, c->t->hv, c->domid, &built, c->why) != 0)
        return -1;
    rings = (struct guest_rings){.store_frame = built.store_mfn,
                                 .console_frame = built.console_mfn,
                                 .store_port = built.store_port,
                                 .console_port = built.console_port,
                                 .os = built.guest_os};
    if (guest_nodes_built(c->t->store, c->domid, c->g, &rings, c->why) != 0)
        return -1;
    if (store_introduce(c->t->store, c->domid, built.store_mfn, built.store_port) != 0)
        return fail(c->why, errno, "the store does not accept domain %u: %s", c->domid,
                    strerror(errno));
    return 0;
}

static int attach_devices(const struct creation *c)
{
    const struct guest_config *g = c->g;
    struct device device;
    uint32_t backend;

    for (size_t i = 0; i < g->n_disks; i++)
        if (backend_domid(c, g->disks[i].backend_domain, &backend) != 0 ||
            disk_attach(c->t->store, c->domid, backend, &g->disks[i], &device, c->why) != 0)
            return -1;
    for (size_t i = 0; i < g->n_vifs; i++)
        if (backend_domid(c, g->vifs[i].backend_domain, &backend) != 0 ||
            vif_attach(c->t->store, c->domid, backend, (uint32_t)g->vifs[i].devid, &g->vifs[i],
                       &device, c->why) != 0)
            return -1;
    return 0;
}

static int create_locked(struct creation *c)
{
    if (check_name(c) != 0 || check_devices(c) != 0 || check_image(c) != 0)
        return -1;
    if (make_domain(c) != 0 || fill_domain(c) != 0 || attach_devices(c) != 0)
        return -1;
    return guest_save_config(c->domid, c->g, c->why);
}

int guest_create(struct toolstack *t, struct guest_config *g, const struct guest_host *host,
                 uint32_t *domid, struct failure *why)
{
    struct creation c = {.t = t, .g = g, .host = host, .why = why};
    struct failure undo;
    int lock = take_lock(&c);
    int rc;

    if (lock < 0)
        return -1;
    rc = create_locked(&c);
    if (rc != 0 && c.made)
        guest_destroy(t, c.domid, &undo);
    if (c.build != NULL)
        build_close(c.build);
    close(lock);
    *domid = c.domid;
    /* without a console daemon the guest is good all the same: its ring holds 2 KiB */
    if (rc == 0)
        free(guest_console_terminal(t->store, c.domid, GUEST_CONSOLE_MS));
    return rc;
}

/* What the user calls the device. */
static void device_name(const struct device *d, char *name, size_t size)
{
    char vdev[32];

    if (strcmp(d->kind, "vbd") == 0) {
        vdev_name(d->id, vdev);
        snprintf(name, size, "disk %s", vdev);
    } else {
        snprintf(name, size, "%s %u", d->kind, d->id);
    }
}

static void watch_devices(struct store *s, const struct device *list, long n, bool on)
{
    char back[DEVICE_PATH], front[DEVICE_PATH];

    for (long i = 0; i < n; i++) {
        device_backend_path(&list[i], back);
        device_frontend_path(&list[i], front);
        /* a watch that cannot be had only costs time: states are looked at every second anyway */
        (on ? store_watchf : store_unwatchf)(s, "connect", "%s/state", back);
        (on ? store_watchf : store_unwatchf)(s, "connect", "%s/state", front);
    }
}

/* 0 all connected, 1 not yet, -1 with a sentence. */
static int check_devices_connected(struct toolstack *t, uint32_t domid, const struct device *list,
                                   long n, struct failure *why)
{
    static const char *const reasons[] = {"poweroff", "reboot",   "suspend",
                                          "crash",    "watchdog", "soft reset"};
    struct hv_dominfo info;
    int late = 0;

    for (long i = 0; i < n; i++) {
        char name[64];
        int rc;

        if (strcmp(list[i].kind, "console") == 0)
            continue;
        device_name(&list[i], name, sizeof(name));
        rc = device_connected(t->store, &list[i], name, why);
        if (rc < 0)
            return -1;
        late += rc;
    }
    if (late == 0)
        return 0;
    if (hv_getdomaininfo(t->hv, (uint16_t)domid, &info) != 0 || info.dying)
        return fail(why, ESRCH, "it ended before its devices connected");
    if (info.shutdown)
        return fail(why, ESHUTDOWN, "it stopped (%s) before its devices connected",
                    info.shutdown_reason < sizeof(reasons) / sizeof(reasons[0])
                        ? reasons[info.shutdown_reason]
                        : "for a reason of its own");
    return 1;
}

/* Names every device that is late, in one sentence. */
static int too_late(struct store *s, const struct device *list, long n, int timeout_ms,
                    struct failure *why)
{
    char late[400] = "", name[64], halves[120];
    struct failure unused;

    for (long i = 0; i < n; i++) {
        size_t used = strlen(late);

        if (strcmp(list[i].kind, "console") == 0)
            continue;
        device_name(&list[i], name, sizeof(name));
        if (device_connected(s, &list[i], name, &unused) == 0)
            continue;
        device_describe(s, &list[i], halves, sizeof(halves));
        snprintf(late + used, sizeof(late) - used, "%s%s (%s)", used != 0 ? ", " : "", name,
                 halves);
    }
    return fail(why, ETIMEDOUT, "not connected within %d s: %s; has the guest drivers for it?",
                timeout_ms / 1000, late);
}

int guest_wait_devices(struct toolstack *t, uint32_t domid, int timeout_ms, struct failure *why)
{
    struct timespec now;
    struct device *list;
    long n = device_list(t->store, domid, &list);
    int64_t deadline;
    int rc;

    if (n < 0)
        return fail(why, errno, "cannot list the devices of domain %u: %s", domid, strerror(errno));
    clock_gettime(CLOCK_MONOTONIC, &now);
    deadline = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000 + timeout_ms;
    watch_devices(t->store, list, n, true);
    while ((rc = check_devices_connected(t, domid, list, n, why)) > 0) {
        struct store_event *event = NULL;
        int got;

        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000 >= deadline) {
            rc = too_late(t->store, list, n, timeout_ms, why);
            break;
        }
        got = store_wait_event(t->store, 1000, &event);
        if (got < 0) {
            rc = fail(why, errno, "lost the store while waiting for the devices: %s",
                      strerror(errno));
            break;
        }
        if (got > 0)
            free(event);
    }
    watch_devices(t->store, list, n, false);
    free(list);
    return rc;
}
