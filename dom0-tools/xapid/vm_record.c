/* SPDX-License-Identifier: MIT */
/*
 * The fields that a client gives, their types, defaults and bounds; see vm_record.h. What a field
 * must be by itself is in its row, what fields must be together in vm_config.c.
 */
#include "dom0-tools/xapid/vm_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum field_kind { FIELD_STRING, FIELD_INT, FIELD_BOOLEAN, FIELD_MAP };

struct field {
    const char *name;
    enum field_kind kind;
    const char *initial; /* what a missing one is; of a map: not looked at; NULL: see `as` */
    const char *as;      /* a missing one is as that field above; NULL: it must be given */
    const char *(*trouble)(const struct value *v); /* NULL: any; else why not, half a sentence */
};

static const char *not_empty(const struct value *v)
{
    return *value_as_string(v) != '\0' ? "cannot be served here: only \"\" is" : NULL;
}

static const char *no_bootloader(const struct value *v)
{
    return *value_as_string(v) != '\0' ? "no bootloader is run here: name the kernel in PV_kernel"
                                       : NULL;
}

static const char *no_hvm(const struct value *v)
{
    const bool empty =
        value_kind(v) == VALUE_STRUCT ? value_count(v) == 0 : *value_as_string(v) == '\0';

    return empty ? NULL : "is for HVM guests, and only PV guests are served here";
}

static const char *not_true(const struct value *v)
{
    bool b = false;

    value_as_boolean(v, &b);
    return b ? "VMs are not started with the host here" : NULL;
}

static const char *name(const struct value *v)
{
    return guest_name_trouble(value_as_string(v));
}

static const char *path(const struct value *v)
{
    const char *text = value_as_string(v);

    return *text != '\0' && *text != '/' ? "must be a path from the root, /..." : NULL;
}

static const char *memory(const struct value *v)
{
    int64_t n = -1;

    value_as_int(v, &n);
    if (n < 0 || n > INT64_C(1) << 44)
        return "must be between 0 and 16 TiB, in bytes";
    return n % 4096 != 0 ? "must be a multiple of 4096 bytes" : NULL;
}

static const char *vcpus(const struct value *v)
{
    int64_t n = 0;

    value_as_int(v, &n);
    return n < 1 || n > GUEST_MAX_VCPUS ? "must be between 1 and 8192" : NULL;
}

static const char *normal_exit(const struct value *v)
{
    const char *text = value_as_string(v);

    return strcmp(text, "destroy") == 0 || strcmp(text, "restart") == 0
               ? NULL
               : "must be destroy or restart";
}

static const char *crash(const struct value *v)
{
    static const char *const words[] = {"destroy", "restart", "preserve", "rename_restart"};
    const char *text = value_as_string(v);

    if (strncmp(text, "coredump_and_", 13) == 0)
        return "no core dump can be written here";
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(text, words[i]) == 0)
            return NULL;
    return "must be destroy, restart, preserve or rename_restart";
}

