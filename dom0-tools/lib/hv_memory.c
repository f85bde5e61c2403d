/* SPDX-License-Identifier: MIT */
/* hv_memory: memory of other domains (hypercalls memory_op, mmuext_op). See hv.h. */
#include "dom0-tools/lib/hv_private.h"

#include <string.h>
#include <xen/memory.h>

/* The ABI's e820 entry has no padding. */
struct packed_e820 {
    uint64_t start, size;
    uint32_t type;
} __attribute__((packed));
_Static_assert(sizeof(struct packed_e820) == 20, "e820 entry");

long hv_populate_physmap(struct hv *hv, uint16_t domid, uint64_t *pfns, unsigned n, unsigned order)
{
    struct xen_memory_reservation r = {
        .nr_extents = n,
        .extent_order = order,
        .domid = domid,
    };
    size_t size = n * sizeof(*pfns);
    uint64_t *list = hv_buf_copy(hv, pfns, size);
    long done;

    if (!list)
        return -1;
    set_xen_guest_handle(r.extent_start, list);
    done = hv_call_arg(hv, __HYPERVISOR_memory_op, XENMEM_populate_physmap, &r, sizeof(r));
    if (done > 0)
        memcpy(pfns, list, (size_t)done * sizeof(*pfns));
    hv_buf_free(hv, list, size);
    return done;
}

int hv_set_memory_map(struct hv *hv, uint16_t domid, const struct hv_e820 *map, unsigned n)
{
    struct xen_foreign_memory_map fmap = {.domid = domid};
    size_t size = n * sizeof(struct packed_e820);
    struct packed_e820 *table = hv_buf(hv, size);
    int result;

    if (!table)
        return -1;
    for (unsigned i = 0; i < n; i++)
        table[i] = (struct packed_e820){map[i].start, map[i].size, map[i].type};
    fmap.map.nr_entries = n;
    set_xen_guest_handle(fmap.map.buffer, table);
    result =
        (int)hv_call_arg(hv, __HYPERVISOR_memory_op, XENMEM_set_memory_map, &fmap, sizeof(fmap));
    hv_buf_free(hv, table, size);
    return result;
}

int hv_claim_pages(struct hv *hv, uint16_t domid, uint64_t pages)
{
    struct xen_memory_reservation r = {.nr_extents = pages, .domid = domid};

    return (int)hv_call_arg(hv, __HYPERVISOR_memory_op, XENMEM_claim_pages, &r, sizeof(r));
}

int hv_maximum_ram_page(struct hv *hv, uint64_t *frames)
{
    long n = hv_call(hv, __HYPERVISOR_memory_op, XENMEM_maximum_ram_page, 0, 0, 0);

    *frames = n < 0 ? 0 : (uint64_t)n;
    return n < 0 ? -1 : 0;
}

/* Operations that take a domain and answer a number. */
static int ask(struct hv *hv, unsigned cmd, uint16_t domid, uint64_t *answer)
{
    long n = hv_call_arg(hv, __HYPERVISOR_memory_op, cmd, &domid, sizeof(domid));

    *answer = n < 0 ? 0 : (uint64_t)n;
    return n < 0 ? -1 : 0;
}

int hv_current_reservation(struct hv *hv, uint16_t domid, uint64_t *pages)
{
    return ask(hv, XENMEM_current_reservation, domid, pages);
}

int hv_maximum_reservation(struct hv *hv, uint16_t domid, uint64_t *pages)
{
    return ask(hv, XENMEM_maximum_reservation, domid, pages);
}

int hv_maximum_gpfn(struct hv *hv, uint16_t domid, uint64_t *pfn)
{
    return ask(hv, XENMEM_maximum_gpfn, domid, pfn);
}

static int mmuext(struct hv *hv, unsigned cmd, uint16_t domid, uint64_t frame)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = frame};
    struct mmuext_op *buf = hv_buf_copy(hv, &op, sizeof(op));
    long result;

    if (!buf)
        return -1;
    result = hv_call(hv, __HYPERVISOR_mmuext_op, (uintptr_t)buf, 1, 0, domid);
    hv_buf_free(hv, buf, sizeof(op));
    return (int)result;
}

int hv_pin_l4(struct hv *hv, uint16_t domid, uint64_t frame)
{
    return mmuext(hv, MMUEXT_PIN_L4_TABLE, domid, frame);
}

int hv_unpin(struct hv *hv, uint16_t domid, uint64_t frame)
{
    return mmuext(hv, MMUEXT_UNPIN_TABLE, domid, frame);
}
