/* SPDX-License-Identifier: MIT */
/*
 * A guest's nodes in the store, as tables: a row is path, value, and who may write. Most belong to
 * dom0 and the guest may read them; some are the guest's own, to answer in. Paths and permissions
 * are an interface: guests and Xen's tools look for them.
 */
#include "dom0-tools/lib/guest_nodes.h"
#include "dom0-tools/lib/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum owner {
    TOOLS,      /* dom0 writes, the guest reads: what the directory above gives anyway */
    GUEST,      /* the guest's own */
    GUEST_SEEN, /* the guest's own, dom0 named as a reader */
};

struct row {
    const char *path, *value;
    enum owner owner;
};

struct work {
    uint32_t domid;
    const struct guest_config *g;
    const struct guest_rings *rings;
};

static int write_row(struct store *s, store_tx tx, uint32_t domid, const char *root,
                     const struct row *row)
{
    const struct store_perm guest[2] = {{domid, STORE_NONE}, {0, STORE_READ}};
    char path[DEVICE_PATH * 2];

    if (row->value == NULL)
        return 0;
    snprintf(path, sizeof(path), "%s/%s", root, row->path);
    if (store_write(s, tx, path, row->value, strlen(row->value)) != 0)
        return -1;
    if (row->owner == TOOLS)
        return 0;
    return store_set_perms(s, tx, path, guest, row->owner == GUEST_SEEN ? 2 : 1);
}

static int write_rows(struct store *s, store_tx tx, uint32_t domid, const char *root,
                      const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (write_row(s, tx, domid, root, &rows[i]) != 0)
            return -1;
    return 0;
}

static int make_root(struct store *s, store_tx tx, const char *path, uint32_t domid, bool readable)
{
    const struct store_perm perms[2] = {{0, STORE_NONE}, {domid, STORE_READ}};

    if (store_rm(s, tx, path) != 0 && errno != ENOENT)
        return -1;
    return store_mkdir(s, tx, path) != 0 ? -1
                                         : store_set_perms(s, tx, path, perms, readable ? 2 : 1);
}

static int write_cpus(struct store *s, store_tx tx, const struct work *w, const char *home)
{
    for (uint32_t i = 0; i < w->g->max_vcpus; i++)
        if (store_writef(s, tx, i < w->g->vcpus ? "online" : "offline", "%s/cpu/%u/availability",
                         home, i) != 0)
            return -1;
    return 0;
}

static int write_step(struct store *s, store_tx tx, void *arg)
{
    const struct work *w = arg;
    const struct guest_config *g = w->g;
    char home[48], vm[64], libxl[32], uuid[37], domid[16], most[24], target[24];

    uuid_format(g->uuid, uuid);
    snprintf(domid, sizeof(domid), "%u", w->domid);
    snprintf(home, sizeof(home), "/local/domain/%u", w->domid);
    snprintf(libxl, sizeof(libxl), "/libxl/%u", w->domid);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    snprintf(most, sizeof(most), "%llu", (unsigned long long)g->max_memory_kib);
    snprintf(target, sizeof(target), "%llu", (unsigned long long)g->memory_kib);
    const struct row rows[] = {
        {"vm", vm, TOOLS},
        {"name", g->name, TOOLS},
        {"domid", domid, TOOLS},
        {"memory/static-max", most, TOOLS},
        {"memory/target", target, TOOLS},
        {"memory/videoram", "0", TOOLS},
        {"device/suspend/event-channel", "", GUEST},
        {"control/shutdown", "", GUEST},
        {"control/feature-poweroff", "", GUEST},
        {"control/feature-reboot", "", GUEST},
        {"control/feature-suspend", "", GUEST},
        {"control/sysrq", "", GUEST},
        {"control/platform-feature-multiprocessor-suspend", "1", TOOLS},
        {"control/platform-feature-xs_reset_watches", "1", TOOLS},
        {"data", "", GUEST},
        {"drivers", "", GUEST},
        {"feature", "", GUEST},
        {"attr", "", GUEST},
        {"error", "", GUEST},
    };
    const struct row vm_rows[] = {{"name", g->name, TOOLS}, {"uuid", uuid, TOOLS}};
    const struct row libxl_rows[] = {{"type", "pv", TOOLS}, {"dm-version", "qemu_xen", TOOLS}};

    if (make_root(s, tx, home, w->domid, true) != 0 || make_root(s, tx, vm, w->domid, true) != 0 ||
        make_root(s, tx, libxl, w->domid, false) != 0)
        return -1;
    if (write_rows(s, tx, w->domid, home, rows, sizeof(rows) / sizeof(rows[0])) != 0 ||
        write_rows(s, tx, w->domid, vm, vm_rows, 2) != 0 ||
        write_rows(s, tx, w->domid, libxl, libxl_rows, 2) != 0)
        return -1;
    return write_cpus(s, tx, w, home);
}

int guest_nodes_write(struct store *s, uint32_t domid, const struct guest_config *g,
                      struct failure *why)
{
    struct work w = {.domid = domid, .g = g};

    if (store_transact(s, write_step, &w) != 0)
        return fail(why, errno, "cannot write the store nodes of domain %u: %s", domid,
                    strerror(errno));
    return 0;
}

