/* SPDX-License-Identifier: MIT
 *
 * PCI configuration mechanism #1 (PCI 3.0, 3.2.2.3.2). The address port and the data port belong
 * together, hence the lock.
 */
#include "x86/pci.h"
#include "x86/asm.h"
#include "lib/spinlock.h"

static struct spinlock ports_lock = SPINLOCK(LOCK_PORTS);

uint32_t port_in(uint16_t port, unsigned bytes)
{
    return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

void port_out(uint16_t port, unsigned bytes, uint32_t v)
{
    if (bytes == 1)
        outb(port, (uint8_t)v);
    else if (bytes == 2)
        outw(port, (uint16_t)v);
    else
        outl(port, v);
}

uint32_t pci_port_read(uint32_t address, unsigned offset, unsigned bytes)
{
    uint32_t v;

    spin_lock(&ports_lock);
    outl(0xcf8, address);
    v = port_in((uint16_t)(0xcfc + offset), bytes);
    spin_unlock(&ports_lock);
    return v;
}

void pci_port_write(uint32_t address, unsigned offset, unsigned bytes, uint32_t v)
{
    spin_lock(&ports_lock);
    outl(0xcf8, address);
    port_out((uint16_t)(0xcfc + offset), bytes, v);
    spin_unlock(&ports_lock);
}

static uint32_t address_of(struct pci_bdf d, unsigned reg)
{
    return 1u << 31 | (uint32_t)d.bus << 16 | (uint32_t)d.devfn << 8 | (reg & 0xfc);
}

uint32_t pci_read(struct pci_bdf d, unsigned reg, unsigned bytes)
{
    return pci_port_read(address_of(d, reg), reg & 3, bytes);
}

void pci_write(struct pci_bdf d, unsigned reg, unsigned bytes, uint32_t v)
{
    pci_port_write(address_of(d, reg), reg & 3, bytes, v);
}

unsigned pci_find_capability(struct pci_bdf d, uint8_t id)
{
    if (pci_read(d, 0, 2) == 0xffff || !(pci_read(d, PCI_STATUS, 2) & 0x10))
        return 0;
    unsigned at = pci_read(d, PCI_CAPABILITIES, 1) & 0xfc;

    for (int n = 0; at >= 0x40 && n < 48; n++) { /* a list that bites its tail ends too */
        uint32_t head = pci_read(d, at, 2);

        if ((head & 0xff) == id)
            return at;
        at = head >> 8 & 0xfc;
    }
    return 0;
}
