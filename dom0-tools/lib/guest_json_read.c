/* SPDX-License-Identifier: MIT */
/*
 * The way back from the JSON kept beside a guest, ours or that of Xen's tools, to a configuration:
 * for a monitor that takes a guest over. One table row a member; members that are missing have
 * their defaults. The file is root's own, yet what is read is held to what guest_config.h promises.
 */
#include "dom0-tools/lib/guest_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

static yajl_val at(yajl_val tree, const char *first, const char *second)
{
    const char *path[] = {first, second, NULL};

    return tree != NULL ? yajl_tree_get(tree, path, yajl_t_any) : NULL;
}

static const char *text_at(yajl_val tree, const char *first, const char *second)
{
    yajl_val v = at(tree, first, second);

    return YAJL_IS_STRING(v) ? v->u.string : NULL;
}

static uint64_t number_at(yajl_val tree, const char *first, const char *second, uint64_t otherwise)
{
    yajl_val v = at(tree, first, second);

    return YAJL_IS_INTEGER(v) && v->u.number.i >= 0 ? (uint64_t)v->u.number.i : otherwise;
}

/* Copies a string where there is one. 0 or -1. */
static int copy(char **slot, const char *text)
{
    if (text == NULL)
        return 0;
    *slot = strdup(text);
    return *slot != NULL ? 0 : -1;
}

static int read_disk(yajl_val v, struct disk_spec *d)
{
    const char *format = text_at(v, "format", NULL);
    const char *backend = text_at(v, "backend", NULL);
    const char *discard = text_at(v, "discard_enable", NULL);
    struct vdev vdev;

    *d = (struct disk_spec){.format = DISK_FORMAT_RAW};
    if (format != NULL && disk_format_parse(format, &d->format) != 0)
        return -1;
    if (backend != NULL && disk_backend_parse(backend, &d->backend) != 0)
        return -1;
    d->readonly = number_at(v, "readwrite", NULL, 0) == 0;
    d->removable = number_at(v, "removable", NULL, 0) != 0;
    d->cdrom = number_at(v, "is_cdrom", NULL, 0) != 0;
    d->direct_io_safe = YAJL_IS_TRUE(at(v, "direct_io_safe", NULL));
    d->no_discard = discard != NULL && strcmp(discard, "False") == 0;
    if (copy(&d->target, text_at(v, "pdev_path", NULL)) != 0 ||
        copy(&d->vdev, text_at(v, "vdev", NULL)) != 0 ||
        copy(&d->script, text_at(v, "script", NULL)) != 0 ||
        copy(&d->backend_domain, text_at(v, "backend_domname", NULL)) != 0)
        return -1;
    return d->vdev != NULL && vdev_parse(d->vdev, &vdev) == 0 &&
                   (d->target != NULL || d->format == DISK_FORMAT_EMPTY)
               ? 0
               : -1;
}

static int read_nic(yajl_val v, struct vif_spec *n)
{
    const char *mac = text_at(v, "mac", NULL);

    *n = (struct vif_spec){.devid = (int)number_at(v, "devid", NULL, 0)};
    if (mac != NULL && mac_parse(mac, n->mac) != 0)
        return -1;
    n->has_mac = mac != NULL;
    n->mtu = (uint32_t)number_at(v, "mtu", NULL, 0);
    n->rate_bytes = number_at(v, "rate_bytes_per_interval", NULL, 0);
    n->rate_usecs = (uint32_t)number_at(v, "rate_interval_usecs", NULL, 0);
    if (n->rate_bytes != 0 && copy(&n->rate_text, "kept") != 0)
        return -1;
    return copy(&n->bridge, text_at(v, "bridge", NULL)) != 0 ||
                   copy(&n->ip, text_at(v, "ip", NULL)) != 0 ||
                   copy(&n->ifname, text_at(v, "ifname", NULL)) != 0 ||
                   copy(&n->script, text_at(v, "script", NULL)) != 0 ||
                   copy(&n->gatewaydev, text_at(v, "gatewaydev", NULL)) != 0 ||
                   copy(&n->backend_domain, text_at(v, "backend_domname", NULL)) != 0
               ? -1
               : 0;
}

static int read_devices(yajl_val tree, struct guest_config *g)
{
    yajl_val disks = at(tree, "disks", NULL), nics = at(tree, "nics", NULL);

    if (YAJL_IS_ARRAY(disks)) {
        g->disks = calloc(disks->u.array.len + 1, sizeof(struct disk_spec));
        for (size_t i = 0; g->disks != NULL && i < disks->u.array.len; i++)
            if (g->n_disks++, read_disk(disks->u.array.values[i], &g->disks[i]) != 0)
                return -1;
    }
    if (YAJL_IS_ARRAY(nics)) {
        g->vifs = calloc(nics->u.array.len + 1, sizeof(struct vif_spec));
        for (size_t i = 0; g->vifs != NULL && i < nics->u.array.len; i++)
            if (g->n_vifs++, read_nic(nics->u.array.values[i], &g->vifs[i]) != 0)
                return -1;
    }
    return 0;
}

