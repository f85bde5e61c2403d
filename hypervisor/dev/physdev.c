/* SPDX-License-Identifier: MIT
 *
 * HYPERVISOR_physdev_op, one function a row (ABI: physdev.h; semantics: PIRQs in dev/pirq.c). Which
 * rows are dom0's alone is said in the table of hypercall.c.
 */
#include "dev/dev.h"
#include "dev/pirq.h"
#include "mm/guest_copy.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "hypercall.h"
#include "x86/ioapic.h"
#include "x86/irq.h"
#include <xen/physdev.h>

/* PCI functions that dom0 has announced, a bit each: bus, device, function. */
static uint64_t announced[65536 / 64];

static void announce(uint8_t bus, uint8_t devfn, bool there)
{
    unsigned n = (unsigned)bus << 8 | devfn;

    if (there)
        __atomic_or_fetch(&announced[n / 64], 1ul << n % 64, __ATOMIC_RELAXED);
    else
        __atomic_and_fetch(&announced[n / 64], ~(1ul << n % 64), __ATOMIC_RELAXED);
}

static bool is_announced(struct pci_bdf dev)
{
    unsigned n = (unsigned)dev.bus << 8 | dev.devfn;

    return !dev.segment && announced[n / 64] & 1ul << n % 64;
}

long physdevop_eoi(struct hcall *c, void *arg)
{
    const struct physdev_eoi *op = arg;
    int irq = pirq_to_irq(c->d, op->irq);

    if (irq < 0)
        return irq;
    irq_guest_eoi(c->d, (unsigned)irq);
    return 0;
}

long physdevop_irq_status_query(struct hcall *c, void *arg)
{
    struct physdev_irq_status_query *op = arg;

    if (op->irq >= nr_pirqs(c->d))
        return -EINVAL;
    /* asked for edges too: a guest that says so when there was nothing to say does no harm */
    op->flags = XENIRQSTAT_needs_eoi;
    return 0;
}

long physdevop_set_iopl(struct hcall *c, void *arg)
{
    const struct physdev_set_iopl *op = arg;

    if (op->iopl > 3)
        return -EINVAL;
    c->v->iopl = (uint8_t)op->iopl;
    return 0;
}

long physdevop_set_iobitmap(struct hcall *c, void *arg)
{
    const struct physdev_set_iobitmap *op = arg;

    guest_va_t bitmap = guest_va((uint64_t)op->bitmap.p);

    if (op->nr_ports > 65536 || !guest_range_ok(bitmap, div_up(op->nr_ports, 8u)))
        return -EINVAL;
    c->v->iobmp = bitmap;
    c->v->iobmp_ports = op->nr_ports;
    return 0;
}

long physdevop_apic_read(struct hcall *, void *arg)
{
    struct physdev_apic *op = arg;

    return ioapic_read_register(op->apic_physbase, op->reg, &op->value) ? 0 : -EINVAL;
}

long physdevop_alloc_irq_vector(struct hcall *, void *arg)
{
    struct physdev_irq *op = arg;

    if (op->irq >= nr_gsis())
        return -EINVAL;
    op->vector =
        op->irq; /* real vectors are given when a line is bound, and mean nothing to dom0 */
    return 0;
}

static long map_gsi(struct domain *d, struct physdev_map_pirq *op)
{
    int pirq;

    if (op->index < 0 || (unsigned)op->index >= nr_gsis())
        return -EINVAL;
    if (!op->index)
        return -EPERM; /* the timer's */
    pirq = pirq_map(d, op->pirq, (unsigned)op->index, 1, false);
    if (pirq < 0)
        return pirq;
    op->pirq = pirq;
    return 0;
}

