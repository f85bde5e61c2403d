/* SPDX-License-Identifier: MIT
 *
 * Interrupt sources. Numbers below nr_gsis() are IOAPIC lines by their GSI, those above are
 * messages (x86/msi.c). A source is free, has a handler of ours, or is bound by guests; only then
 * it has a vector and is unmasked.
 *
 * A level-triggered line is masked at the IOAPIC when it fires and unmasked when the last guest
 * that was told has said that it is done; edges and messages are acknowledged at once, and never
 * masked, for that would lose them. All lines go to the boot CPU. LOCK_PIRQ guards all but the
 * look-up by vector.
 */
#include "x86/irq.h"
#include "x86/ioapic.h"
#include "x86/irq_desc.h"
#include "x86/percpu.h"
#include "x86/vector.h"
#include "boot/boot.h"
#include "dom/domain.h"
#include "mm/tlb.h"

struct irq_desc irqs[MAX_IRQS];
struct spinlock irq_lock = SPINLOCK(LOCK_PIRQ);

static unsigned gsis;
static uint64_t spurious;

unsigned nr_gsis(void)
{
    return gsis;
}

unsigned isa_irq_to_gsi(unsigned irq)
{
    return irq < 16 && acpi_overrides[irq].set ? acpi_overrides[irq].gsi : irq;
}

void irq_init(void)
{
    ioapic_init();
    gsis = min(ioapic_nr_gsis(), MAX_IRQS - MAX_MSIS);
    for (unsigned i = 16; i < gsis; i++) /* PCI's way */
        irqs[i].level = irqs[i].low = true;
    for (unsigned i = 0; i < 16; i++) {
        const struct acpi_override *o = &acpi_overrides[i];

        if (o->set && o->gsi < gsis) {
            irqs[o->gsi].level = o->level;
            irqs[o->gsi].low = o->low;
        }
    }
}

/* The source begins to deliver. */
static int start(unsigned irq)
{
    struct irq_desc *s = &irqs[irq];

    if (irq >= gsis) {
        msi_set_mask(irq, false);
        return 0;
    }
    if (!ioapic_has_gsi(irq))
        return -ENODEV;
    if (!s->vector && !(s->vector = vector_alloc(irq, 1)))
        return -ENOSPC;
    ioapic_set(irq, s->vector, s->level, s->low, cpus[0]->apic_id);
    return 0;
}

static void stop(unsigned irq)
{
    if (irq < gsis)
        ioapic_set_mask(irq, true);
    else
        msi_set_mask(irq, true);
}

int irq_request_gsi(unsigned gsi, bool level, bool low, void (*fn)(void *), void *data)
{
    struct spinlock *held UNLOCK_AT_END = spin_hold(&irq_lock);
    struct irq_desc *s = &irqs[gsi];
    int err;

    if (gsi >= gsis)
        return -EINVAL;
    if (s->handler || s->nr_guests)
        return -EBUSY;
    s->level = level;
    s->low = low;
    s->data = data;
    s->handler = fn;
    err = start(gsi);
    if (err)
        s->handler = NULL;
    return err;
}

int irq_setup_gsi(unsigned gsi, bool level, bool low)
{
    struct spinlock *held UNLOCK_AT_END = spin_hold(&irq_lock);
    struct irq_desc *s = &irqs[gsi];

    if (gsi >= gsis || !ioapic_has_gsi(gsi))
        return -EINVAL;
    if (s->handler || s->nr_guests || s->set)
        return -EEXIST;
    s->level = level;
    s->low = low;
    s->set = true;
    return 0;
}

int irq_guest_bind(struct domain *d, unsigned irq, bool share,
                   void (*raise)(struct domain *, unsigned pirq), unsigned pirq)
{
    struct irq_desc *s = &irqs[irq];
    int err = 0;

    if (irq >= gsis + MAX_MSIS)
        return -EINVAL;
    spin_lock(&irq_lock);
    if (s->handler || s->nr_guests == MAX_SHARERS || (s->nr_guests && !(share && s->shared)))
        err = -EBUSY;
    else if (irq >= gsis && !s->vector)
        err = -EINVAL; /* a message that was freed */
    else if (!s->nr_guests)
        err = start(irq);
    if (!err) {
        s->shared = share;
        s->guests[s->nr_guests++] = (struct irq_guest){.d = d, .pirq = pirq, .raise = raise};
    }
    spin_unlock(&irq_lock);
    return err;
}

