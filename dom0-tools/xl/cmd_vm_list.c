/* SPDX-License-Identifier: MIT */
/*
 * xl vm-list, vcpu-list, uptime: the other tables of domains.
 */
#include "dom0-tools/xl/xl.h"
#include "dom0-tools/lib/domain.h"
#include "dom0-tools/lib/guest_power.h"
#include "dom0-tools/xl/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Calls show() for every domain, or for those named. An exit status. */
static int for_domains(struct xl *xl, void (*show)(struct xl *, const struct hv_dominfo *))
{
    struct hv_dominfo *list, one;
    uint32_t domid;
    long n;

    for (int i = 0; i < xl->n_args; i++) {
        if (xl_domain(xl, i, &domid) != 0)
            return XL_FAIL;
        if (hv_getdomaininfo(xl->t.hv, (uint16_t)domid, &one) != 0) {
            fprintf(stderr, "Error: Domain '%s' does not exist.\n", xl->args[i]);
            return XL_FAIL;
        }
        show(xl, &one);
    }
    if (xl->n_args > 0)
        return XL_OK;
    n = domain_list(xl->t.hv, &list);
    if (n < 0) {
        fprintf(stderr, "cannot list the domains: %s\n", strerror(errno));
        return XL_FAIL;
    }
    for (long i = 0; i < n; i++)
        show(xl, &list[i]);
    free(list);
    return XL_OK;
}

static void show_vm(struct xl *xl, const struct hv_dominfo *d)
{
    char *name = guest_name(xl->t.store, d->domid);
    char uuid[37];

    uuid_format(d->handle, uuid);
    printf("%s  %d    %-30s\n", uuid, d->domid, name != NULL ? name : "(null)");
    free(name);
}

int cmd_vm_list(struct xl *xl)
{
    printf("UUID                                  ID    name\n");
    xl->n_args = 0;
    return for_domains(xl, show_vm);
}

static void show_vcpus(struct xl *xl, const struct hv_dominfo *d)
{
    char *name = guest_name(xl->t.store, d->domid);
    struct hv_physinfo host;
    unsigned int cpus;

    if (hv_physinfo(xl->t.hv, &host) != 0 || d->max_vcpu_id == UINT32_MAX) {
        free(name);
        return;
    }
    cpus = host.max_cpu_id + 1 < GUEST_CPUS ? host.max_cpu_id + 1 : GUEST_CPUS;
    for (uint32_t i = 0; i <= d->max_vcpu_id; i++) {
        uint8_t hard[GUEST_CPUS / 8] = {0}, soft[GUEST_CPUS / 8] = {0};
        char hard_text[128], soft_text[128];
        struct hv_vcpuinfo v;

        if (hv_getvcpuinfo(xl->t.hv, d->domid, i, &v) != 0 ||
            hv_getvcpuaffinity(xl->t.hv, d->domid, i, hard, soft, GUEST_CPUS) != 0)
            continue;
        format_bitmap(hard, cpus, hard_text, sizeof(hard_text));
        format_bitmap(soft, cpus, soft_text, sizeof(soft_text));
        printf("%-32s %5u %5u", name != NULL ? name : "(null)", d->domid, i);
        if (v.online)
            printf("%5u %3c%c- ", v.cpu, v.running ? 'r' : '-', v.blocked ? 'b' : '-');
        else
            printf("%5c %3c%cp ", '-', '-', '-');
        printf("%9.1f  %s / %s\n", (double)v.cpu_time_ns / 1e9, hard_text, soft_text);
    }
    free(name);
}

int cmd_vcpu_list(struct xl *xl)
{
    printf("%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
           "Affinity (Hard / Soft)");
    return for_domains(xl, show_vcpus);
}

static void show_uptime(struct xl *xl, const struct hv_dominfo *d)
{
    char *name = guest_name(xl->t.store, d->domid);
    const char *shown = name != NULL ? name : "(null)";
    const time_t now = time(NULL), began = guest_started(xl->t.store, d->domid);
    const uint64_t seconds = began < now ? (uint64_t)(now - began) : 0;
    char text[64], clock[16];
    struct tm local;

    if (xl->count['s'] != 0) {
        localtime_r(&now, &local);
        strftime(clock, sizeof(clock), "%H:%M:%S", &local);
        format_uptime(seconds, text, sizeof(text));
        *strrchr(text, ':') = '\0';
        printf(" %s up %s, %s (%d)\n", clock, text, shown, d->domid);
    } else {
        format_uptime(seconds, text, sizeof(text));
        printf("%-33s %4d %s\n", shown, d->domid, text);
    }
    free(name);
}

int cmd_uptime(struct xl *xl)
{
    if (xl->count['s'] == 0)
        printf("%-33s %4s %s\n", "Name", "ID", "Uptime");
    return for_domains(xl, show_uptime);
}
