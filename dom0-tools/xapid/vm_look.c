/* SPDX-License-Identifier: MIT */
/*
 * Matching definitions and domains; see vm_look.h.
 */
#include "dom0-tools/xapid/vm_look.h"
#include "dom0-tools/lib/domain.h"
#include "dom0-tools/lib/guest_power.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct vm_view *find(struct vm_scan *s, const uint8_t uuid[16])
{
    for (size_t i = 0; i < s->n; i++)
        if (memcmp(s->views[i].uuid, uuid, 16) == 0)
            return &s->views[i];
    return NULL;
}

/* There is room. */
static struct vm_view *add(struct vm_scan *s, const uint8_t uuid[16])
{
    struct vm_view *v = &s->views[s->n++];

    memcpy(v->uuid, uuid, 16);
    uuid_format(uuid, v->ref);
    return v;
}

static int match(struct vm_scan *s, struct vmfile **files, size_t n_files,
                 const struct hv_dominfo *domains, size_t n_domains)
{
    s->views = calloc(n_files + n_domains + 1, sizeof(*s->views));
    if (s->views == NULL)
        return -1;
    for (size_t i = 0; i < n_files; i++) {
        add(s, files[i]->uuid)->file = files[i];
        files[i] = NULL; /* its reference is the view's now */
    }
    for (size_t i = 0; i < n_domains; i++) {
        struct vm_view *v;

        if (domains[i].dying)
            continue;
        v = find(s, domains[i].handle);
        if (v == NULL)
            v = add(s, domains[i].handle);
        if (v->present)
            continue; /* two domains of one UUID: the older one is shown */
        v->present = true;
        v->info = domains[i];
    }
    return 0;
}

int vm_scan(struct vm_scan *s, struct failure *why)
{
    struct hv_dominfo *domains = NULL;
    struct vmfile **files;
    size_t n_files;
    long n;
    int rc;

    *s = (struct vm_scan){0};
    if (toolstack_open(&s->t, why) != 0)
        return -1;
    n = domain_list(s->t.hv, &domains);
    if (n < 0) {
        fail(why, errno, "cannot list the domains: %s", strerror(errno));
        toolstack_close(&s->t);
        return -1;
    }
    files = vmfile_list(&n_files);
    rc = files != NULL ? match(s, files, n_files, domains, (size_t)n) : -1;
    if (rc != 0) {
        fail(why, ENOMEM, "out of memory");
        vmfile_list_free(files);
        toolstack_close(&s->t);
    }
    if (rc == 0)
        free(files);
    free(domains);
    return rc;
}

int vm_refresh(struct vm_scan *s, struct vm_view *v, struct failure *why)
{
    struct hv_dominfo *domains;
    const long n = domain_list(s->t.hv, &domains);

    if (n < 0)
        return fail(why, errno, "cannot list the domains: %s", strerror(errno));
    v->present = false;
    for (long i = 0; i < n && !v->present; i++)
        if (!domains[i].dying && memcmp(domains[i].handle, v->uuid, 16) == 0) {
            v->present = true;
            v->info = domains[i];
        }
    free(domains);
    return 0;
}

void vm_scan_free(struct vm_scan *s)
{
    for (size_t i = 0; i < s->n; i++) {
        vmfile_put(s->views[i].file);
        value_free(s->views[i].made);
    }
    free(s->views);
    toolstack_close(&s->t);
    *s = (struct vm_scan){0};
}

struct vm_view *vm_scan_find(struct vm_scan *s, const char *ref)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->views[i].ref, ref) == 0)
            return &s->views[i];
    return NULL;
}

struct vm_view *vm_scan_call(struct vm_scan *s, struct call *c)
{
    struct failure why;
    struct vm_view *v;

    if (vm_scan(s, &why) != 0) {
        call_internal_error(c, why.text);
        return NULL;
    }
    v = vm_scan_find(s, call_string(c, 0));
    if (v == NULL) {
        call_handle_invalid(c, "VM", call_string(c, 0));
        vm_scan_free(s);
    }
    return v;
}

enum vm_power vm_power(const struct vm_view *v)
{
    if (!v->present)
        return VM_HALTED;
    if (!v->info.shutdown)
        return v->info.paused ? VM_PAUSED : VM_RUNNING;
    switch (v->info.shutdown_reason) {
    case HV_SHUTDOWN_POWEROFF:
    case HV_SHUTDOWN_REBOOT:
        return VM_HALTED;
    case HV_SHUTDOWN_SUSPEND:
        return VM_SUSPENDED;
    default:
        return VM_CRASHED;
    }
}

const char *vm_power_name(enum vm_power power)
{
    static const char *const names[] = {[VM_HALTED] = "Halted",
                                        [VM_PAUSED] = "Paused",
                                        [VM_RUNNING] = "Running",
                                        [VM_SUSPENDED] = "Suspended",
                                        [VM_CRASHED] = "Crashed"};

    return names[power];
}

bool vm_is_dom0(const struct vm_view *v)
{
    return v->present && v->info.domid == 0;
}

/* What is kept of a guest of another tool, else what can be seen of it. 0, or -1: no memory. */
static int look_at_guest(struct vm_scan *s, const struct vm_view *v, struct guest_config *g)
{
    const struct hv_dominfo *d = &v->info;
    char *json = guest_load_config(d->domid, d->handle);
    char *name = guest_name(s->t.store, d->domid);
    struct failure why;

    if (json == NULL || guest_config_look(json, g, &why) != 0)
        *g = (struct guest_config){.vcpus = d->nr_online_vcpus,
                                   .max_vcpus = d->max_vcpu_id + 1, /* ~0: none */
                                   .on_reboot = ACTION_RESTART};
    free(json);
    memcpy(g->uuid, v->uuid, 16);
    guest_memory(s->t.store, d, &g->max_memory_kib, &g->memory_kib);
    if (d->domid == 0 && g->max_memory_kib >> 34 != 0)
        g->max_memory_kib = g->memory_kib; /* dom0 may have no limit */
    if (name != NULL || g->name == NULL) {
        free(g->name);
        g->name = name != NULL ? name : strdup("");
    }
    if (g->name != NULL)
        return 0;
    guest_config_free(g);
    return -1;
}

const struct value *vm_record(struct vm_scan *s, struct vm_view *v)
{
    struct guest_config g;

    if (v->file != NULL)
        return v->file->record;
    if (v->made == NULL && look_at_guest(s, v, &g) == 0) {
        v->made = vm_record_of(&g);
        guest_config_free(&g);
    }
    return v->made;
}

const char *vm_record_text(struct vm_scan *s, struct vm_view *v, const char *field)
{
    const struct value *record = vm_record(s, v);

    return record != NULL ? value_as_string(value_get(record, field)) : NULL;
}

int vm_config(struct vm_scan *s, struct vm_view *v, struct guest_config *out, struct failure *why)
{
    struct vm_trouble t;

    if (v->file == NULL)
        return look_at_guest(s, v, out) == 0 ? 0 : fail(why, ENOMEM, "out of memory");
    if (vm_record_config(v->file->record, v->uuid, out, &t) == 0)
        return 0;
    return fail(why, EINVAL, "%s: %.400s", t.field, t.reason);
}
