/* SPDX-License-Identifier: MIT
 *
 * IOAPIC pins by global system interrupt number. LOCK_PIRQ of x86/irq.c guards the registers after
 * boot.
 */
#pragma once

void ioapic_init(void); /* maps them, masks every pin */
unsigned ioapic_nr_gsis(void);
bool ioapic_has_gsi(unsigned gsi);
/* Writes the pin's entry; destination is the CPU with this APIC id. */
void ioapic_set(unsigned gsi, uint8_t vector, bool level, bool low, uint32_t apic_id);
void ioapic_set_mask(unsigned gsi, bool masked);
/* A register for PHYSDEVOP_apic_read: false when there is no IOAPIC at base. */
bool ioapic_read_register(uint64_t base, uint32_t reg, uint32_t *value);
/* true when the frame holds an IOAPIC's registers. */
bool ioapic_owns_frame(mfn_t m);