/* Arrays of arrays of CPU numbers, one per vCPU. */
static int read_affinity(yajl_val v, struct guest_affinity **out, size_t *n)
{
    if (!YAJL_IS_ARRAY(v) || v->u.array.len == 0)
        return 0;
    *out = calloc(v->u.array.len, sizeof(struct guest_affinity));
    if (*out == NULL)
        return -1;
    *n = v->u.array.len;
    for (size_t i = 0; i < *n; i++) {
        yajl_val cpus = v->u.array.values[i];

        for (size_t j = 0; YAJL_IS_ARRAY(cpus) && j < cpus->u.array.len; j++) {
            yajl_val cpu = cpus->u.array.values[j];

            if (!YAJL_IS_INTEGER(cpu) || cpu->u.number.i < 0 || cpu->u.number.i >= GUEST_CPUS)
                return -1;
            (*out)[i].cpus[cpu->u.number.i / 8] |= (uint8_t)(1u << cpu->u.number.i % 8);
        }
    }
    return 0;
}

static int read_actions(yajl_val tree, struct guest_config *g)
{
    const struct {
        const char *name;
        enum guest_action *out;
    } rows[] = {{"on_poweroff", &g->on_poweroff},
                {"on_reboot", &g->on_reboot},
                {"on_watchdog", &g->on_watchdog},
                {"on_crash", &g->on_crash},
                {"on_soft_reset", &g->on_soft_reset}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = text_at(tree, rows[i].name, NULL);

        if (text != NULL && guest_action_from_json(text, rows[i].out) != 0)
            return -1;
    }
    return 0;
}

static int read_tree(yajl_val tree, struct guest_config *g)
{
    const char *name = text_at(tree, "c_info", "name"), *uuid = text_at(tree, "c_info", "uuid");
    const char *type = text_at(tree, "c_info", "type");
    yajl_val vcpus = at(tree, "b_info", "avail_vcpus");

    if (name == NULL || guest_name_trouble(name) != NULL || uuid == NULL ||
        uuid_parse(uuid, g->uuid) != 0 || type == NULL || strcmp(type, "pv") != 0)
        return -1;
    g->memory_kib = number_at(tree, "b_info", "target_memkb", 0);
    g->max_memory_kib = number_at(tree, "b_info", "max_memkb", g->memory_kib);
    g->max_vcpus = (uint32_t)number_at(tree, "b_info", "max_vcpus", 1);
    g->vcpus = YAJL_IS_ARRAY(vcpus) ? (uint32_t)vcpus->u.array.len : 1;
    g->max_grant_frames = (int32_t)number_at(tree, "b_info", "max_grant_frames", 0);
    g->max_maptrack_frames = (int32_t)number_at(tree, "b_info", "max_maptrack_frames", 0);
    g->max_grant_version = (uint32_t)number_at(tree, "b_info", "max_grant_version", 0);
    g->max_event_channels = (uint32_t)number_at(tree, "b_info", "event_channels", 0);
    if (copy(&g->name, name) != 0 || copy(&g->kernel, text_at(tree, "b_info", "kernel")) != 0 ||
        copy(&g->ramdisk, text_at(tree, "b_info", "ramdisk")) != 0 ||
        copy(&g->cmdline, text_at(tree, "b_info", "cmdline")) != 0)
        return -1;
    if (g->memory_kib > g->max_memory_kib || g->vcpus == 0 || g->vcpus > g->max_vcpus ||
        g->max_vcpus > GUEST_MAX_VCPUS)
        return -1;
    if (read_affinity(at(tree, "b_info", "vcpu_hard_affinity"), &g->hard, &g->n_hard) != 0 ||
        read_affinity(at(tree, "b_info", "vcpu_soft_affinity"), &g->soft, &g->n_soft) != 0)
        return -1;
    return read_devices(tree, g) != 0 ? -1 : read_actions(tree, g);
}

/* The scheduling that was asked for, not what a scheduler makes of nothing. */
static void read_scheduling(yajl_val tree, struct guest_config *g)
{
    const char *weight[] = {"b_info", "sched_params", "weight", NULL};
    const char *cap[] = {"b_info", "sched_params", "cap", NULL};
    yajl_val v = yajl_tree_get(tree, weight, yajl_t_number);

    if (YAJL_IS_INTEGER(v) && v->u.number.i > 0 && v->u.number.i <= UINT16_MAX)
        g->cpu_weight = (uint32_t)v->u.number.i;
    v = yajl_tree_get(tree, cap, yajl_t_number);
    g->cap_given = YAJL_IS_INTEGER(v) && v->u.number.i >= 0 && v->u.number.i <= UINT16_MAX;
    if (g->cap_given)
        g->cpu_cap = (uint32_t)v->u.number.i;
}

int guest_config_look(const char *json, struct guest_config *out, struct failure *why)
{
    char error[256] = "it does not describe a PV guest";
    yajl_val tree = yajl_tree_parse(json, error, sizeof(error));

    *out = (struct guest_config){0};
    if (tree == NULL || read_tree(tree, out) != 0) {
        for (char *c = error; *c != '\0'; c++)
            if (*c == '\n')
                *c = ' ';
        yajl_tree_free(tree);
        guest_config_free(out);
        return fail(why, EINVAL, "cannot use the kept configuration: %s",
                    *error != '\0' ? error : "it does not describe a PV guest");
    }
    read_scheduling(tree, out);
    yajl_tree_free(tree);
    return 0;
}

int guest_config_from_json(const char *json, struct guest_config *out, struct failure *why)
{
    if (guest_config_look(json, out, why) != 0)
        return -1;
    if (out->kernel != NULL && out->memory_kib != 0)
        return 0;
    guest_config_free(out);
    return fail(why, EINVAL, "cannot use the kept configuration: it names no kernel or no memory");
}