static bool in_service(const struct irq_desc *s)
{
    for (unsigned i = 0; i < s->nr_guests; i++)
        if (s->guests[i].in_service)
            return true;
    return false;
}

void irq_guest_unbind(struct domain *d, unsigned irq)
{
    struct irq_desc *s = &irqs[irq];

    spin_lock(&irq_lock);
    for (unsigned i = 0; i < s->nr_guests; i++)
        if (s->guests[i].d == d) {
            bool was_in_service = s->guests[i].in_service;

            s->guests[i] = s->guests[--s->nr_guests];
            if (!s->nr_guests)
                stop(irq);
            else if (was_in_service && !in_service(s))
                ioapic_set_mask(irq, false);
            break;
        }
    spin_unlock(&irq_lock);
}

void irq_guest_eoi(struct domain *d, unsigned irq)
{
    struct irq_desc *s = &irqs[irq];

    spin_lock(&irq_lock);
    for (unsigned i = 0; i < s->nr_guests; i++)
        if (s->guests[i].d == d && s->guests[i].in_service) {
            s->guests[i].in_service = false;
            if (!in_service(s))
                ioapic_set_mask(irq, false);
        }
    spin_unlock(&irq_lock);
}

bool irq_needs_eoi(unsigned irq)
{
    return irq < gsis && irqs[irq].level;
}

static void deliver_to_guests(unsigned irq)
{
    struct irq_desc *s = &irqs[irq];
    bool level = irq < gsis && s->level;

    spin_lock(&irq_lock);
    if (level && s->nr_guests)
        ioapic_set_mask(irq, true);
    for (unsigned i = 0; i < s->nr_guests; i++) {
        s->guests[i].in_service = level;
        s->guests[i].raise(s->guests[i].d, s->guests[i].pirq);
    }
    s->count++;
    spin_unlock(&irq_lock);
    apic_eoi();
}

static void deliver(uint8_t vector)
{
    unsigned irq = vector_to_irq(vector);

    if (irq == IRQ_NONE) {
        spurious++;
        apic_eoi();
    } else if (irqs[irq].handler) {
        irqs[irq].count++;
        if (!irqs[irq].level)
            apic_eoi();
        irqs[irq].handler(irqs[irq].data);
        if (irqs[irq].level)
            apic_eoi();
    } else {
        deliver_to_guests(irq);
    }
}

void irq_dispatch(struct regs *r)
{
    uint8_t vector = (uint8_t)r->vector;

    switch (vector) {
    case VECTOR_TIMER:
        apic_eoi();
        softirq_raise(SOFTIRQ_TIMER);
        break;
    case VECTOR_FLUSH_IPI:
        apic_eoi();
        tlb_serve();
        break;
    case VECTOR_EVENT_IPI: /* the exit path looks at what it was sent for */
        apic_eoi();
        break;
    case VECTOR_SPURIOUS: /* is not in service */
        spurious++;
        break;
    default:
        if (vector >= VECTOR_FIRST_EXT && vector <= VECTOR_LAST_EXT)
            deliver(vector);
        else
            spurious++; /* a PIC's */
    }
}

void irq_dump(void)
{
    for (unsigned i = 0; i < gsis + MAX_MSIS; i++) {
        const struct irq_desc *s = &irqs[i];

        if (!s->vector && !s->count)
            continue;
        log_info("irq %u: vector %02x %s %s count %lu%s", i, s->vector,
                 i >= gsis  ? "message"
                 : s->level ? "level"
                            : "edge",
                 s->handler ? "ours" : "guests", s->count, in_service(s) ? " in service" : "");
        for (unsigned g = 0; g < s->nr_guests; g++)
            log_info("  d%d pirq %u", s->guests[g].d->id, s->guests[g].pirq);
    }
    log_info("spurious interrupts: %lu", spurious);
}
