/* SPDX-License-Identifier: MIT
 *
 * HYPERVISOR_memory_op: reservations (memory.c), exchange (memory_exchange.c), maps
 * (memory_maps.c). Handlers are rows of the table in hypercall.c; arg is the structure of
 * <xen/memory.h> that the operation names, copied in, and for 3, 4 and 14 a domid_t. Rows that copy
 * back: exchange (on errors too), machphys_mfn_list, machphys_mapping, memory_map,
 * machine_memory_map, acquire_resource, reserved_device_memory_map. c->a[0] is the command with the
 * first extent above bit 5.
 */
#pragma once
#include <xen/memory.h>
#include "hypercall.h"
#include "mm/guest_copy.h"

struct domain;

#define MEMORY_CMD_BITS 6

/* What the three reservation operations answer instead of an error: the extents that are done. */
static inline long memory_extents_done(const struct hcall *c)
{
    return (long)(c->a[0] >> MEMORY_CMD_BITS);
}

/* Largest extent order that the caller may ask for. */
unsigned memory_max_order(const struct domain *caller);

/* Where the guest's list has, or gets, the frame of extent i. */
static inline guest_va_t extent_at(const struct xen_memory_reservation *r, uint64_t i)
{
    return guest_va_at(guest_va((uint64_t)r->extent_start.p), i, sizeof(xen_pfn_t));
}

hcall_fn xenmem_increase_reservation, xenmem_decrease_reservation, xenmem_populate_physmap,
    xenmem_exchange, xenmem_maximum_ram_page, xenmem_current_reservation,
    xenmem_maximum_reservation, xenmem_maximum_gpfn, xenmem_machphys_mfn_list,
    xenmem_machphys_mapping, xenmem_memory_map, xenmem_machine_memory_map, xenmem_set_memory_map,
    xenmem_claim_pages, xenmem_acquire_resource, xenmem_reserved_device_memory_map;
