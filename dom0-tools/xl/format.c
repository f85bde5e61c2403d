/* SPDX-License-Identifier: MIT */
/*
 * Tables of xl; see format.h.
 */
#include "dom0-tools/xl/format.h"
#include "common/uuid.h"

#include <string.h>

void format_list_header(FILE *out, unsigned int columns)
{
    fprintf(out, "%-40s%6s%6s%6s\tState\tTime(s)", "Name", "ID", "Mem", "VCPUs");
    if (columns & LIST_VERBOSE)
        fprintf(out, "   UUID                            Reason-Code\tSecurity Label");
    else if (columns & LIST_CONTEXT)
        fprintf(out, "   Security Label");
    if (columns & LIST_CPUPOOL)
        fprintf(out, "         Cpupool");
    if (columns & LIST_NUMA)
        fprintf(out, " NODE Affinity");
    fprintf(out, "\n");
}

void format_list_row(FILE *out, const struct hv_dominfo *d, const char *name, unsigned int columns,
                     const char *pool, const char *nodes)
{
    static const char reasons[] = "-rscwS";
    const uint64_t mib = (d->tot_pages + d->outstanding_pages) / 256;
    char stopped = '-', uuid[UUID_TEXT];

    if (d->shutdown)
        stopped = d->shutdown_reason < sizeof(reasons) - 1 ? reasons[d->shutdown_reason] : '?';
    fprintf(out, "%-40s %5d %5lu %5d     %c%c%c%c%c%c  %8.1f", name != NULL ? name : "(null)",
            d->domid, (unsigned long)mib, (int)d->nr_online_vcpus, d->running ? 'r' : '-',
            d->blocked ? 'b' : '-', d->paused ? 'p' : '-', d->shutdown ? 's' : '-', stopped,
            d->dying ? 'd' : '-', (double)d->cpu_time_ns / 1e9);
    if (columns & LIST_VERBOSE) {
        uuid_format(d->handle, uuid);
        fprintf(out, " %s", uuid);
        if (d->shutdown)
            fprintf(out, " %8x", d->shutdown_reason);
        else
            fprintf(out, " %8s", "-");
    }
    if (columns & (LIST_VERBOSE | LIST_CONTEXT))
        fprintf(out, " %16s", "-");
    if (columns & LIST_CPUPOOL)
        fprintf(out, "%16s", pool);
    if (columns & LIST_NUMA)
        fprintf(out, " %s", nodes);
    fprintf(out, "\n");
}

void format_bitmap(const uint8_t *bits, unsigned int n, char *text, size_t size)
{
    unsigned int set = 0;
    size_t used = 0;

    for (unsigned int i = 0; i < n; i++)
        set += bits[i / 8] >> i % 8 & 1;
    snprintf(text, size, "%s", set == 0 ? "none" : set == n ? "all" : "");
    if (set == 0 || set == n)
        return;
    for (unsigned int i = 0; i < n; i++) {
        unsigned int from = i;

        if (!(bits[i / 8] >> i % 8 & 1))
            continue;
        while (i + 1 < n && (bits[(i + 1) / 8] >> (i + 1) % 8 & 1))
            i++;
        used += (size_t)snprintf(text + used, size - used, "%s%u", used != 0 ? "," : "", from);
        if (used < size && i > from)
            used += (size_t)snprintf(text + used, size - used, "-%u", i);
        if (used >= size)
            return;
    }
}

void format_uptime(uint64_t seconds, char *text, size_t size)
{
    const unsigned long days = seconds / 86400;
    const unsigned int rest = (unsigned int)(seconds % 86400);
    size_t used = 0;

    if (days != 0)
        used = (size_t)snprintf(text, size, "%lu day%s, ", days, days > 1 ? "s" : "");
    if (used < size)
        snprintf(text + used, size - used, "%2u:%02u:%02u", rest / 3600, rest / 60 % 60, rest % 60);
}

void format_capabilities(uint32_t capabilities, char *text, size_t size)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {HV_CAP_PV, "pv"},
        {HV_CAP_HVM, "hvm"},
        {HV_CAP_HVM | HV_CAP_DIRECTIO, "hvm_directio"},
        {HV_CAP_PV | HV_CAP_DIRECTIO, "pv_directio"},
        {HV_CAP_HAP, "hap"},
        {HV_CAP_SHADOW, "shadow"},
        {HV_CAP_IOMMU_SHARE, "iommu_hap_pt_share"},
        {HV_CAP_VMTRACE, "vmtrace"},
        {HV_CAP_VPMU, "vpmu"},
        {HV_CAP_GNTTAB_V1, "gnttab-v1"},
        {HV_CAP_GNTTAB_V2, "gnttab-v2"},
    };
    size_t used = 0;

    *text = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && used < size; i++)
        if ((capabilities & names[i].bit) == names[i].bit)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used != 0 ? " " : "",
                                     names[i].name);
}

void format_block_header(FILE *out)
{
    fprintf(out, "%-5s %-3s %-6s %-5s %-6s %-8s %-30s\n", "Vdev", "BE", "handle", "state", "evt-ch",
            "ring-ref", "BE-path");
}

void format_block_row(FILE *out, const struct block_row *r)
{
    fprintf(out, "%-5u %-3u %-6u %-5u %-6d %-8d %-30s\n", r->id, r->backend, r->handle, r->state,
            r->evtchn, r->ring_ref, r->path);
}

void format_network_header(FILE *out)
{
    fprintf(out, "%-3s %-2s %-17s %-6s %-5s %-6s %5s/%-5s %-30s\n", "Idx", "BE", "Mac Addr.",
            "handle", "state", "evt-ch", "tx-", "rx-ring-ref", "BE-path");
}

void format_network_row(FILE *out, const struct network_row *r)
{
    fprintf(out, "%-3u %-2u %-17s%6u %5u %6d %5d/%-11d %-30s\n", r->id, r->backend, r->mac,
            r->handle, r->state, r->evtchn, r->tx_ref, r->rx_ref, r->path);
}
