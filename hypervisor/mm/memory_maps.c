/* SPDX-License-Identifier: MIT
 *
 * memory_op: what machine memory looks like (E820, M2P), and frames of a domain's services for
 * tools to map (ABI: memory.h). Maps that the toolstack sets belong to the domain and are
 * guarded by its lock (LOCK_DOMAIN).
 */
#include "mm/memory.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "boot/boot.h"
#include "comms/grant.h"
#include "dom/domain.h"
#include "hypercall.h"

long xenmem_machphys_mapping(struct hcall *c, void *arg)
{
    struct xen_machphys_mapping *m = arg;

    m->v_start = MACH2PHYS_VIRT_START;
    m->v_end = MACH2PHYS_VIRT_END;
    m->max_mfn = c->d->privileged ? max_mfn - 1 : MACH2PHYS_NR_ENTRIES - 1;
    return 0;
}

long xenmem_machphys_mfn_list(struct hcall *, void *arg)
{
    struct xen_machphys_mfn_list *l = arg;
    unsigned n;

    for (n = 0; n < l->max_extents; n++) {
        mfn_t m = m2p_chunk_mfn(n);

        if (mfn_eq(m, MFN_NONE))
            break;
        if (copy_to_guest(guest_va_at(guest_va((uint64_t)l->extent_start.p), n, sizeof(m.v)), &m.v,
                          sizeof(m.v)))
            return -EFAULT;
    }
    l->nr_extents = n;
    return 0;
}

long xenmem_memory_map(struct hcall *c, void *arg)
{
    struct xen_memory_map *m = arg;
    long rc = 0;

    spin_lock(&c->d->lock);
    if (!c->d->e820)
        rc = -ENOSYS;
    else if (m->nr_entries < c->d->nr_e820)
        rc = -EINVAL;
    else if (copy_to_guest(guest_va((uint64_t)m->buffer.p), c->d->e820,
                           c->d->nr_e820 * sizeof(*c->d->e820)))
        rc = -EFAULT;
    else
        m->nr_entries = c->d->nr_e820;
    spin_unlock(&c->d->lock);
    return rc;
}

long xenmem_set_memory_map(struct hcall *c, void *arg)
{
    const struct xen_foreign_memory_map *m = arg;
    struct e820_entry *new;
    int err;
    struct domain *d PUT_AT_END = domain_get_for(c->d, m->domid, &err);

    if (!d)
        return err;
    if (m->map.nr_entries > E820_GUEST_MAX)
        return -EINVAL;
    new = hv_alloc(max(m->map.nr_entries, 1u) * sizeof(*new));
    if (!new)
        return -ENOMEM;
    if (copy_from_guest(new, guest_va((uint64_t)m->map.buffer.p),
                        m->map.nr_entries * sizeof(*new))) {
        hv_free(new);
        return -EFAULT;
    }
    spin_lock(&d->lock);
    hv_free(d->e820);
    d->e820 = new;
    d->nr_e820 = m->map.nr_entries;
    spin_unlock(&d->lock);
    return 0;
}

long xenmem_machine_memory_map(struct hcall *, void *arg)
{
    struct xen_memory_map *m = arg;

    if (boot_info.nr_e820 > m->nr_entries)
        return -EINVAL;
    m->nr_entries = boot_info.nr_e820;
    for (unsigned i = 0; i < m->nr_entries; i++) {
        const struct e820_range *r = &boot_info.e820[i];
        struct e820_entry e = {r->start, r->end - r->start, r->type};

        if (copy_to_guest(guest_va_at(guest_va((uint64_t)m->buffer.p), i, sizeof(e)), &e,
                          sizeof(e)))
            return -EFAULT;
    }
    return 0;
}

/* Only says whether there is that much: nothing is set aside (docs/abi-gaps.md). */
long xenmem_claim_pages(struct hcall *c, void *arg)
{
    const struct xen_memory_reservation *r = arg;
    int err;
    struct domain *d PUT_AT_END = domain_get_for(c->d, r->domid, &err);

    if (r->extent_order || r->mem_flags || r->extent_start.p)
        return -EINVAL;
    if (!d)
        return err;
    if (r->nr_extents > d->max_pages)
        return -EINVAL;
    return r->nr_extents > d->tot_pages + page_free_count() ? -ENOMEM : 0;
}

static long acquire_grant_table(struct domain *d, struct xen_mem_acquire_resource *r)
{
    if (r->id != XENMEM_resource_grant_table_id_shared)
        return -EOPNOTSUPP; /* status frames are version 2's */
    if (!r->frame_list.p) {
        r->nr_frames = d->max_grant_frames;
        return 0;
    }
    if (r->frame >= d->max_grant_frames || r->nr_frames > d->max_grant_frames - r->frame)
        return -EINVAL;
    for (uint32_t i = 0; i < r->nr_frames; i++) {
        mfn_t m = grant_table_frame(d, (uint32_t)r->frame + i);

        if (mfn_eq(m, MFN_NONE))
            return -EINVAL;
        if (copy_to_guest(guest_va_at(guest_va((uint64_t)r->frame_list.p), i, sizeof(m.v)), &m.v,
                          sizeof(m.v)))
            return -EFAULT;
    }
    return 0;
}

long xenmem_acquire_resource(struct hcall *c, void *arg)
{
    struct xen_mem_acquire_resource *r = arg;
    int err;
    struct domain *d PUT_AT_END = domain_get_for(c->d, r->domid, &err);

    if (r->pad)
        return -EINVAL;
    if (!d)
        return err;
    return r->type == XENMEM_resource_grant_table ? acquire_grant_table(d, r) : -EOPNOTSUPP;
}

long xenmem_reserved_device_memory_map(struct hcall *, void *arg)
{
    struct xen_reserved_device_memory_map *m = arg;

    m->nr_entries = 0;
    return 0;
}
