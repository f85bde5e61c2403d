/* SPDX-License-Identifier: MIT */
/*
 * VM_metrics: what a VM uses at this moment. Every VM has one, also while it is halted; its
 * reference is made from the VM's.
 */
#include "dom0-tools/xapid/vm.h"
#include "dom0-tools/lib/guest_power.h"
#include "dom0-tools/xapid/uuid_ref.h"
#include "dom0-tools/xapid/vm_parts.h"

#include <stdio.h>

static struct value *state(const struct vm_view *v)
{
    const struct hv_dominfo *d = &v->info;
    struct value *words = value_array();

    if (!v->present)
        return words;
    if (d->running)
        value_push(words, value_string("running"));
    if (d->blocked)
        value_push(words, value_string("blocked"));
    if (d->paused)
        value_push(words, value_string("paused"));
    if (d->shutdown)
        value_push(words, value_string("shutdown"));
    if (vm_power(v) == VM_CRASHED)
        value_push(words, value_string("crashed"));
    return words;
}

struct vcpus {
    struct value *utilisation, *cpu, *flags;
    unsigned int online;
};

/* seconds: how old the domain is. */
static void add_vcpu(struct vcpus *all, unsigned int i, const struct hv_vcpuinfo *v, double seconds)
{
    struct value *flags = value_array();
    char number[12];

    snprintf(number, sizeof(number), "%u", i);
    if (v->online)
        value_push(flags, value_string("online"));
    if (v->running)
        value_push(flags, value_string("running"));
    if (v->blocked)
        value_push(flags, value_string("blocked"));
    all->online += v->online;
    value_set(all->flags, number, flags);
    value_set(all->cpu, number, value_int(v->cpu));
    value_set(all->utilisation, number,
              value_double(seconds > 0 ? (double)v->cpu_time_ns / 1e9 / seconds : 0));
}

static struct vcpus look_at_vcpus(struct vm_scan *s, const struct vm_view *v, time_t started)
{
    struct vcpus all = {value_struct(), value_struct(), value_struct(), 0};
    const double seconds = (double)(time(NULL) - started);
    struct hv_vcpuinfo vcpu;

    if (v->present && v->info.max_vcpu_id != UINT32_MAX)
        for (unsigned int i = 0; i <= v->info.max_vcpu_id; i++)
            if (hv_getvcpuinfo(s->t.hv, v->info.domid, i, &vcpu) == 0)
                add_vcpu(&all, i, &vcpu, seconds);
    return all;
}

static struct value *scheduling(struct vm_scan *s, const struct vm_view *v)
{
    struct value *params = value_struct();
    uint16_t weight, cap;
    uint32_t id;

    if (v->present && hv_scheduler_id(s->t.hv, &id) == 0 && id == HV_SCHEDULER_CREDIT2 &&
        hv_sched_credit2_get(s->t.hv, v->info.domid, &weight, &cap) == 0) {
        value_set(params, "weight", value_int(weight));
        value_set(params, "cap", value_int(cap));
    }
    return params;
}

static struct value *record(struct vm_scan *s, const struct vm_view *v, const char *ref)
{
    const time_t started = v->present ? guest_started(s->t.store, v->info.domid) : 0;
    struct vcpus vcpus = look_at_vcpus(s, v, started);
    struct value *r = value_struct();

    value_set(r, "uuid", value_string(ref));
    value_set(r, "memory_actual",
              value_int(v->present ? (int64_t)v->info.tot_pages * HV_PAGE_SIZE : 0));
    value_set(r, "VCPUs_number", value_int(vcpus.online));
    value_set(r, "VCPUs_utilisation", vcpus.utilisation);
    value_set(r, "VCPUs_CPU", vcpus.cpu);
    value_set(r, "VCPUs_params", scheduling(s, v));
    value_set(r, "VCPUs_flags", vcpus.flags);
    value_set(r, "state", state(v));
    value_set(r, "start_time", value_time(started));
    value_set(r, "last_updated", value_time(time(NULL)));
    return r;
}

static struct value *records(struct vm_scan *s, const char *only, struct failure *why)
{
    struct value *all = value_struct();
    char ref[37];

    (void)why;
    for (size_t i = 0; i < s->n; i++) {
        uuid_ref(s->views[i].uuid, "metrics", "", ref);
        if (part_wanted(only, ref))
            value_set(all, ref, record(s, &s->views[i], ref));
    }
    return all;
}

static const struct part_class metrics = {"VM_metrics", records};

const struct method vm_metrics_methods[] = {
    {"VM_metrics.get_all", part_get_all, .data = &metrics},
    {"VM_metrics.get_all_records", part_get_all_records, .data = &metrics},
    {"VM_metrics.get_record", part_get_record, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_by_uuid", part_get_by_uuid, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_uuid", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_memory_actual", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_VCPUs_number", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_VCPUs_utilisation", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_VCPUs_CPU", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_VCPUs_params", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_VCPUs_flags", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_state", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_start_time", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {"VM_metrics.get_last_updated", part_get_field, {{"self", PARAM_REF}}, .data = &metrics},
    {.name = NULL},
};