static int built_step(struct store *s, store_tx tx, void *arg)
{
    const struct work *w = arg;
    const struct guest_rings *r = w->rings;
    char home[48], vm[64], uuid[37], store_port[16], store_frame[24], port[16], frame[24];
    char backend[DEVICE_PATH], start[48];
    struct device console = {.kind = "console", .domid = w->domid};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    uuid_format(w->g->uuid, uuid);
    device_backend_path(&console, backend);
    snprintf(home, sizeof(home), "/local/domain/%u", w->domid);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    snprintf(store_port, sizeof(store_port), "%u", r->store_port);
    snprintf(store_frame, sizeof(store_frame), "%llu", (unsigned long long)r->store_frame);
    snprintf(port, sizeof(port), "%u", r->console_port);
    snprintf(frame, sizeof(frame), "%llu", (unsigned long long)r->console_frame);
    snprintf(start, sizeof(start), "%lld.%02ld", (long long)now.tv_sec, now.tv_nsec / 10000000);
    const struct row rows[] = {
        {"store/port", store_port, TOOLS},   {"store/ring-ref", store_frame, TOOLS},
        {"console/backend", backend, TOOLS}, {"console/backend-id", "0", GUEST_SEEN},
        {"console/limit", "1048576", TOOLS}, {"console/type", "xenconsoled", TOOLS},
        {"console/output", "pty", TOOLS},    {"console/tty", "", TOOLS},
        {"console/port", port, TOOLS},       {"console/ring-ref", frame, TOOLS},
    };
    const struct row vm_rows[] = {
        {"image/ostype", r->os != NULL && *r->os != '\0' ? r->os : "linux", TOOLS},
        {"image/kernel", w->g->kernel, TOOLS},
        {"image/ramdisk", w->g->ramdisk, TOOLS},
        {"image/cmdline", w->g->cmdline, TOOLS},
        {"start_time", start, TOOLS},
    };

    if (write_rows(s, tx, w->domid, home, rows, sizeof(rows) / sizeof(rows[0])) != 0)
        return -1;
    return write_rows(s, tx, w->domid, vm, vm_rows, sizeof(vm_rows) / sizeof(vm_rows[0]));
}

int guest_nodes_built(struct store *s, uint32_t domid, const struct guest_config *g,
                      const struct guest_rings *rings, struct failure *why)
{
    static const struct device_node protocol = {"protocol", "vt100", DEVICE_BACK};
    const struct device console = {.kind = "console", .domid = domid};
    struct work w = {.domid = domid, .g = g, .rings = rings};

    if (store_transact(s, built_step, &w) != 0)
        return fail(why, errno, "cannot write the store nodes of domain %u: %s", domid,
                    strerror(errno));
    return device_publish(s, &console, &protocol, 1, why);
}

int guest_nodes_remove(struct store *s, uint32_t domid)
{
    char path[DEVICE_PATH];
    char *vm = store_readf(s, STORE_NO_TX, "/local/domain/%u/vm", domid);
    int rc = 0;

    /* a renamed domain's successor may have taken the uuid over */
    if (vm != NULL && strncmp(vm, "/vm/", 4) == 0 && strchr(vm + 4, '/') == NULL &&
        store_rm_upwards(s, vm) != 0)
        rc = -1;
    free(vm);
    snprintf(path, sizeof(path), "/libxl/%u", domid);
    if (store_rm_upwards(s, path) != 0)
        rc = -1;
    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    if (store_rm(s, STORE_NO_TX, path) != 0 && errno != ENOENT)
        rc = -1;
    return rc;
}

struct move {
    uint32_t domid;
    const uint8_t *uuid;
};

static int move_step(struct store *s, store_tx tx, void *arg)
{
    const struct move *m = arg;
    const struct store_perm perms[2] = {{0, STORE_NONE}, {m->domid, STORE_READ}};
    char text[37], vm[64];
    char *name = store_readf(s, tx, "/local/domain/%u/name", m->domid);
    int rc = -1;

    uuid_format(m->uuid, text);
    snprintf(vm, sizeof(vm), "/vm/%s", text);
    if (name != NULL && store_mkdir(s, tx, vm) == 0 && store_set_perms(s, tx, vm, perms, 2) == 0 &&
        store_writef(s, tx, name, "%s/name", vm) == 0 &&
        store_writef(s, tx, text, "%s/uuid", vm) == 0 &&
        store_writef(s, tx, vm, "/local/domain/%u/vm", m->domid) == 0)
        rc = 0;
    free(name);
    return rc;
}

int guest_move_vm(struct store *s, uint32_t domid, const uint8_t uuid[16], struct failure *why)
{
    struct move m = {domid, uuid};
    char *old = store_readf(s, STORE_NO_TX, "/local/domain/%u/vm", domid);
    int rc = store_transact(s, move_step, &m);

    if (rc == 0 && old != NULL && strncmp(old, "/vm/", 4) == 0)
        rc = store_rm_upwards(s, old);
    free(old);
    return rc == 0 ? 0
                   : fail(why, errno, "cannot move the /vm directory of domain %u: %s", domid,
                          strerror(errno));
}