static const struct field fields[] = {
    {"name_label", FIELD_STRING, NULL, NULL, name},
    {"name_description", FIELD_STRING, "", NULL, NULL},
    {"user_version", FIELD_INT, "0", NULL, NULL},
    {"is_a_template", FIELD_BOOLEAN, "", NULL, NULL},
    {"auto_power_on", FIELD_BOOLEAN, "", NULL, not_true},
    {"memory_static_max", FIELD_INT, NULL, NULL, memory},
    {"memory_dynamic_max", FIELD_INT, NULL, "memory_static_max", memory},
    {"memory_dynamic_min", FIELD_INT, "0", NULL, memory},
    {"memory_static_min", FIELD_INT, "0", NULL, memory},
    {"VCPUs_params", FIELD_MAP, "", NULL, NULL},
    {"VCPUs_max", FIELD_INT, "1", NULL, vcpus},
    {"VCPUs_at_startup", FIELD_INT, NULL, "VCPUs_max", vcpus},
    {"actions_after_shutdown", FIELD_STRING, "destroy", NULL, normal_exit},
    {"actions_after_reboot", FIELD_STRING, "restart", NULL, normal_exit},
    {"actions_after_crash", FIELD_STRING, "destroy", NULL, crash},
    {"PV_bootloader", FIELD_STRING, "", NULL, no_bootloader},
    {"PV_kernel", FIELD_STRING, "", NULL, path},
    {"PV_ramdisk", FIELD_STRING, "", NULL, path},
    {"PV_args", FIELD_STRING, "", NULL, NULL},
    {"PV_bootloader_args", FIELD_STRING, "", NULL, no_bootloader},
    {"HVM_boot_policy", FIELD_STRING, "", NULL, no_hvm},
    {"HVM_boot_params", FIELD_MAP, "", NULL, no_hvm},
    {"platform", FIELD_MAP, "", NULL, NULL},
    {"PCI_bus", FIELD_STRING, "", NULL, not_empty},
    {"other_config", FIELD_MAP, "", NULL, NULL},
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

bool vm_record_has(const char *field)
{
    for (size_t i = 0; i < N_FIELDS; i++)
        if (strcmp(fields[i].name, field) == 0)
            return true;
    return false;
}

const char *vm_record_field(unsigned int n)
{
    return n < N_FIELDS ? fields[n].name : NULL;
}

static void tell(struct vm_trouble *t, const struct field *f, const struct value *v,
                 const char *reason)
{
    const char *text = v != NULL ? value_as_string(v) : NULL;
    bool b;

    *t = (struct vm_trouble){.type = reason == NULL};
    snprintf(t->field, sizeof(t->field), "%s", f->name);
    if (v != NULL && value_as_boolean(v, &b))
        text = b ? "true" : "false";
    snprintf(t->value, sizeof(t->value), "%s", text != NULL ? text : "");
    snprintf(t->reason, sizeof(t->reason), "%s", reason != NULL ? reason : "");
}

/* Of a key that is there twice the last one counts. NULL when it is no map of strings. */
static struct value *copy_map(const struct value *v)
{
    struct value *map;

    if (value_kind(v) != VALUE_STRUCT)
        return NULL;
    map = value_struct();
    for (size_t i = 0; i < value_count(v); i++) {
        const char *key = value_name(v, i), *text = value_as_string(value_at(v, i));

        if (text == NULL) {
            value_free(map);
            return NULL;
        }
        if (value_get(v, key) == value_at(v, i))
            value_set(map, key, value_string(text));
    }
    return map;
}

/* A copy in the form that is kept; NULL when it is not of the type. */
static struct value *canonical(const struct field *f, const struct value *v)
{
    int64_t n;
    bool b;

    switch (f->kind) {
    case FIELD_STRING:
        return value_as_string(v) != NULL ? value_string(value_as_string(v)) : NULL;
    case FIELD_INT:
        return value_as_int(v, &n) ? value_int(n) : NULL;
    case FIELD_BOOLEAN:
        return value_as_boolean(v, &b) ? value_boolean(b) : NULL;
    case FIELD_MAP:
        return copy_map(v);
    }
    return NULL;
}

static struct value *initial(const struct field *f)
{
    switch (f->kind) {
    case FIELD_STRING:
    case FIELD_INT:
        return f->initial != NULL ? value_string(f->initial) : NULL;
    case FIELD_BOOLEAN:
        return value_boolean(false);
    case FIELD_MAP:
        return value_struct();
    }
    return NULL;
}

/* One field of a record to be: from the changes, else from the record, else its default, which may
 * be that of a field made before it. */
static struct value *choose(const struct field *f, const struct value *record,
                            const struct value *changes, const struct value *made,
                            struct vm_trouble *t)
{
    const struct value *v = value_get(changes, f->name);
    struct value *kept;
    const char *reason;

    if (v == NULL && record != NULL)
        v = value_get(record, f->name);
    if (v == NULL && f->as != NULL)
        v = value_get(made, f->as);
    kept = v != NULL ? canonical(f, v) : initial(f);
    if (kept == NULL) {
        tell(t, f, v, NULL);
        return NULL;
    }
    reason = f->trouble != NULL ? f->trouble(kept) : NULL;
    if (reason == NULL)
        return kept;
    tell(t, f, kept, reason);
    value_free(kept);
    return NULL;
}

static struct value *make(const struct value *record, const struct value *changes,
                          struct vm_trouble *t)
{
    static const uint8_t nobody[16];
    struct value *made = value_struct();
    struct guest_config config;

    for (size_t i = 0; value_complete(made) && value_complete(changes) && i < N_FIELDS; i++) {
        struct value *v = choose(&fields[i], record, changes, made, t);

        if (v == NULL) {
            value_free(made);
            return NULL;
        }
        value_set(made, fields[i].name, v);
    }
    if (!value_complete(made) || !value_complete(changes)) {
        tell(t, &fields[0], NULL, "out of memory");
    } else if (vm_record_config(made, nobody, &config, t) == 0) {
        guest_config_free(&config);
        return made;
    }
    value_free(made);
    return NULL;
}

struct value *vm_record_make(const struct value *given, struct vm_trouble *t)
{
    return make(NULL, given, t);
}

struct value *vm_record_with(const struct value *record, const struct value *changes,
                             struct vm_trouble *t)
{
    return make(record, changes, t);
}
