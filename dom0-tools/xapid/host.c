/* SPDX-License-Identifier: MIT */
/*
 * The class host: one object. What the hypervisor says of itself and of the machine is asked at
 * every call; the name, the description and other_config are the host's own file (host_file.h).
 * Fields of classes that are not served (PIFs, PBDs, ...) are not in the record.
 */
#include "dom0-tools/xapid/host.h"
#include "dom0-tools/lib/guest_config.h"
#include "dom0-tools/xapid/host_file.h"
#include "dom0-tools/xapid/host_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static char reference[37]; /* fixed after open */

const char *host_ref(void)
{
    return reference;
}

int host_open(const char *state, struct failure *why)
{
    uint8_t uuid[16];

    if (host_file_open(state, why) != 0)
        return -1;
    host_file_uuid(uuid);
    uuid_format(uuid, reference);
    return 0;
}

void host_close(void)
{
    host_file_close();
}

static void add_software(struct value *r, struct hv *hv, struct hv_version *v)
{
    struct value *software = value_struct();
    struct utsname u;

    if (hv_get_version(hv, v) == 0) {
        value_set(software, "xen", value_printf("%u.%u%.16s", v->major, v->minor, v->extra));
        value_set(software, "xen_changeset", value_string(v->changeset));
        value_set(software, "xen_capabilities", value_string(v->capabilities));
        value_set(software, "xen_commandline", value_string(v->commandline));
    }
    if (uname(&u) == 0) {
        value_set(software, "machine", value_string(u.machine));
        value_set(software, "system", value_string(u.sysname));
        value_set(software, "release", value_string(u.release));
        value_set(software, "host", value_string(u.nodename));
    }
    value_set(r, "software_version", software);
}

/* The words of the hypervisor's list of guest kinds. */
static void add_capabilities(struct value *r, const struct hv_version *v)
{
    struct value *words = value_array();
    char text[sizeof(v->capabilities)], *rest = text, *word;

    memcpy(text, v->capabilities, sizeof(text));
    while ((word = strsep(&rest, " ")) != NULL)
        if (*word != '\0')
            value_push(words, value_string(word));
    value_set(r, "capabilities", words);
}

static void add_cpus(struct value *r, struct hv *hv)
{
    struct value *configuration = value_struct(), *cpus = value_array();
    struct hv_physinfo h = {0};
    char ref[37];

    if (hv_physinfo(hv, &h) == 0) {
        value_set(configuration, "nr_cpus", value_int(h.nr_cpus));
        value_set(configuration, "nr_nodes", value_int(h.nr_nodes));
        value_set(configuration, "cores_per_socket", value_int(h.cores_per_socket));
        value_set(configuration, "threads_per_core", value_int(h.threads_per_core));
        value_set(configuration, "cpu_khz", value_int(h.cpu_khz));
    }
    for (unsigned int i = 0; i < h.nr_cpus; i++) {
        host_cpu_ref(i, ref);
        value_push(cpus, value_string(ref));
    }
    value_set(r, "cpu_configuration", configuration);
    value_set(r, "host_CPUs", cpus);
}

static void add_vms(struct value *r, const struct vm_scan *s)
{
    struct value *refs = value_array();

    for (size_t i = 0; i < s->n; i++)
        if (s->views[i].present)
            value_push(refs, value_string(s->views[i].ref));
    value_set(r, "resident_VMs", refs);
}

static void add_kept(struct value *r)
{
    static const char *const names[] = {"name_label", "name_description", "other_config"};
    struct value *kept = host_file_record();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        value_set(r, names[i], kept != NULL ? value_copy(value_get(kept, names[i])) : NULL);
    value_free(kept);
}

static struct value *records(struct vm_scan *s, const char *only, struct failure *why)
{
    struct value *all = value_struct(), *r = value_struct();
    struct hv_version version = {0};
    char metrics[37];
    uint32_t scheduler;

    (void)only;
    (void)why;
    host_metrics_ref(metrics);
    value_set(r, "uuid", value_string(reference));
    add_kept(r);
    value_set(r, "API_version_major", value_int(1));
    value_set(r, "API_version_minor", value_int(0));
    value_set(r, "API_version_vendor", value_string("Bonsai"));
    value_set(r, "API_version_vendor_implementation", value_struct());
    value_set(r, "enabled", value_boolean(true));
    add_software(r, s->t.hv, &version);
    add_capabilities(r, &version);
    add_cpus(r, s->t.hv);
    value_set(r, "sched_policy",
              value_string(hv_scheduler_id(s->t.hv, &scheduler) == 0 ? hv_scheduler_name(scheduler)
                                                                     : ""));
    value_set(r, "supported_bootloaders", value_array());
    add_vms(r, s);
    value_set(r, "logging", value_struct());
    value_set(r, "metrics", value_string(metrics));
    value_set(all, reference, r);
    return all;
}

