/* SPDX-License-Identifier: MIT
 *
 * What we tell a guest we are (ABI: version.h). The version is that of the interface we implement,
 * Xen 4.17; the extra version says whose implementation it is. Fields are filled to their full
 * size, so nothing of the hypervisor's stack gets out.
 */
#include <xen/features.h>
#include <xen/version.h>
#include "boot/boot.h"
#include "dom/domain.h"
#include "hypercall.h"
#include "mm/guest_copy.h"
#include "version.h"
#include "x86/hvmap.h"

#ifndef BONSAI_CHANGESET
#define BONSAI_CHANGESET "unavailable"
#endif
#ifndef BONSAI_BUILD_DATE
#define BONSAI_BUILD_DATE "unavailable"
#endif

static long put(struct hcall *c, const void *what, size_t size)
{
    return copy_to_guest(guest_va(c->a[1]), what, size);
}

long xenver_extraversion(struct hcall *c, void *)
{
    xen_extraversion_t extra = ".0-bonsai";
    return put(c, extra, sizeof(extra));
}

long xenver_compile_info(struct hcall *c, void *)
{
    struct xen_compile_info info = {.compiler = "gcc", .compile_by = "bonsai"};
    strlcpy(info.compiler + 3, " " __VERSION__, sizeof(info.compiler) - 3);
    strlcpy(info.compile_date, BONSAI_BUILD_DATE, sizeof(info.compile_date));
    return put(c, &info, sizeof(info));
}

long xenver_capabilities(struct hcall *c, void *)
{
    xen_capabilities_info_t caps = "xen-3.0-x86_64 ";
    return put(c, caps, sizeof(caps));
}

long xenver_changeset(struct hcall *c, void *)
{
    xen_changeset_info_t set = BONSAI_CHANGESET;
    return put(c, set, sizeof(set));
}

long xenver_platform_parameters(struct hcall *c, void *)
{
    struct xen_platform_parameters p = {.virt_start = HV_VIRT_START};
    return put(c, &p, sizeof(p));
}

long xenver_get_features(struct hcall *c, void *arg)
{
    struct xen_feature_info *info = arg;

    if (info->submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    info->submap = 1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
                   1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_direct_mapped;
    if (c->d->vm_assist & 1ul << VMASST_TYPE_pae_extended_cr3)
        info->submap |= 1u << XENFEAT_pae_pgdir_above_4gb;
    if (c->d->privileged)
        info->submap |= 1u << XENFEAT_dom0;
    return 0;
}

long xenver_guest_handle(struct hcall *c, void *)
{
    return put(c, c->d->handle, sizeof(c->d->handle));
}

/* Its row is for privileged callers only: it says things of the machine. */
long xenver_commandline(struct hcall *c, void *)
{
    return put(c, boot_info.cmdline, sizeof(xen_commandline_t));
}
_Static_assert(sizeof(boot_info.cmdline) == sizeof(xen_commandline_t), "same size");
