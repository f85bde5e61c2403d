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
struct hcall;
struct domain;

/* Largest extent order that the caller may ask for. */
unsigned memory_max_order(const struct domain *caller);

long xenmem_increase_reservation(struct hcall *c, void *arg);
long xenmem_decrease_reservation(struct hcall *c, void *arg);
long xenmem_populate_physmap(struct hcall *c, void *arg);
long xenmem_exchange(struct hcall *c, void *arg);
long xenmem_maximum_ram_page(struct hcall *c, void *arg); /* no arg */
long xenmem_current_reservation(struct hcall *c, void *arg);
long xenmem_maximum_reservation(struct hcall *c, void *arg);
long xenmem_maximum_gpfn(struct hcall *c, void *arg);
long xenmem_machphys_mfn_list(struct hcall *c, void *arg); /* privileged */
long xenmem_machphys_mapping(struct hcall *c, void *arg);
long xenmem_memory_map(struct hcall *c, void *arg);
long xenmem_machine_memory_map(struct hcall *c, void *arg); /* privileged */
long xenmem_set_memory_map(struct hcall *c, void *arg);
long xenmem_claim_pages(struct hcall *c, void *arg); /* privileged */
long xenmem_acquire_resource(struct hcall *c, void *arg);
long xenmem_sharing_counter(struct hcall *c, void *arg); /* 18, 19; no arg */
long xenmem_reserved_device_memory_map(struct hcall *c, void *arg);
long xenmem_add_to_physmap(struct hcall *c, void *arg);
long xenmem_remove_from_physmap(struct hcall *c, void *arg);
