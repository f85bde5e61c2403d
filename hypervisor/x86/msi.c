/* SPDX-License-Identifier: MIT
 *
 * Message-signalled interrupts (PCI 3.0, 6.8). The hypervisor writes message address and data, in
 * the capability (MSI) or in the device's table (MSI-X), and keeps MSI-X entries masked while no
 * guest has bound them. Whether the capability as a whole is enabled is dom0's to say, by
 * configuration writes. LOCK_PIRQ.
 */
#include "x86/irq.h"
#include "x86/irq_desc.h"
#include "x86/hvmap.h"
#include "x86/pci.h"
#include "x86/percpu.h"
#include "x86/vector.h"
#include "mm/frame.h"

#define CAP_MSI          0x05
#define CAP_MSIX         0x11
#define MSI_CTRL         2
#define MSI_ADDR         4
#define MSI_CTRL_64      (1u << 7)
#define MSI_CTRL_MASKBIT (1u << 8)
#define MSIX_TABLE       4
#define MSIX_ENTRY_BYTES 16

struct msi {
    bool used, msix;
    struct pci_bdf dev;
    uint8_t cap;         /* register of the capability */
    uint8_t index, of;   /* this message's place among the vectors of one MSI capability */
    bool wide, maskable; /* 64-bit address; per-vector mask bits */
    bool masked;
    uint16_t entry;
    volatile uint32_t *slot; /* MSI-X: table entry */
    mfn_t frame;
};
static struct msi msis[MAX_MSIS];

/* MSI-X tables that were mapped once: devices come and go, the address space of ioremap() does not.
 */
static struct {
    uint64_t page;
    void *va;
} mapped[64];

static volatile uint32_t *map_slot(uint64_t maddr)
{
    uint64_t page = maddr & PAGE_MASK;

    for (unsigned i = 0; i < ARRAY_SIZE(mapped); i++) {
        if (!mapped[i].va) {
            mapped[i].page = page;
            mapped[i].va = ioremap(page, PAGE_SIZE, false);
        }
        if (mapped[i].page == page)
            return (volatile uint32_t *)((char *)mapped[i].va + (maddr - page));
    }
    return NULL;
}

static bool same_device(struct pci_bdf a, struct pci_bdf b)
{
    return a.segment == b.segment && a.bus == b.bus && a.devfn == b.devfn;
}

static void write_message(unsigned irq)
{
    const struct msi *m = &msis[irq - nr_gsis()];
    uint32_t address = 0xfee00000u | cpus[0]->apic_id << 12, data = irqs[irq].vector;

    if (m->msix) {
        m->slot[3] = 1;
        m->slot[0] = address;
        m->slot[1] = 0;
        m->slot[2] = data;
        m->slot[3] = m->masked;
        return;
    }
    if (m->index)
        return; /* the first of the run says it for all */
    pci_write(m->dev, m->cap + MSI_ADDR, 4, address);
    if (m->wide)
        pci_write(m->dev, m->cap + MSI_ADDR + 4, 4, 0);
    pci_write(m->dev, m->cap + (m->wide ? 12 : 8), 2, data);

    uint32_t ctrl = pci_read(m->dev, m->cap + MSI_CTRL, 2) & ~0x70u;

    pci_write(m->dev, m->cap + MSI_CTRL, 2, ctrl | (uint32_t)__builtin_ctz(m->of) << 4);
}

void msi_set_mask(unsigned irq, bool masked)
{
    struct msi *m = &msis[irq - nr_gsis()];

    m->masked = masked;
    if (m->msix) {
        m->slot[3] = masked;
    } else if (m->maskable) {
        unsigned reg = m->cap + (m->wide ? 16u : 12u);
        uint32_t bits = pci_read(m->dev, reg, 4), bit = 1u << m->index;

        pci_write(m->dev, reg, 4, masked ? bits | bit : bits & ~bit);
    }
}

static int find_run(unsigned nr)
{
    for (unsigned i = 0; i + nr <= MAX_MSIS; i++) {
        unsigned n = 0;

        while (n < nr && !msis[i + n].used)
            n++;
        if (n == nr)
            return (int)i;
        i += n;
    }
    return -ENOSPC;
}

/* Fills `proto` from the device's capability. */
static int probe_msi(struct pci_bdf dev, unsigned nr, struct msi *proto)
{
    unsigned cap = pci_find_capability(dev, CAP_MSI);

    if (!cap)
        return -ENODEV;
    uint32_t ctrl = pci_read(dev, cap + MSI_CTRL, 2);

    if (nr > 1u << (ctrl >> 1 & 7))
        return -EINVAL;
    proto->cap = (uint8_t)cap;
    proto->wide = ctrl & MSI_CTRL_64;
    proto->maskable = ctrl & MSI_CTRL_MASKBIT;
    return 0;
}

