/* SPDX-License-Identifier: MIT
 *
 * physdev_op, platform_op, ports: the machine as dom0 drives it.
 */
#pragma once

struct domain;

int physdev_init(struct domain *d);
int physdev_destroy(struct domain *d); /* unbinds and unmaps every PIRQ */
/* EVTCHNOP_bind_pirq / close. -EPERM, -EEXIST, -EINVAL. */
int pirq_bind(struct domain *d, unsigned pirq, bool share);
void pirq_unbind(struct domain *d, unsigned pirq);
unsigned nr_pirqs(const struct domain *d);

hcall_fn physdevop_eoi, physdevop_irq_status_query, physdevop_set_iopl, physdevop_set_iobitmap,
    physdevop_apic_read, physdevop_alloc_irq_vector, physdevop_map_pirq, physdevop_unmap_pirq,
    physdevop_setup_gsi, physdevop_get_free_pirq, physdevop_pci_device_add,
    physdevop_pci_device_remove, physdevop_manage_pci_add, physdevop_manage_pci_remove,
    physdevop_restore_msi, physdevop_restore_msi_ext, physdevop_pirq_eoi_gmfn;
/* platform_op: arg is struct xen_platform_op, copied in and back. */
hcall_fn do_platform_op;

/* I/O memory: may a guest (dom0) map this frame that is no RAM? false: LAPIC, MSI window, IOAPIC,
 * HT hole... */
bool iomem_permitted(const struct domain *d, mfn_t m);
/* The frame may be mapped, but read-only: MSI-X tables, IOAPIC pages. */
bool iomem_read_only(mfn_t m);
/* Port permission of dom0; other domains have none. */
bool ioport_permitted(const struct domain *d, uint16_t port, unsigned bytes);
