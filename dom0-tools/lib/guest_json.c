/* SPDX-License-Identifier: MIT */
/*
 * A guest's configuration as JSON, in the shape that Xen's tools keep beside a running guest:
 * members that have their default are left out, three-way booleans are the strings "True" and
 * "False", memory is in KiB. Both of Xen's tools and ours read it. See guest_config.h.
 */
#include "dom0-tools/lib/guest_config.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

static void text(yajl_gen gen, const char *s)
{
    yajl_gen_string(gen, (const unsigned char *)s, strlen(s));
}

static void member(yajl_gen gen, const char *key, const char *value)
{
    if (value == NULL)
        return;
    text(gen, key);
    text(gen, value);
}

static void number(yajl_gen gen, const char *key, uint64_t value)
{
    text(gen, key);
    yajl_gen_integer(gen, (long long)value);
}

static void empty(yajl_gen gen, const char *key)
{
    text(gen, key);
    yajl_gen_map_open(gen);
    yajl_gen_map_close(gen);
}

static const char *const actions[] = {"destroy",   "restart",          "restart_rename",
                                      "preserve",  "coredump_destroy", "coredump_restart",
                                      "soft_reset"};

int guest_action_from_json(const char *value, enum guest_action *out)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(value, actions[i]) == 0) {
            *out = (enum guest_action)i;
            return 0;
        }
    return -1;
}

/* Destroy is what stands for a missing one, whatever an xl.cfg without it means. */
static void action(yajl_gen gen, const char *key, enum guest_action value)
{
    if (value != ACTION_DESTROY)
        member(gen, key, actions[value]);
}

static void affinity(yajl_gen gen, const char *key, const struct guest_affinity *sets, size_t n)
{
    if (n == 0)
        return;
    text(gen, key);
    yajl_gen_array_open(gen);
    for (size_t i = 0; i < n; i++) {
        yajl_gen_array_open(gen);
        for (unsigned int cpu = 0; cpu < GUEST_CPUS; cpu++)
            if (sets[i].cpus[cpu / 8] >> cpu % 8 & 1)
                yajl_gen_integer(gen, cpu);
        yajl_gen_array_close(gen);
    }
    yajl_gen_array_close(gen);
}

static void c_info(yajl_gen gen, const struct guest_config *g, bool running)
{
    char uuid[37];

    uuid_format(g->uuid, uuid);
    text(gen, "c_info");
    yajl_gen_map_open(gen);
    member(gen, "type", "pv");
    member(gen, "name", g->name);
    if (running)
        number(gen, "domid", UINT32_MAX);
    member(gen, "uuid", uuid);
    member(gen, "run_hotplug_scripts", "True");
    yajl_gen_map_close(gen);
}

static void b_info(yajl_gen gen, const struct guest_config *g, bool running)
{
    text(gen, "b_info");
    yajl_gen_map_open(gen);
    number(gen, "max_vcpus", g->max_vcpus);
    text(gen, "avail_vcpus");
    yajl_gen_array_open(gen);
    for (uint32_t i = 0; i < g->vcpus; i++)
        yajl_gen_integer(gen, i);
    yajl_gen_array_close(gen);
    number(gen, "max_memkb", g->max_memory_kib);
    number(gen, "target_memkb", g->memory_kib);
    if (running)
        number(gen, "video_memkb", 0);
    text(gen, "sched_params");
    yajl_gen_map_open(gen);
    if (g->cpu_weight != 0)
        number(gen, "weight", g->cpu_weight);
    if (g->cap_given)
        number(gen, "cap", g->cpu_cap);
    yajl_gen_map_close(gen);
    member(gen, "claim_mode", "True");
    if (g->max_grant_frames != 0)
        number(gen, "max_grant_frames", (uint64_t)g->max_grant_frames);
    if (g->max_maptrack_frames != 0)
        number(gen, "max_maptrack_frames", (uint64_t)g->max_maptrack_frames);
    if (g->max_grant_version != 0)
        number(gen, "max_grant_version", g->max_grant_version);
    if (g->max_event_channels != 0)
        number(gen, "event_channels", g->max_event_channels);
    affinity(gen, "vcpu_hard_affinity", g->hard, g->n_hard);
    affinity(gen, "vcpu_soft_affinity", g->soft, g->n_soft);
    member(gen, "kernel", g->kernel);
    member(gen, "cmdline", g->cmdline);
    member(gen, "ramdisk", g->ramdisk);
    empty(gen, "type.pv");
    empty(gen, "arch_arm");
    text(gen, "arch_x86");
    yajl_gen_map_open(gen);
    if (running)
        member(gen, "msr_relaxed", "False");
    yajl_gen_map_close(gen);
    yajl_gen_map_close(gen);
}

