/* SPDX-License-Identifier: MIT */
/*
 * host_metrics and host_cpu: the machine's memory, and its CPUs as the hypervisor counts them. What
 * a CPU is called and can do is what dom0's kernel sees of the one it runs on; they are all alike
 * here.
 */
#include "dom0-tools/xapid/host_parts.h"
#include "dom0-tools/xapid/host.h"
#include "dom0-tools/xapid/host_file.h"
#include "dom0-tools/xapid/uuid_ref.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int look_at_machine(struct vm_scan *s, struct hv_physinfo *h, struct failure *why)
{
    if (hv_physinfo(s->t.hv, h) == 0)
        return 0;
    return fail(why, errno, "the hypervisor does not tell of the machine: %s", strerror(errno));
}

void host_metrics_ref(char ref[37])
{
    uint8_t uuid[16];

    host_file_uuid(uuid);
    uuid_ref(uuid, "metrics", "", ref);
}

void host_cpu_ref(unsigned int cpu, char ref[37])
{
    uint8_t uuid[16];
    char number[12];

    host_file_uuid(uuid);
    snprintf(number, sizeof(number), "%u", cpu);
    uuid_ref(uuid, "cpu", number, ref);
}

/* What follows "KEY : " in /proc/cpuinfo; malloc'ed, "" when there is none. */
static char *cpuinfo(const char *key)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char *line = NULL, *found = NULL;
    const size_t len = strlen(key);
    size_t size = 0;

    while (f != NULL && found == NULL && getline(&line, &size, f) > 0) {
        const char *colon = strchr(line, ':');

        if (colon == NULL || strncmp(line, key, len) != 0 || strchr("\t :", line[len]) == NULL)
            continue;
        line[strcspn(line, "\n")] = '\0';
        found = strdup(colon[1] == ' ' ? colon + 2 : colon + 1);
    }
    free(line);
    if (f != NULL)
        fclose(f);
    return found != NULL ? found : strdup("");
}

static void set_cpuinfo(struct value *r, const char *field, const char *key)
{
    char *text = cpuinfo(key);

    value_set(r, field, text != NULL ? value_string(text) : NULL);
    free(text);
}

static struct value *cpu_record(const struct hv_physinfo *h, unsigned int cpu, const char *ref)
{
    struct value *r = value_struct();
    char features[80] = "";
    size_t used = 0;

    for (size_t i = 0; i < sizeof(h->hw_cap) / sizeof(h->hw_cap[0]); i++)
        used += (size_t)snprintf(features + used, sizeof(features) - used, "%s%08x",
                                 i != 0 ? "-" : "", h->hw_cap[i]);
    value_set(r, "uuid", value_string(ref));
    value_set(r, "host", value_string(host_ref()));
    value_set(r, "number", value_int(cpu));
    value_set(r, "speed", value_int(h->cpu_khz / 1000));
    value_set(r, "features", value_string(features));
    set_cpuinfo(r, "vendor", "vendor_id");
    set_cpuinfo(r, "modelname", "model name");
    set_cpuinfo(r, "stepping", "stepping");
    set_cpuinfo(r, "flags", "flags");
    return r;
}

static struct value *cpus(struct vm_scan *s, const char *only, struct failure *why)
{
    struct hv_physinfo h;
    struct value *all;
    char ref[37];

    if (look_at_machine(s, &h, why) != 0)
        return NULL;
    all = value_struct();
    for (unsigned int i = 0; i < h.nr_cpus; i++) {
        host_cpu_ref(i, ref);
        if (part_wanted(only, ref))
            value_set(all, ref, cpu_record(&h, i, ref));
    }
    return all;
}

static struct value *metrics(struct vm_scan *s, const char *only, struct failure *why)
{
    struct value *all, *r;
    struct hv_physinfo h;
    char ref[37];

    (void)only;
    if (look_at_machine(s, &h, why) != 0)
        return NULL;
    all = value_struct();
    r = value_struct();
    host_metrics_ref(ref);
    value_set(r, "uuid", value_string(ref));
    value_set(r, "memory_total", value_int((int64_t)h.total_pages * HV_PAGE_SIZE));
    value_set(r, "memory_free",
              value_int((int64_t)(h.free_pages - h.outstanding_pages) * HV_PAGE_SIZE));
    value_set(r, "last_updated", value_time(time(NULL)));
    value_set(all, ref, r);
    return all;
}

static const struct part_class host_metrics = {"host_metrics", metrics};
static const struct part_class host_cpu = {"host_cpu", cpus};

const struct method host_parts_methods[] = {
    {"host_metrics.get_all", part_get_all, .data = &host_metrics},
    {"host_metrics.get_all_records", part_get_all_records, .data = &host_metrics},
    {"host_metrics.get_record", part_get_record, {{"self", PARAM_REF}}, .data = &host_metrics},
    {"host_metrics.get_by_uuid", part_get_by_uuid, {{"self", PARAM_REF}}, .data = &host_metrics},
    {"host_metrics.get_uuid", part_get_field, {{"self", PARAM_REF}}, .data = &host_metrics},
    {"host_metrics.get_memory_total", part_get_field, {{"self", PARAM_REF}}, .data = &host_metrics},
    {"host_metrics.get_memory_free", part_get_field, {{"self", PARAM_REF}}, .data = &host_metrics},
    {"host_metrics.get_last_updated", part_get_field, {{"self", PARAM_REF}}, .data = &host_metrics},
    {"host_cpu.get_all", part_get_all, .data = &host_cpu},
    {"host_cpu.get_all_records", part_get_all_records, .data = &host_cpu},
    {"host_cpu.get_record", part_get_record, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_by_uuid", part_get_by_uuid, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_uuid", part_get_field, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_host", part_get_field, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_number", part_get_field, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_vendor", part_get_field, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_speed", part_get_field, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_modelname", part_get_field, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_stepping", part_get_field, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_flags", part_get_field, {{"self", PARAM_REF}}, .data = &host_cpu},
    {"host_cpu.get_features", part_get_field, {{"self", PARAM_REF}}, .data = &host_cpu},
    {.name = NULL},
};
