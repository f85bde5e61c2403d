/* SPDX-License-Identifier: MIT */
/*
 * VBD, VIF and console; see vm_device.h. Whether a device is attached, and how far, is what the
 * copy of its nodes says that the guest cannot write, and its backend's state.
 */
#include "dom0-tools/xapid/vm_device.h"
#include "dom0-tools/lib/device.h"
#include "dom0-tools/xapid/uuid_ref.h"
#include "dom0-tools/xapid/vm.h"
#include "dom0-tools/xapid/vm_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What VBD and VIF have in common, at the end of both records. */
static void add_state(struct value *r, struct vm_scan *s, const struct vm_view *v,
                      const struct device *wanted)
{
    struct value *properties = value_struct();
    struct device *list = NULL;
    char path[DEVICE_PATH];
    long n = v->present ? device_list(s->t.store, v->info.domid, &list) : 0;
    const int err = n < 0 ? errno : 0;
    bool attached = false;

    for (long i = 0; i < n; i++)
        if (strcmp(list[i].kind, wanted->kind) == 0 && list[i].id == wanted->id) {
            attached = true;
            device_backend_path(&list[i], path);
            value_set(properties, "backend", value_string(path));
            value_set(properties, "state", value_int(device_state(s->t.store, path)));
        }
    free(list);
    value_set(r, "currently_attached", value_boolean(attached));
    value_set(r, "status_code", value_int(err));
    value_set(r, "status_detail", value_string(err != 0 ? strerror(err) : ""));
    value_set(r, "runtime_properties", properties);
    value_set(r, "qos_algorithm_type", value_string(""));
    value_set(r, "qos_algorithm_params", value_struct());
    value_set(r, "qos_supported_algorithms", value_array());
    value_set(r, "metrics", value_string(""));
}

/* What VBD and VIF differ in: devices are counted as they stand in a guest's configuration. */
struct kind {
    size_t (*count)(const struct guest_config *g);
    void (*ref)(const struct vm_view *v, const struct guest_config *g, size_t n, char ref[37]);
    struct value *(*record)(struct vm_scan *s, const struct vm_view *v,
                            const struct guest_config *g, size_t n);
};

static size_t vbd_count(const struct guest_config *g)
{
    return g->n_disks;
}

static void vbd_ref(const struct vm_view *v, const struct guest_config *g, size_t n, char ref[37])
{
    uuid_ref(v->uuid, "vbd", g->disks[n].vdev, ref);
}

static struct value *vbd_record(struct vm_scan *s, const struct vm_view *v,
                                const struct guest_config *g, size_t n)
{
    const struct disk_spec *d = &g->disks[n];
    struct device device = {.kind = "vbd"};
    struct value *r = value_struct(), *other = value_struct();
    struct vdev vdev = {0};

    vdev_parse(d->vdev, &vdev);
    device.id = vdev.number;
    value_set(other, "target", value_string(d->target));
    value_set(r, "VDI", value_string(""));
    value_set(r, "device", value_string(d->vdev));
    value_set(r, "bootable", value_boolean(false));
    value_set(r, "mode", value_string(d->readonly ? "RO" : "RW"));
    value_set(r, "type", value_string(d->cdrom ? "CD" : "Disk"));
    value_set(r, "other_config", other);
    add_state(r, s, v, &device);
    return r;
}

static size_t vif_count(const struct guest_config *g)
{
    return g->n_vifs;
}

static void vif_ref(const struct vm_view *v, const struct guest_config *g, size_t n, char ref[37])
{
    char devid[16];

    snprintf(devid, sizeof(devid), "%d", g->vifs[n].devid);
    uuid_ref(v->uuid, "vif", devid, ref);
}

static struct value *vif_record(struct vm_scan *s, const struct vm_view *v,
                                const struct guest_config *g, size_t n)
{
    const struct vif_spec *vif = &g->vifs[n];
    struct device device = {.kind = "vif", .id = (uint32_t)vif->devid};
    struct value *r = value_struct(), *other = value_struct();
    const uint8_t *m = vif->mac;

    value_set(other, "bridge", value_string(vif->bridge));
    value_set(r, "device", value_printf("eth%d", vif->devid));
    value_set(r, "network", value_string(""));
    value_set(r, "MAC",
              vif->has_mac ? value_printf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
                                          m[4], m[5])
                           : value_string(""));
    value_set(r, "MTU", value_int(vif->mtu != 0 ? vif->mtu : 1500));
    value_set(r, "other_config", other);
    add_state(r, s, v, &device);
    return r;
}

static const struct kind vbd_kind = {vbd_count, vbd_ref, vbd_record};
static const struct kind vif_kind = {vif_count, vif_ref, vif_record};

static struct value *refs_of(const struct kind *k, struct vm_scan *s, struct vm_view *v,
                             struct failure *why)
{
    struct value *refs;
    struct guest_config g;
    char ref[37];

    if (vm_config(s, v, &g, why) != 0)
        return NULL;
    refs = value_array();
    for (size_t i = 0; i < k->count(&g); i++) {
        k->ref(v, &g, i, ref);
        value_push(refs, value_string(ref));
    }
    guest_config_free(&g);
    return refs;
}

struct value *vm_vbds(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    return refs_of(&vbd_kind, s, v, why);
}

