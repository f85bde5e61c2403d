/* SPDX-License-Identifier: MIT
 *
 * IOAPICs (Intel 82093AA data sheet): an index and a data window; two 32-bit words per pin. The
 * first word is kept here too, so that masking a pin is one write.
 */
#include "x86/ioapic.h"
#include "x86/hvmap.h"
#include "boot/boot.h"

#define REG_VERSION 1
#define REG_PIN(n)  (0x10 + 2 * (n))
#define PIN_LOW     (1u << 13)
#define PIN_LEVEL   (1u << 15)
#define PIN_MASKED  (1u << 16)

struct ioapic {
    volatile uint32_t *regs;
    uint64_t base;
    unsigned gsi_base, pins;
    uint32_t pin[240];
};
static struct ioapic ioapics[MAX_IOAPICS];
static unsigned nr_ioapics;

static uint32_t reg_read(const struct ioapic *io, uint32_t reg)
{
    io->regs[0] = reg;
    return io->regs[4];
}

static void reg_write(const struct ioapic *io, uint32_t reg, uint32_t v)
{
    io->regs[0] = reg;
    io->regs[4] = v;
}

static struct ioapic *find(unsigned gsi, unsigned *pin)
{
    for (unsigned i = 0; i < nr_ioapics; i++)
        if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].pins) {
            *pin = gsi - ioapics[i].gsi_base;
            return &ioapics[i];
        }
    return NULL;
}

void ioapic_init(void)
{
    for (unsigned i = 0; i < nr_acpi_ioapics; i++) {
        struct ioapic *io = &ioapics[nr_ioapics];

        io->base = acpi_ioapics[i].base;
        io->gsi_base = acpi_ioapics[i].gsi_base;
        io->regs = ioremap(io->base, 32, false);
        if (reg_read(io, REG_VERSION) == ~0u) {
            log_warn("no IOAPIC answers at %lx", io->base);
            continue;
        }
        io->pins = min((reg_read(io, REG_VERSION) >> 16 & 0xff) + 1, 240u);
        for (unsigned n = 0; n < io->pins; n++) {
            io->pin[n] = PIN_MASKED;
            reg_write(io, REG_PIN(n), PIN_MASKED);
            reg_write(io, REG_PIN(n) + 1, 0);
        }
        nr_ioapics++;
        log_info("IOAPIC %u: GSIs %u to %u", acpi_ioapics[i].id, io->gsi_base,
                 io->gsi_base + io->pins - 1);
    }
}

unsigned ioapic_nr_gsis(void)
{
    unsigned n = 16;

    for (unsigned i = 0; i < nr_ioapics; i++)
        n = max(n, ioapics[i].gsi_base + ioapics[i].pins);
    return n;
}

bool ioapic_has_gsi(unsigned gsi)
{
    unsigned pin;

    return find(gsi, &pin);
}

void ioapic_set(unsigned gsi, uint8_t vector, bool level, bool low, uint32_t apic_id)
{
    unsigned n;
    struct ioapic *io = find(gsi, &n);

    if (!io)
        return;
    io->pin[n] = vector | (level ? PIN_LEVEL : 0) | (low ? PIN_LOW : 0);
    reg_write(io, REG_PIN(n), io->pin[n] | PIN_MASKED); /* never half old, half new */
    reg_write(io, REG_PIN(n) + 1, apic_id << 24);
    reg_write(io, REG_PIN(n), io->pin[n]);
}

void ioapic_set_mask(unsigned gsi, bool masked)
{
    unsigned n;
    struct ioapic *io = find(gsi, &n);

    if (!io)
        return;
    io->pin[n] = (io->pin[n] & ~PIN_MASKED) | (masked ? PIN_MASKED : 0);
    reg_write(io, REG_PIN(n), io->pin[n]);
}

bool ioapic_read_register(uint64_t base, uint32_t reg, uint32_t *value)
{
    for (unsigned i = 0; i < nr_ioapics; i++)
        if (ioapics[i].base == base) {
            *value = reg_read(&ioapics[i], reg & 0xff);
            return true;
        }
    return false;
}

bool ioapic_owns_frame(mfn_t m)
{
    for (unsigned i = 0; i < nr_ioapics; i++)
        if (ioapics[i].base >> PAGE_SHIFT == m.v)
            return true;
    return false;
}
