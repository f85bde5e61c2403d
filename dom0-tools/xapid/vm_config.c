/* SPDX-License-Identifier: MIT */
/*
 * Between a record and the configuration a guest is started with, both ways; what fields must be
 * together is judged on the way there. See vm_record.h.
 */
#include "dom0-tools/xapid/vm_record.h"
#include "dom0-tools/xapid/uuid_ref.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong(struct vm_trouble *t, const char *field, const char *value, const char *reason)
{
    *t = (struct vm_trouble){.type = false};
    snprintf(t->field, sizeof(t->field), "%s", field);
    snprintf(t->value, sizeof(t->value), "%s", value);
    snprintf(t->reason, sizeof(t->reason), "%s", reason);
    return -1;
}

static int no_memory(struct vm_trouble *t)
{
    return wrong(t, "", "", "out of memory");
}

static const char *text_of(const struct value *record, const char *field)
{
    const char *text = value_as_string(value_get(record, field));

    return text != NULL ? text : "";
}

static int64_t int_of(const struct value *record, const char *field)
{
    int64_t n = 0;

    value_as_int(value_get(record, field), &n);
    return n;
}

/* An empty one is none. */
static int copy(const struct value *record, const char *field, char **out, struct vm_trouble *t)
{
    const char *text = text_of(record, field);

    if (*text == '\0')
        return 0;
    *out = strdup(text);
    return *out != NULL ? 0 : no_memory(t);
}

static int take_memory(const struct value *record, struct guest_config *g, struct vm_trouble *t)
{
    static const char *const rising[] = {"memory_static_min", "memory_dynamic_min",
                                         "memory_dynamic_max", "memory_static_max"};

    for (size_t i = 1; i < sizeof(rising) / sizeof(rising[0]); i++)
        if (int_of(record, rising[i - 1]) > int_of(record, rising[i]))
            return wrong(t, rising[i], text_of(record, rising[i]),
                         "memory_static_min <= memory_dynamic_min <= memory_dynamic_max <= "
                         "memory_static_max must hold");
    if (int_of(record, "memory_dynamic_max") == 0)
        return wrong(t, "memory_dynamic_max", "0", "a guest needs memory");
    g->memory_kib = (uint64_t)int_of(record, "memory_dynamic_max") / 1024;
    g->max_memory_kib = (uint64_t)int_of(record, "memory_static_max") / 1024;
    return 0;
}

static bool number(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n < least || n > most)
        return false;
    *out = (uint32_t)n;
    return true;
}

static int take_vcpu_param(const char *key, const char *text, struct guest_config *g,
                           struct vm_trouble *t)
{
    if (strcmp(key, "weight") == 0)
        return number(text, 1, 65535, &g->cpu_weight)
                   ? 0
                   : wrong(t, "VCPUs_params", text, "weight must be between 1 and 65535");
    if (strcmp(key, "cap") == 0) {
        g->cap_given = true;
        return number(text, 0, 65535, &g->cpu_cap)
                   ? 0
                   : wrong(t, "VCPUs_params", text, "cap must be between 0 and 65535");
    }
    if (strcmp(key, "mask") != 0)
        return wrong(t, "VCPUs_params", key, "only weight, cap and mask are served here");
    g->hard = calloc(1, sizeof(*g->hard));
    if (g->hard == NULL)
        return no_memory(t);
    g->n_hard = 1;
    return affinity_parse(text, g->hard) == 0
               ? 0
               : wrong(t, "VCPUs_params", text, "mask must be a set of CPUs such as 0-3,^2");
}

static int take_vcpus(const struct value *record, struct guest_config *g, struct vm_trouble *t)
{
    const struct value *params = value_get(record, "VCPUs_params");

    g->max_vcpus = (uint32_t)int_of(record, "VCPUs_max");
    g->vcpus = (uint32_t)int_of(record, "VCPUs_at_startup");
    if (g->vcpus > g->max_vcpus)
        return wrong(t, "VCPUs_at_startup", text_of(record, "VCPUs_at_startup"),
                     "must not be more than VCPUs_max");
    for (size_t i = 0; i < value_count(params); i++)
        if (take_vcpu_param(value_name(params, i), value_as_string(value_at(params, i)), g, t) != 0)
            return -1;
    return 0;
}

