/* SPDX-License-Identifier: MIT */
/*
 * What is seen of a VM; see vm_fields.h. Sets of classes that are not served here are empty, for a
 * guest has none of them; null references are "".
 */
#include "dom0-tools/xapid/vm_fields.h"
#include "dom0-tools/xapid/host.h"
#include "dom0-tools/xapid/power.h"
#include "dom0-tools/xapid/uuid_ref.h"
#include "dom0-tools/xapid/vm_device.h"

#include <errno.h>
#include <string.h>

static struct value *uuid(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    (void)s;
    (void)why;
    return value_string(v->ref);
}

static struct value *power_state(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    (void)s;
    (void)why;
    return value_string(vm_power_name(vm_power(v)));
}

static struct value *allowed_operations(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    (void)s;
    (void)why;
    return power_allowed(v);
}

static struct value *resident_on(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    (void)s;
    (void)why;
    return value_string(v->present ? host_ref() : "");
}

static struct value *domid(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    (void)s;
    (void)why;
    return value_int(v->present ? v->info.domid : -1);
}

static struct value *is_control_domain(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    (void)s;
    (void)why;
    return value_boolean(vm_is_dom0(v));
}

static struct value *metrics(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    char ref[37];

    (void)s;
    (void)why;
    uuid_ref(v->uuid, "metrics", "", ref);
    return value_string(ref);
}

static struct value *null_ref(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    (void)s;
    (void)why;
    (void)v;
    return value_string("");
}

static struct value *none(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    (void)s;
    (void)why;
    (void)v;
    return value_array();
}

static const struct {
    const char *name;
    struct value *(*look)(struct vm_scan *s, struct vm_view *v, struct failure *why);
} seen[] = {
    {"uuid", uuid},
    {"power_state", power_state},
    {"allowed_operations", allowed_operations},
    {"resident_on", resident_on},
    {"domid", domid},
    {"is_control_domain", is_control_domain},
    {"metrics", metrics},
    {"guest_metrics", null_ref},
    {"suspend_VDI", null_ref},
    {"security_label", null_ref},
    {"consoles", vm_consoles},
    {"VBDs", vm_vbds},
    {"VIFs", vm_vifs},
    {"crash_dumps", none},
    {"VTPMs", none},
    {"DPCIs", none},
    {"DSCSIs", none},
    {"DSCSI_HBAs", none},
};
#define N_SEEN (sizeof(seen) / sizeof(seen[0]))

static struct value *given(struct vm_scan *s, struct vm_view *v, const char *name)
{
    const struct value *record = vm_record(s, v);
    const struct value *field = record != NULL ? value_get(record, name) : NULL;

    return field != NULL ? value_copy(field) : NULL;
}

struct value *vm_field(struct vm_scan *s, struct vm_view *v, const char *name, struct failure *why)
{
    fail(why, ENOMEM, "out of memory");
    for (size_t i = 0; i < N_SEEN; i++)
        if (strcmp(seen[i].name, name) == 0)
            return seen[i].look(s, v, why);
    return given(s, v, name);
}

struct value *vm_fields(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    struct value *record = value_struct();
    const char *name;

    fail(why, ENOMEM, "out of memory");
    for (size_t i = 0; i < N_SEEN && value_complete(record); i++)
        value_set(record, seen[i].name, seen[i].look(s, v, why));
    for (unsigned int i = 0; (name = vm_record_field(i)) != NULL; i++)
        value_set(record, name, given(s, v, name));
    if (value_complete(record))
        return record;
    value_free(record);
    return NULL;
}