static int probe_msix(struct pci_bdf dev, unsigned entry, uint64_t table_base, struct msi *proto)
{
    unsigned cap = pci_find_capability(dev, CAP_MSIX);

    if (!cap)
        return -ENODEV;
    if (entry > (pci_read(dev, cap + MSI_CTRL, 2) & 0x7ff) ||
        !(pci_read(dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
        return -EINVAL;
    uint64_t at = table_base + (pci_read(dev, cap + MSIX_TABLE, 4) & ~7u) +
                  (uint64_t)entry * MSIX_ENTRY_BYTES;

    if (frame_of(maddr_to_mfn(at))) /* dom0 says where the table is; RAM it is not */
        return -EINVAL;
    for (unsigned i = 0; i < MAX_MSIS; i++)
        if (msis[i].used && msis[i].msix && same_device(msis[i].dev, dev) && msis[i].entry == entry)
            return -EEXIST;
    proto->slot = map_slot(at);
    if (!proto->slot)
        return -ENOSPC;
    proto->cap = (uint8_t)cap;
    proto->msix = true;
    proto->entry = (uint16_t)entry;
    proto->frame = maddr_to_mfn(at);
    return 0;
}

int irq_alloc_msi(struct pci_bdf dev, bool msix, unsigned entry, unsigned nr, uint64_t table_base)
{
    struct msi proto = {.used = true, .dev = dev, .of = (uint8_t)nr, .masked = true};
    int first, err;
    uint8_t vector;

    if (dev.segment || !nr || nr > 32 || nr & (nr - 1) || (msix && nr != 1))
        return -EINVAL;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&irq_lock);

    err = msix ? probe_msix(dev, entry, table_base, &proto) : probe_msi(dev, nr, &proto);
    first = err ? err : find_run(nr);
    if (first < 0)
        return first;
    vector = vector_alloc(nr_gsis() + (unsigned)first, nr);
    if (!vector)
        return -ENOSPC;
    /* commit */
    for (unsigned i = 0; i < nr; i++) {
        unsigned irq = nr_gsis() + (unsigned)first + i;

        proto.index = (uint8_t)i;
        msis[(unsigned)first + i] = proto;
        irqs[irq] = (struct irq_desc){.vector = (uint8_t)(vector + i)};
        write_message(irq);
        msi_set_mask(irq, true);
    }
    return first + (int)nr_gsis();
}

void irq_free_msi(unsigned irq)
{
    struct msi *m;

    ASSERT(irq >= nr_gsis() && irq < nr_gsis() + MAX_MSIS);
    m = &msis[irq - nr_gsis()];
    spin_lock(&irq_lock);
    if (m->used && !irqs[irq].nr_guests) {
        if (m->msix && pci_read(m->dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY)
            m->slot[3] = 1;
        vector_free(irqs[irq].vector);
        irqs[irq].vector = 0;
        m->used = false;
    }
    spin_unlock(&irq_lock);
}

int msi_restore(struct pci_bdf dev)
{
    int err = -ESRCH;

    spin_lock(&irq_lock);
    for (unsigned i = 0; i < MAX_MSIS; i++)
        if (msis[i].used && same_device(msis[i].dev, dev)) {
            write_message(nr_gsis() + i);
            msi_set_mask(nr_gsis() + i, msis[i].masked);
            err = 0;
        }
    spin_unlock(&irq_lock);
    return err;
}

bool msi_config_write_allowed(struct pci_bdf dev, unsigned reg, unsigned bytes)
{
    struct spinlock *held UNLOCK_AT_END = spin_hold(&irq_lock);

    for (unsigned i = 0; i < MAX_MSIS; i++)
        if (msis[i].used && !msis[i].msix && same_device(msis[i].dev, dev)) {
            unsigned from = msis[i].cap + MSI_ADDR;
            unsigned to = from + (msis[i].wide ? 10u : 6u) + (msis[i].maskable ? 6u : 0u);

            if (reg + bytes > from && reg < to)
                return false;
        }
    return true;
}

bool msi_owns_frame(mfn_t m)
{
    for (unsigned i = 0; i < MAX_MSIS; i++)
        if (READ_ONCE(msis[i].used) && msis[i].msix && mfn_eq(msis[i].frame, m))
            return true;
    return false;
}