static const struct {
    const char *word;
    enum guest_action action;
} actions[] = {
    {"destroy", ACTION_DESTROY},
    {"restart", ACTION_RESTART},
    {"preserve", ACTION_PRESERVE},
    {"rename_restart", ACTION_RENAME_RESTART},
    {"coredump_and_destroy", ACTION_COREDUMP_DESTROY},
    {"coredump_and_restart", ACTION_COREDUMP_RESTART},
};
#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))

static enum guest_action action_of(const struct value *record, const char *field)
{
    for (size_t i = 0; i < N_ACTIONS; i++)
        if (strcmp(text_of(record, field), actions[i].word) == 0)
            return actions[i].action;
    return ACTION_DESTROY;
}

/* Calls take() for every line that is not blank. */
static int for_lines(const char *text, int (*take)(void *arg, const char *line), void *arg)
{
    char *copied = strdup(text), *rest = copied, *line;
    int rc = copied != NULL ? 0 : -1;

    while (rc == 0 && (line = strsep(&rest, "\n")) != NULL)
        if (line[strspn(line, " \t\r")] != '\0')
            rc = take(arg, line);
    free(copied);
    return rc;
}

struct lines {
    struct guest_config *g;
    struct vm_trouble *t;
};

#define TEXT(number)  TEXT_(number)
#define TEXT_(number) #number

static int take_disk(void *arg, const char *line)
{
    const struct lines *l = arg;
    struct guest_config *g = l->g;
    struct disk_spec *grown;
    struct failure why;
    struct vdev mine, other;

    if (g->n_disks == VM_DISKS_MAX)
        return wrong(l->t, "other_config", line,
                     "a VM has at most " TEXT(VM_DISKS_MAX) " disks here");
    grown = realloc(g->disks, (g->n_disks + 1) * sizeof(*grown));
    if (grown == NULL)
        return no_memory(l->t);
    g->disks = grown;
    if (disk_spec_parse(VM_DISKS, line, &grown[g->n_disks], &why) != 0)
        return wrong(l->t, "other_config", line, why.text);
    g->n_disks++;
    vdev_parse(grown[g->n_disks - 1].vdev, &mine);
    for (size_t i = 0; i + 1 < g->n_disks; i++)
        if (vdev_parse(grown[i].vdev, &other) == 0 && other.number == mine.number)
            return wrong(l->t, "other_config", line, "two disks have the same vdev");
    return 0;
}

/* One that nobody gave, the same at every start. */
static void make_mac(struct vif_spec *v, const uint8_t uuid[16], size_t index)
{
    uint8_t hash[16];
    char text[37], name[24];

    snprintf(name, sizeof(name), "%zu", index);
    uuid_ref(uuid, "mac", name, text);
    uuid_parse(text, hash);
    memcpy(v->mac, (const uint8_t[]){0x00, 0x16, 0x3e}, 3); /* Xen's own range */
    memcpy(v->mac + 3, hash, 3);
    v->mac[3] &= 0x7f;
    v->has_mac = true;
}

/* What xl passes over with a warning is refused: nobody would read the warning. 0 or -1. */
static int parse_vif(const char *line, struct vif_spec *v, struct failure *why)
{
    char *warnings = NULL;
    size_t len;
    FILE *warn = open_memstream(&warnings, &len);
    int rc;

    if (warn == NULL)
        return fail(why, ENOMEM, "out of memory");
    rc = vif_spec_parse(VM_VIFS, line, v, warn, why);
    fclose(warn);
    if (rc == 0 && len > 0) {
        vif_spec_free(v);
        rc = fail(why, EINVAL, "%.*s", (int)strcspn(warnings, "\n"), warnings);
    }
    free(warnings);
    return rc;
}

static int take_vif(void *arg, const char *line)
{
    const struct lines *l = arg;
    struct guest_config *g = l->g;
    struct vif_spec *grown, *v;
    struct failure why;

    if (g->n_vifs == VM_VIFS_MAX)
        return wrong(l->t, "other_config", line,
                     "a VM has at most " TEXT(VM_VIFS_MAX) " network cards here");
    grown = realloc(g->vifs, (g->n_vifs + 1) * sizeof(*grown));
    if (grown == NULL)
        return no_memory(l->t);
    g->vifs = grown;
    v = &grown[g->n_vifs];
    if (parse_vif(line, v, &why) != 0)
        return wrong(l->t, "other_config", line, why.text);
    g->n_vifs++;
    if (v->devid < 0)
        v->devid = (int)(g->n_vifs - 1);
    for (size_t i = 0; i + 1 < g->n_vifs; i++)
        if (grown[i].devid == v->devid)
            return wrong(l->t, "other_config", line, "two vifs have the same devid");
    if (!v->has_mac)
        make_mac(v, g->uuid, (size_t)v->devid);
    return 0;
}

