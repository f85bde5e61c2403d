/* SPDX-License-Identifier: MIT
 *
 * PCI configuration space by ports 0xcf8 and 0xcfc (segment 0), each access whole under LOCK_PORTS.
 */
#pragma once
#include "x86/irq.h"

#define PCI_COMMAND        0x04
#define PCI_COMMAND_MEMORY 2u
#define PCI_STATUS         0x06
#define PCI_CAPABILITIES   0x34

/* Any port, 1, 2 or 4 bytes. */
uint32_t port_in(uint16_t port, unsigned bytes);
void port_out(uint16_t port, unsigned bytes, uint32_t v);
/* bytes 1, 2 or 4, reg aligned to it; all ones where there is no device */
uint32_t pci_read(struct pci_bdf d, unsigned reg, unsigned bytes);
void pci_write(struct pci_bdf d, unsigned reg, unsigned bytes, uint32_t v);
/* Register of the capability, 0 when the device has none such. */
unsigned pci_find_capability(struct pci_bdf d, uint8_t id);
/* The same by the value dom0 put into 0xcf8, and data port 0xcfc + offset. */
uint32_t pci_port_read(uint32_t address, unsigned offset, unsigned bytes);
void pci_port_write(uint32_t address, unsigned offset, unsigned bytes, uint32_t v);
