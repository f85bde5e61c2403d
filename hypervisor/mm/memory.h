/* SPDX-License-Identifier: MIT
 *
 * HYPERVISOR_memory_op: reservations, exchange, maps. Handlers are rows of the table in
 * hypercall.c.
 */
#pragma once
struct hcall;
long xenmem_increase_reservation(struct hcall *c, void *arg);
long xenmem_decrease_reservation(struct hcall *c, void *arg);
long xenmem_populate_physmap(struct hcall *c, void *arg);
long xenmem_exchange(struct hcall *c, void *arg);
long xenmem_maximum_ram_page(struct hcall *c, void *arg);
long xenmem_current_reservation(struct hcall *c, void *arg);
long xenmem_maximum_reservation(struct hcall *c, void *arg);
long xenmem_maximum_gpfn(struct hcall *c, void *arg);
long xenmem_machphys_mfn_list(struct hcall *c, void *arg);
long xenmem_machphys_mapping(struct hcall *c, void *arg);
long xenmem_memory_map(struct hcall *c, void *arg);
long xenmem_machine_memory_map(struct hcall *c, void *arg);
long xenmem_set_memory_map(struct hcall *c, void *arg);
long xenmem_claim_pages(struct hcall *c, void *arg);
long xenmem_acquire_resource(struct hcall *c, void *arg);
long xenmem_sharing_counter(struct hcall *c, void *arg);
long xenmem_reserved_device_memory_map(struct hcall *c, void *arg);
long xenmem_add_to_physmap(struct hcall *c, void *arg);
long xenmem_remove_from_physmap(struct hcall *c, void *arg);