static int take_devices(const struct value *record, struct guest_config *g, struct vm_trouble *t)
{
    const struct value *other = value_get(record, "other_config");
    struct lines lines = {.g = g, .t = t};

    *t = (struct vm_trouble){.reason = "out of memory"};
    return for_lines(text_of(other, VM_DISKS), take_disk, &lines) != 0 ||
                   for_lines(text_of(other, VM_VIFS), take_vif, &lines) != 0
               ? -1
               : 0;
}

int vm_record_config(const struct value *record, const uint8_t uuid[16], struct guest_config *out,
                     struct vm_trouble *t)
{
    *out = (struct guest_config){
        .on_poweroff = action_of(record, "actions_after_shutdown"),
        .on_reboot = action_of(record, "actions_after_reboot"),
        .on_crash = action_of(record, "actions_after_crash"),
        .on_watchdog = action_of(record, "actions_after_crash"),
        .on_soft_reset = ACTION_SOFT_RESET,
    };
    memcpy(out->uuid, uuid, 16);
    if (copy(record, "name_label", &out->name, t) == 0 &&
        copy(record, "PV_kernel", &out->kernel, t) == 0 &&
        copy(record, "PV_ramdisk", &out->ramdisk, t) == 0 &&
        copy(record, "PV_args", &out->cmdline, t) == 0 && take_memory(record, out, t) == 0 &&
        take_vcpus(record, out, t) == 0 && take_devices(record, out, t) == 0)
        return 0;
    guest_config_free(out);
    return -1;
}

static const char *word_of(enum guest_action action)
{
    for (size_t i = 0; i < N_ACTIONS; i++)
        if (actions[i].action == action)
            return actions[i].word;
    return "destroy"; /* a soft reset ends the guest here */
}

/* on_normal_exit has two words only. */
static const char *normal_word(enum guest_action action)
{
    switch (action) {
    case ACTION_RESTART:
    case ACTION_RENAME_RESTART:
    case ACTION_COREDUMP_RESTART:
        return "restart";
    default:
        return "destroy";
    }
}

static void set_text(struct value *record, const char *field, const char *text)
{
    value_set(record, field, value_string(text != NULL ? text : ""));
}

static void set_int(struct value *record, const char *field, uint64_t n)
{
    value_set(record, field, value_int((int64_t)n));
}

struct value *vm_record_of(const struct guest_config *g)
{
    struct value *record = value_struct(), *params = value_struct();

    if (g->cpu_weight != 0)
        set_int(params, "weight", g->cpu_weight);
    if (g->cap_given)
        set_int(params, "cap", g->cpu_cap);
    set_text(record, "name_label", g->name);
    set_text(record, "name_description", "");
    set_int(record, "user_version", 0);
    value_set(record, "is_a_template", value_boolean(false));
    value_set(record, "auto_power_on", value_boolean(false));
    set_int(record, "memory_static_max", g->max_memory_kib * 1024);
    set_int(record, "memory_dynamic_max", g->memory_kib * 1024);
    set_int(record, "memory_dynamic_min", g->memory_kib * 1024);
    set_int(record, "memory_static_min", 0);
    value_set(record, "VCPUs_params", params);
    set_int(record, "VCPUs_max", g->max_vcpus);
    set_int(record, "VCPUs_at_startup", g->vcpus);
    set_text(record, "actions_after_shutdown", normal_word(g->on_poweroff));
    set_text(record, "actions_after_reboot", normal_word(g->on_reboot));
    set_text(record, "actions_after_crash", word_of(g->on_crash));
    set_text(record, "PV_bootloader", "");
    set_text(record, "PV_kernel", g->kernel);
    set_text(record, "PV_ramdisk", g->ramdisk);
    set_text(record, "PV_args", g->cmdline);
    set_text(record, "PV_bootloader_args", "");
    set_text(record, "HVM_boot_policy", "");
    value_set(record, "HVM_boot_params", value_struct());
    value_set(record, "platform", value_struct());
    set_text(record, "PCI_bus", "");
    value_set(record, "other_config", value_struct());
    if (value_complete(record))
        return record;
    value_free(record);
    return NULL;
}
