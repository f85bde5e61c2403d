/* SPDX-License-Identifier: MIT */
/*
 * VM.create, destroy, and the setters: changing definitions. A change reads, judges and writes one
 * definition as a whole, with no other change between (vmfile_change()). What runs is not touched:
 * it was started with what the definition said then.
 */
#include "dom0-tools/xapid/power.h"
#include "dom0-tools/xapid/vm_look.h"
#include "dom0-tools/xapid/vm_methods.h"

#include <errno.h>
#include <string.h>

static void fail_with(struct call *c, const struct vm_trouble *t)
{
    if (t->type)
        call_fail(c, "FIELD_TYPE_ERROR", t->field, NULL);
    else
        call_fail(c, "VALUE_NOT_SUPPORTED", t->field, t->value, t->reason, NULL);
}

void vm_create(struct call *c)
{
    struct vm_trouble t;
    struct failure why;
    struct value *record = vm_record_make(call_value(c, 0), &t);
    uint8_t uuid[16];
    char ref[37];

    if (record == NULL) {
        fail_with(c, &t);
        return;
    }
    uuid_random(uuid);
    uuid_format(uuid, ref);
    if (vmfile_add(uuid, record, &why) == 0)
        call_return(c, value_string(ref));
    else
        call_internal_error(c, why.text);
}

static void destroy_view(struct call *c, const struct vm_view *v)
{
    const enum vm_power power = vm_power(v);
    struct failure why;

    if (vm_is_dom0(v))
        call_fail(c, "OPERATION_NOT_ALLOWED", "the control domain cannot be destroyed", NULL);
    else if (v->present)
        call_fail(c, "VM_BAD_POWER_STATE", v->ref, "Halted",
                  power == VM_HALTED ? "Halted, but its stopped domain is still there"
                                     : vm_power_name(power),
                  NULL);
    else if (vmfile_remove(v->uuid, &why) != 0)
        call_internal_error(c, why.text);
    else
        call_return_void(c);
}

void vm_destroy(struct call *c)
{
    struct power_claim claim;
    struct vm_scan s;
    struct vm_view *v;

    if (!power_claim_call(&claim, c, false))
        return;
    v = vm_scan_call(&s, c);
    if (v != NULL) {
        destroy_view(c, v);
        vm_scan_free(&s);
    }
    power_release(&claim);
}

/* A change on its way. */
struct change {
    struct call *c;
    const char *field;
    struct value *fields; /* what the setter gives */
    struct vm_trouble t;
    bool told; /* the call has failed already */
};

static struct value *put_fields(const struct value *record, void *arg)
{
    struct change *change = arg;

    return vm_record_with(record, change->fields, &change->t);
}

static struct value *put_map(const struct value *record, struct change *change, struct value *map)
{
    change->fields = value_struct();
    value_set(change->fields, change->field, map);
    return vm_record_with(record, change->fields, &change->t);
}

static struct value *add_key(const struct value *record, void *arg)
{
    struct change *change = arg;
    const struct value *old = value_get(record, change->field);
    const char *key = call_string(change->c, 1);
    struct value *map;

    if (value_get(old, key) != NULL) {
        change->told = true;
        call_fail(change->c, "MAP_DUPLICATE_KEY", "VM", change->field, call_string(change->c, 0),
                  key, NULL);
        return NULL;
    }
    map = value_copy(old);
    value_set(map, key, value_string(call_string(change->c, 2)));
    return put_map(record, change, map);
}

static struct value *remove_key(const struct value *record, void *arg)
{
    struct change *change = arg;
    const struct value *old = value_get(record, change->field);

    return put_map(record, change, value_without(old, call_string(change->c, 1)));
}

/* No definition of it: is there such a VM at all? */
static void tell_undefined(struct call *c)
{
    struct vm_scan s;

    if (vm_scan_call(&s, c) == NULL)
        return;
    vm_scan_free(&s);
    call_fail(c, "OPERATION_NOT_ALLOWED",
              "this VM is not defined here: another tool made it, and it ends with its domain",
              NULL);
}

/* A reference is a UUID in one spelling. */
static bool parse_ref(const char *ref, uint8_t uuid[16])
{
    char text[37];

    if (uuid_parse(ref, uuid) != 0)
        return false;
    uuid_format(uuid, text);
    return strcmp(text, ref) == 0;
}

static void apply(struct change *change,
                  struct value *(*make)(const struct value *record, void *arg))
{
    struct call *c = change->c;
    struct failure why;
    uint8_t uuid[16];
    int rc = -1;

    why.error = ENOENT;
    if (parse_ref(call_string(c, 0), uuid))
        rc = vmfile_change(uuid, make, change, &why);
    if (rc == 0)
        call_return_void(c);
    else if (rc > 0 && !change->told)
        fail_with(c, &change->t);
    else if (rc < 0 && why.error == ENOENT)
        tell_undefined(c);
    else if (rc < 0)
        call_internal_error(c, why.text);
    value_free(change->fields);
}

void vm_set_field(struct call *c)
{
    struct change change = {.c = c, .field = call_method(c)->name + strlen("VM.set_")};

    change.fields = value_struct();
    value_set(change.fields, change.field, value_copy(call_value(c, 1)));
    apply(&change, put_fields);
}

void vm_set_fields(struct call *c)
{
    struct change change = {.c = c, .fields = value_struct()};
    const struct param *params = call_method(c)->params;

    for (unsigned int i = 1; i < METHOD_PARAMS_MAX && params[i].type != PARAM_NONE; i++)
        value_set(change.fields, params[i].name, value_copy(call_value(c, i)));
    apply(&change, put_fields);
}

void vm_add_to(struct call *c)
{
    struct change change = {.c = c, .field = call_method(c)->name + strlen("VM.add_to_")};

    apply(&change, add_key);
}

void vm_remove_from(struct call *c)
{
    struct change change = {.c = c, .field = call_method(c)->name + strlen("VM.remove_from_")};

    apply(&change, remove_key);
}
