/* SPDX-License-Identifier: MIT
 *
 * Interrupt vectors, lines and their owners. A vector belongs to the hypervisor (timer, IPIs,
 * serial) or to one interrupt source (an IOAPIC pin or an MSI) that guests have bound as a PIRQ.
 * Level-triggered lines stay masked (or un-EOIed) from delivery until every guest bound has said
 * PHYSDEVOP_eoi. LOCK_PIRQ.
 */
#pragma once

struct domain;
struct regs;

#define VECTOR_FIRST_EXT 0x30
#define VECTOR_LAST_EXT  0xdf
#define VECTOR_FLUSH_IPI 0xf0 /* TLB shootdown */
#define VECTOR_EVENT_IPI 0xf1 /* look at your softirqs and pending words */
#define VECTOR_TIMER     0xf2
#define VECTOR_SPURIOUS  0xff

void irq_init(void);               /* IOAPICs, table of sources; after apic_init() */
void irq_dispatch(struct regs *r); /* x86/entry.S: vector >= 32 */
/* A hypervisor-owned handler for a GSI (the serial port). */
int irq_request_gsi(unsigned gsi, bool level, bool low, void (*fn)(void *), void *data);

unsigned nr_gsis(void);
unsigned isa_irq_to_gsi(unsigned irq);
/* What PHYSDEVOP_setup_gsi says of a line: 0, -EEXIST when set already the same or in use. */
int irq_setup_gsi(unsigned gsi, bool level, bool low);
/* `irq` is the hypervisor's number of a source: its GSI, or what irq_alloc_msi() returned. `raise`
 * runs under LOCK_PIRQ, on any CPU, and never again once irq_guest_unbind() has returned. -EBUSY:
 * in use and not shareable. */
int irq_guest_bind(struct domain *d, unsigned irq, bool share,
                   void (*raise)(struct domain *, unsigned pirq), unsigned pirq);
void irq_guest_unbind(struct domain *d, unsigned irq);
void irq_guest_eoi(struct domain *d, unsigned irq);
bool irq_needs_eoi(unsigned irq);

/* The line or vector as the debug key 'i' shows them. */
void irq_dump(void);

/* x86/msi.c */
struct pci_bdf {
    uint16_t segment;
    uint8_t bus, devfn;
};
/* Programs MSI (nr vectors) or MSI-X entry `entry` with table at table_base; returns irq >=
 * nr_gsis() or -errno. */
int irq_alloc_msi(struct pci_bdf dev, bool msix, unsigned entry, unsigned nr, uint64_t table_base);
void irq_free_msi(unsigned irq);
/* Writes the device's messages again (it was reset). -ESRCH when it has none. */
int msi_restore(struct pci_bdf dev);
/* A configuration write of dom0's: false when it would change what irq_alloc_msi() wrote. */
bool msi_config_write_allowed(struct pci_bdf dev, unsigned reg, unsigned bytes);
/* true when the frame holds a MSI-X table that irq_alloc_msi() programs. */
bool msi_owns_frame(mfn_t m);

/* x86/apic.c */
void apic_init(
    void); /* boot CPU: maps it, measures its timer, legacy PICs off; needs time_init() */
void apic_init_cpu(void);                           /* each other CPU */
uint32_t apic_id(void);                             /* of this CPU */
void apic_send_icr(uint32_t apic_id, uint32_t icr); /* INIT, STARTUP, NMI: x86/smp.c */
#define APIC_ICR_ASSERT 0x4000u
void apic_eoi(void);
void apic_send_ipi(unsigned cpu, uint8_t vector);
void apic_arm_timer(nsec_t deadline); /* one shot at system time `deadline` */