static void disk(yajl_gen gen, const struct disk_spec *d, bool running)
{
    static const char *const backends[] = {[DISK_PHY] = "phy",
                                           [DISK_QDISK] = "qdisk",
                                           [DISK_TAP] = "tap",
                                           [DISK_STANDALONE] = "standalone"};

    yajl_gen_map_open(gen);
    member(gen, "pdev_path", d->target);
    member(gen, "vdev", d->vdev);
    member(gen, "backend_domname", d->backend_domain);
    if (d->backend != DISK_AUTO)
        member(gen, "backend", backends[d->backend]);
    member(gen, "format", disk_format_name(d->format));
    member(gen, "script", d->script);
    if (d->removable)
        number(gen, "removable", 1);
    if (!d->readonly)
        number(gen, "readwrite", 1);
    if (d->cdrom)
        number(gen, "is_cdrom", 1);
    if (d->direct_io_safe) {
        text(gen, "direct_io_safe");
        yajl_gen_bool(gen, 1);
    }
    if (d->no_discard)
        member(gen, "discard_enable", "False");
    if (running)
        member(gen, "colo_restore_enable", "False");
    yajl_gen_map_close(gen);
}

static void nic(yajl_gen gen, const struct vif_spec *v, unsigned int index, bool running)
{
    char mac[18];

    yajl_gen_map_open(gen);
    number(gen, "devid", v->devid >= 0 ? (unsigned int)v->devid : index);
    if (v->mtu != 0)
        number(gen, "mtu", v->mtu);
    if (v->has_mac) {
        snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", v->mac[0], v->mac[1], v->mac[2],
                 v->mac[3], v->mac[4], v->mac[5]);
        member(gen, "mac", mac);
    }
    member(gen, "ip", v->ip);
    member(gen, "bridge", v->bridge);
    member(gen, "ifname", v->ifname);
    member(gen, "script", v->script);
    if (running)
        member(gen, "nictype", "vif");
    if (v->rate_text != NULL) {
        number(gen, "rate_bytes_per_interval", v->rate_bytes);
        number(gen, "rate_interval_usecs", v->rate_usecs);
    }
    member(gen, "gatewaydev", v->gatewaydev);
    member(gen, "backend_domname", v->backend_domain);
    yajl_gen_map_close(gen);
}

static void everything(yajl_gen gen, const struct guest_config *g, bool running)
{
    yajl_gen_map_open(gen);
    c_info(gen, g, running);
    b_info(gen, g, running);
    if (g->n_disks != 0) {
        text(gen, "disks");
        yajl_gen_array_open(gen);
        for (size_t i = 0; i < g->n_disks; i++)
            disk(gen, &g->disks[i], running);
        yajl_gen_array_close(gen);
    }
    if (g->n_vifs != 0) {
        text(gen, "nics");
        yajl_gen_array_open(gen);
        for (size_t i = 0; i < g->n_vifs; i++)
            nic(gen, &g->vifs[i], (unsigned int)i, running);
        yajl_gen_array_close(gen);
    }
    action(gen, "on_poweroff", g->on_poweroff);
    action(gen, "on_reboot", g->on_reboot);
    action(gen, "on_watchdog", g->on_watchdog);
    action(gen, "on_crash", g->on_crash);
    action(gen, "on_soft_reset", g->on_soft_reset);
    yajl_gen_map_close(gen);
}

char *guest_config_json(const struct guest_config *g, bool running)
{
    yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *buffer;
    char *json = NULL;
    size_t len;

    if (gen == NULL)
        return NULL;
    yajl_gen_config(gen, yajl_gen_beautify, 1);
    yajl_gen_config(gen, yajl_gen_indent_string, "    ");
    everything(gen, g, running);
    if (yajl_gen_get_buf(gen, &buffer, &len) == yajl_gen_status_ok)
        json = strndup((const char *)buffer, len);
    yajl_gen_free(gen);
    return json;
}