struct value *vm_vifs(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    return refs_of(&vif_kind, s, v, why);
}

/* What a set of records is made with. */
struct wanted {
    struct vm_scan *s;
    const char *only;
    struct value *all;
};

/* All of one VM, or the one that is wanted. 0, or -1 with a sentence. */
static int add_records(const struct kind *k, const struct wanted *w, struct vm_view *v,
                       struct failure *why)
{
    struct guest_config g;
    struct value *record;
    char ref[37];

    if (vm_config(w->s, v, &g, why) != 0)
        return -1;
    for (size_t i = 0; i < k->count(&g); i++) {
        k->ref(v, &g, i, ref);
        if (!part_wanted(w->only, ref))
            continue;
        record = k->record(w->s, v, &g, i);
        value_set(record, "uuid", value_string(ref));
        value_set(record, "VM", value_string(v->ref));
        value_set(w->all, ref, record);
    }
    guest_config_free(&g);
    return 0;
}

static struct value *records_of(const struct kind *k, struct vm_scan *s, const char *only,
                                struct failure *why)
{
    const struct wanted w = {s, only, value_struct()};

    for (size_t i = 0; i < s->n; i++)
        if (add_records(k, &w, &s->views[i], why) != 0) {
            value_free(w.all);
            return NULL;
        }
    return w.all;
}

static struct value *all_vbds(struct vm_scan *s, const char *only, struct failure *why)
{
    return records_of(&vbd_kind, s, only, why);
}

static struct value *all_vifs(struct vm_scan *s, const char *only, struct failure *why)
{
    return records_of(&vif_kind, s, only, why);
}

static struct value *console(struct vm_scan *s, const struct vm_view *v, const char *ref)
{
    char *tty = store_readf(s->t.store, STORE_NO_TX, "/local/domain/%u/console/tty", v->info.domid);
    struct value *r = value_struct();

    value_set(r, "uuid", value_string(ref));
    value_set(r, "protocol", value_string("vt100"));
    value_set(r, "location", value_string(tty));
    value_set(r, "VM", value_string(v->ref));
    value_set(r, "other_config", value_struct());
    free(tty);
    return r;
}

/* dom0's is the machine's own. */
static bool has_console(const struct vm_view *v)
{
    return v->present && !vm_is_dom0(v);
}

struct value *vm_consoles(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    struct value *refs = value_array();
    char ref[37];

    (void)s;
    (void)why;
    if (has_console(v)) {
        uuid_ref(v->uuid, "console", "", ref);
        value_push(refs, value_string(ref));
    }
    return refs;
}

static struct value *all_consoles(struct vm_scan *s, const char *only, struct failure *why)
{
    struct value *all = value_struct();
    char ref[37];

    (void)why;
    for (size_t i = 0; i < s->n; i++) {
        uuid_ref(s->views[i].uuid, "console", "", ref);
        if (has_console(&s->views[i]) && part_wanted(only, ref))
            value_set(all, ref, console(s, &s->views[i], ref));
    }
    return all;
}

static const struct part_class vbds = {"VBD", all_vbds};
static const struct part_class vifs = {"VIF", all_vifs};
static const struct part_class consoles = {"console", all_consoles};

const struct method vm_device_methods[] = {
    {"VBD.get_all", part_get_all, .data = &vbds},
    {"VBD.get_all_records", part_get_all_records, .data = &vbds},
    {"VBD.get_record", part_get_record, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_by_uuid", part_get_by_uuid, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_uuid", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_VM", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_VDI", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_device", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_bootable", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_mode", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_type", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_other_config", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_currently_attached", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_status_code", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_status_detail", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_runtime_properties", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_qos_algorithm_type", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_qos_algorithm_params", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_qos_supported_algorithms", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VBD.get_metrics", part_get_field, {{"self", PARAM_REF}}, .data = &vbds},
    {"VIF.get_all", part_get_all, .data = &vifs},
    {"VIF.get_all_records", part_get_all_records, .data = &vifs},
    {"VIF.get_record", part_get_record, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_by_uuid", part_get_by_uuid, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_uuid", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_device", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_network", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_VM", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_MAC", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_MTU", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_other_config", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_currently_attached", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_status_code", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_status_detail", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_runtime_properties", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_qos_algorithm_type", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_qos_algorithm_params", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_qos_supported_algorithms", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"VIF.get_metrics", part_get_field, {{"self", PARAM_REF}}, .data = &vifs},
    {"console.get_all", part_get_all, .data = &consoles},
    {"console.get_all_records", part_get_all_records, .data = &consoles},
    {"console.get_record", part_get_record, {{"self", PARAM_REF}}, .data = &consoles},
    {"console.get_by_uuid", part_get_by_uuid, {{"self", PARAM_REF}}, .data = &consoles},
    {"console.get_uuid", part_get_field, {{"self", PARAM_REF}}, .data = &consoles},
    {"console.get_protocol", part_get_field, {{"self", PARAM_REF}}, .data = &consoles},
    {"console.get_location", part_get_field, {{"self", PARAM_REF}}, .data = &consoles},
    {"console.get_VM", part_get_field, {{"self", PARAM_REF}}, .data = &consoles},
    {"console.get_other_config", part_get_field, {{"self", PARAM_REF}}, .data = &consoles},
    {.name = NULL},
};