static const struct part_class class = {"host", records};

/* --- what a client may write */

static bool is_host(struct call *c)
{
    if (strcmp(call_string(c, 0), reference) == 0)
        return true;
    call_handle_invalid(c, "host", call_string(c, 0));
    return false;
}

struct change {
    struct call *c;
    const char *field;
    struct value *value; /* of the field; taken over */
};

static struct value *put_field(const struct value *record, void *arg)
{
    const struct change *change = arg;
    struct value *changed = value_struct();

    for (size_t i = 0; i < value_count(record); i++) {
        const char *name = value_name(record, i);
        const bool is_it = strcmp(name, change->field) == 0;

        value_set(changed, name, value_copy(is_it ? change->value : value_at(record, i)));
    }
    return changed;
}

static void apply(struct change *change, struct value *(*make)(const struct value *, void *))
{
    struct failure why;
    const int rc = host_file_change(make, change, &why);

    if (rc == 0)
        call_return_void(change->c);
    else if (rc < 0)
        call_internal_error(change->c, why.text);
    value_free(change->value);
}

static void set_field(struct call *c)
{
    struct change change = {.c = c, .field = call_method(c)->name + strlen("host.set_")};
    const struct value *given = call_value(c, 1);

    if (!is_host(c))
        return;
    for (size_t i = 0; value_kind(given) == VALUE_STRUCT && i < value_count(given); i++)
        if (value_as_string(value_at(given, i)) == NULL) {
            call_fail(c, "FIELD_TYPE_ERROR", change.field, NULL);
            return;
        }
    change.value = value_copy(given);
    if (change.value == NULL) {
        call_internal_error(c, "out of memory");
        return;
    }
    apply(&change, put_field);
}

/* other_config without the key, and with another value for it if there is one. */
static struct value *put_key(const struct value *record, void *arg)
{
    struct change *change = arg;
    const struct value *old = value_get(record, change->field);
    const char *key = call_string(change->c, 1);

    if (call_has(change->c, 2) && value_get(old, key) != NULL) {
        call_fail(change->c, "MAP_DUPLICATE_KEY", "host", change->field, reference, key, NULL);
        return NULL;
    }
    change->value = value_without(old, key);
    if (call_has(change->c, 2))
        value_set(change->value, key, value_string(call_string(change->c, 2)));
    return put_field(record, change);
}

static void change_key(struct call *c)
{
    struct change change = {.c = c, .field = "other_config"};

    if (is_host(c))
        apply(&change, put_key);
}

const struct method host_methods[] = {
    {"host.get_all", part_get_all, .data = &class},
    {"host.get_all_records", part_get_all_records, .data = &class},
    {"host.get_record", part_get_record, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_by_uuid", part_get_by_uuid, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_by_name_label", part_get_by_name_label, {{"label", PARAM_STRING}}, .data = &class},
    {"host.get_uuid", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_name_label", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_name_description", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_API_version_major", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_API_version_minor", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_API_version_vendor", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_API_version_vendor_implementation",
     part_get_field,
     {{"self", PARAM_REF}},
     .data = &class},
    {"host.get_enabled", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_software_version", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_other_config", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_capabilities", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_cpu_configuration", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_sched_policy", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_supported_bootloaders", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_resident_VMs", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_logging", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_host_CPUs", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.get_metrics", part_get_field, {{"self", PARAM_REF}}, .data = &class},
    {"host.set_name_label", set_field, {{"self", PARAM_REF}, {"value", PARAM_STRING}}},
    {"host.set_name_description", set_field, {{"self", PARAM_REF}, {"value", PARAM_STRING}}},
    {"host.set_other_config", set_field, {{"self", PARAM_REF}, {"value", PARAM_STRUCT}}},
    {"host.add_to_other_config",
     change_key,
     {{"self", PARAM_REF}, {"key", PARAM_STRING}, {"value", PARAM_STRING}}},
    {"host.remove_from_other_config", change_key, {{"self", PARAM_REF}, {"key", PARAM_STRING}}},
    {.name = NULL},
};