static long map_msi(struct domain *d, struct physdev_map_pirq *op)
{
    bool old = op->type == MAP_PIRQ_TYPE_MSI, multi = op->type == MAP_PIRQ_TYPE_MULTI_MSI;
    struct pci_bdf dev = {.segment = old ? 0 : (uint16_t)(op->bus >> 16),
                          .bus = (uint8_t)op->bus,
                          .devfn = (uint8_t)op->devfn};
    bool msix = op->table_base && !multi;
    unsigned nr = 1;
    int irq, pirq;

    if (!is_announced(dev))
        return -ENODEV;
    if (multi) {
        if (op->entry_nr <= 0 || op->entry_nr > 32)
            return -EINVAL;
        while (nr < (unsigned)op->entry_nr)
            nr *= 2;
    }
    irq = irq_alloc_msi(dev, msix, msix ? (unsigned)op->entry_nr : 0, nr, op->table_base);
    if (irq < 0) {
        if (multi)
            op->entry_nr = 1;
        return irq;
    }
    pirq = pirq_map(d, op->pirq, (unsigned)irq, nr, true);
    if (pirq < 0) {
        while (nr--)
            irq_free_msi((unsigned)irq + nr);
        return pirq;
    }
    op->pirq = pirq;
    return 0;
}

long physdevop_map_pirq(struct hcall *c, void *arg)
{
    struct physdev_map_pirq *op = arg;
    int err;
    long rc;
    struct domain *d PUT_AT_END = domain_get_for(c->d, op->domid, &err);

    if (!d)
        return err;
    switch (op->type) {
    case MAP_PIRQ_TYPE_GSI:
        rc = map_gsi(d, op);
        break;
    case MAP_PIRQ_TYPE_MSI:
    case MAP_PIRQ_TYPE_MSI_SEG:
    case MAP_PIRQ_TYPE_MULTI_MSI:
        rc = map_msi(d, op);
        break;
    default:
        rc = -EINVAL;
    }
    if (rc)
        guest_log("map_pirq type %d index %d pirq %d bus %x devfn %x: %ld", op->type, op->index,
                  op->pirq, op->bus, op->devfn, rc);
    return rc;
}

long physdevop_unmap_pirq(struct hcall *c, void *arg)
{
    const struct physdev_unmap_pirq *op = arg;
    int err;
    struct domain *d PUT_AT_END = domain_get_for(c->d, op->domid, &err);

    if (!d)
        return err;
    return op->pirq < 0 ? -EINVAL : pirq_unmap(d, (unsigned)op->pirq);
}

long physdevop_setup_gsi(struct hcall *, void *arg)
{
    const struct physdev_setup_gsi *op = arg;

    return op->gsi < 0 ? -EINVAL : irq_setup_gsi((unsigned)op->gsi, op->triggering, op->polarity);
}

long physdevop_get_free_pirq(struct hcall *c, void *arg)
{
    struct physdev_get_free_pirq *op = arg;
    int pirq = op->type == MAP_PIRQ_TYPE_MSI ? pirq_reserve(c->d) : -EINVAL;

    if (pirq < 0)
        return pirq;
    op->pirq = (uint32_t)pirq;
    return 0;
}

long physdevop_pci_device_add(struct hcall *, void *arg)
{
    const struct physdev_pci_device_add *op = arg;

    if (op->seg)
        return -EOPNOTSUPP;
    announce(op->bus, op->devfn, true);
    return 0;
}

long physdevop_pci_device_remove(struct hcall *, void *arg)
{
    const struct physdev_pci_device *op = arg;
    struct pci_bdf dev = {.segment = op->seg, .bus = op->bus, .devfn = op->devfn};

    if (!is_announced(dev))
        return -ENODEV;
    announce(op->bus, op->devfn, false);
    return 0;
}

long physdevop_manage_pci_add(struct hcall *, void *arg)
{
    const struct physdev_manage_pci *op = arg;

    announce(op->bus, op->devfn, true);
    return 0;
}

long physdevop_manage_pci_remove(struct hcall *, void *arg)
{
    const struct physdev_manage_pci *op = arg;

    announce(op->bus, op->devfn, false);
    return 0;
}

long physdevop_restore_msi(struct hcall *, void *arg)
{
    const struct physdev_restore_msi *op = arg;

    return msi_restore((struct pci_bdf){.bus = op->bus, .devfn = op->devfn});
}

long physdevop_restore_msi_ext(struct hcall *, void *arg)
{
    const struct physdev_pci_device *op = arg;

    return msi_restore((struct pci_bdf){.segment = op->seg, .bus = op->bus, .devfn = op->devfn});
}

long physdevop_pirq_eoi_gmfn(struct hcall *c, void *arg)
{
    const struct physdev_pirq_eoi_gmfn *op = arg;

    return pirq_set_eoi_page(c->d, mfn(op->gmfn));
}
