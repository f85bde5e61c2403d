/* SPDX-License-Identifier: MIT */
/*
 * xl info: the host, its hypervisor and what is free. A line is `key : value`; a prefix on the
 * command line asks for the values of the keys that begin with it and nothing else. Memory is in
 * MiB.
 */
#include "dom0-tools/xl/xl.h"
#include "dom0-tools/xl/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

struct info {
    struct xl *xl;
    const char *prefix; /* NULL: everything */
    struct hv_version version;
    struct hv_physinfo host;
};

static void line(const struct info *info, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void line(const struct info *info, const char *key, const char *fmt, ...)
{
    va_list args;

    if (info->prefix != NULL && strncmp(key, info->prefix, strlen(info->prefix)) != 0)
        return;
    if (info->prefix == NULL)
        printf("%-23s: ", key);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
}

static void print_kernel(const struct info *info)
{
    struct utsname u;

    if (uname(&u) != 0)
        return;
    line(info, "host", "%s", u.nodename);
    line(info, "release", "%s", u.release);
    line(info, "version", "%s", u.version);
    line(info, "machine", "%s", u.machine);
}

static unsigned int free_cpus(const struct info *info)
{
    uint8_t cpus[32];
    unsigned int n = 0;

    if (hv_cpupool_free_cpus(info->xl->t.hv, cpus) != 0)
        return 0;
    for (unsigned int i = 0; i < 256; i++)
        n += cpus[i / 8] >> i % 8 & 1;
    return n;
}

static void print_host(const struct info *info)
{
    const struct hv_physinfo *h = &info->host;
    uint64_t freed = 0, used = 0;
    char text[256], *at = text;

    line(info, "nr_cpus", "%u", h->nr_cpus);
    line(info, "max_cpu_id", "%u", h->max_cpu_id);
    line(info, "nr_nodes", "%u", h->nr_nodes);
    line(info, "cores_per_socket", "%u", h->cores_per_socket);
    line(info, "threads_per_core", "%u", h->threads_per_core);
    line(info, "cpu_mhz", "%u.%03u", h->cpu_khz / 1000, h->cpu_khz % 1000);
    for (int i = 0; i < 8; i++)
        at += sprintf(at, "%s%08x", i != 0 ? ":" : "", h->hw_cap[i]);
    line(info, "hw_caps", "%s", text);
    format_capabilities(h->capabilities, text, sizeof(text));
    line(info, "virt_caps", "%s", text);
    line(info, "total_memory", "%" PRIu64, h->total_pages / 256);
    line(info, "free_memory", "%" PRIu64, (h->free_pages - h->outstanding_pages) / 256);
    hv_sharing_counts(info->xl->t.hv, &freed, &used);
    line(info, "sharing_freed_memory", "%" PRIu64, freed / 256);
    line(info, "sharing_used_memory", "%" PRIu64, used / 256);
    line(info, "outstanding_claims", "%" PRIu64, h->outstanding_pages / 256);
    line(info, "free_cpus", "%u", free_cpus(info));
}

static void print_cpus(struct hv *hv)
{
    const int n = hv_cputopo(hv, NULL, 0);
    struct hv_cputopo *cpus = n > 0 ? calloc((size_t)n, sizeof(*cpus)) : NULL;

    printf("cpu_topology           :\ncpu:    core    socket     node\n");
    if (cpus != NULL && hv_cputopo(hv, cpus, (unsigned int)n) > 0)
        for (int i = 0; i < n; i++)
            if (cpus[i].core != UINT32_MAX)
                printf("%3d:    %4u     %4u     %4u\n", i, cpus[i].core, cpus[i].socket,
                       cpus[i].node);
    free(cpus);
    printf("device topology        :\ndevice           node\n"
           "No device topology data available\n");
}

static void print_nodes(struct hv *hv)
{
    const int n = hv_numainfo(hv, NULL, NULL, 0);
    struct hv_numanode *nodes = n > 0 ? calloc((size_t)n, sizeof(*nodes)) : NULL;
    uint32_t *distance = n > 0 ? calloc((size_t)n * (size_t)n, sizeof(*distance)) : NULL;

    printf("numa_info              :\nnode:    memsize    memfree    distances\n");
    if (nodes != NULL && distance != NULL && hv_numainfo(hv, nodes, distance, (unsigned int)n) > 0)
        for (int i = 0; i < n; i++) {
            if (nodes[i].size == UINT64_MAX)
                continue;
            printf("%4d:    %6" PRIu64 "     %6" PRIu64 "      ", i, nodes[i].size >> 20,
                   nodes[i].free >> 20);
            for (int j = 0; j < n; j++)
                printf("%s%u", j != 0 ? "," : "", distance[i * n + j]);
            printf("\n");
        }
    free(nodes);
    free(distance);
}

static void print_hypervisor(const struct info *info)
{
    const struct hv_version *v = &info->version;
    uint32_t scheduler;

    line(info, "xen_major", "%u", v->major);
    line(info, "xen_minor", "%u", v->minor);
    line(info, "xen_extra", "%s", v->extra);
    line(info, "xen_version", "%u.%u%s", v->major, v->minor, v->extra);
    line(info, "xen_caps", "%s", v->capabilities);
    line(info, "xen_scheduler", "%s",
         hv_scheduler_id(info->xl->t.hv, &scheduler) == 0 ? hv_scheduler_name(scheduler)
                                                          : "unknown");
    line(info, "xen_pagesize", "%u", v->page_size);
    line(info, "platform_params", "virt_start=0x%" PRIx64, v->virt_start);
    line(info, "xen_changeset", "%s", v->changeset);
    line(info, "xen_commandline", "%s", v->commandline);
    line(info, "cc_compiler", "%s", v->compiler);
    line(info, "cc_compile_by", "%s", v->compile_by);
    line(info, "cc_compile_domain", "%s", v->compile_domain);
    line(info, "cc_compile_date", "%s", v->compile_date);
    line(info, "build_id", "%s", v->build_id);
}

int cmd_info(struct xl *xl)
{
    struct info info = {.xl = xl, .prefix = xl->n_args > 0 ? xl->args[0] : NULL};

    if (hv_get_version(xl->t.hv, &info.version) != 0 || hv_physinfo(xl->t.hv, &info.host) != 0) {
        fprintf(stderr, "cannot ask the hypervisor about itself: %s\n", strerror(errno));
        return XL_FAIL;
    }
    print_kernel(&info);
    print_host(&info);
    if (xl->count['n'] != 0 && info.prefix == NULL) {
        print_cpus(xl->t.hv);
        print_nodes(xl->t.hv);
    }
    print_hypervisor(&info);
    line(&info, "xend_config_format", "4");
    return XL_OK;
}
