/* SPDX-License-Identifier: MIT
 *
 * physdev_op, platform_op, ports: the machine as dom0 drives it.
 */
#pragma once
#include "lib/types.h"

struct domain;
struct hcall;

int physdev_init(struct domain *d);
int physdev_destroy(struct domain *d); /* unbinds and unmaps every PIRQ */
/* EVTCHNOP_bind_pirq / close. -EPERM, -EEXIST, -EINVAL. */
int pirq_bind(struct domain *d, unsigned pirq, bool share);
void pirq_unbind(struct domain *d, unsigned pirq);
unsigned nr_pirqs(const struct domain *d);

long physdevop_eoi(struct hcall *c, void *arg);
long physdevop_irq_status_query(struct hcall *c, void *arg);
long physdevop_set_iopl(struct hcall *c, void *arg);
long physdevop_set_iobitmap(struct hcall *c, void *arg);
long physdevop_apic_read(struct hcall *c, void *arg);
long physdevop_apic_write(struct hcall *c, void *arg);
long physdevop_alloc_irq_vector(struct hcall *c, void *arg);
long physdevop_map_pirq(struct hcall *c, void *arg);
long physdevop_unmap_pirq(struct hcall *c, void *arg);
long physdevop_setup_gsi(struct hcall *c, void *arg);
long physdevop_get_free_pirq(struct hcall *c, void *arg);
long physdevop_pci_mmcfg_reserved(struct hcall *c, void *arg);
long physdevop_pci_device_add(struct hcall *c, void *arg);
long physdevop_pci_device_remove(struct hcall *c, void *arg);
long physdevop_manage_pci_add(struct hcall *c, void *arg);
long physdevop_manage_pci_remove(struct hcall *c, void *arg);
long physdevop_restore_msi(struct hcall *c, void *arg);
long physdevop_restore_msi_ext(struct hcall *c, void *arg);
long physdevop_pirq_eoi_gmfn(struct hcall *c, void *arg);
/* platform_op: arg is struct xen_platform_op, copied in and back. */
long do_platform_op(struct hcall *c, void *arg);

/* I/O memory: may a guest (dom0) map this frame that is no RAM? false: LAPIC, MSI window, IOAPIC,
 * HT hole... */
bool iomem_permitted(const struct domain *d, mfn_t m);
/* The frame may be mapped, but read-only: MSI-X tables, IOAPIC pages. */
bool iomem_read_only(mfn_t m);
/* Port permission of dom0 (abi-inventory 2.13); other domains have none. */
bool ioport_permitted(const struct domain *d, uint16_t port, unsigned bytes);
