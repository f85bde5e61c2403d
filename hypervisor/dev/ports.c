/* SPDX-License-Identifier: MIT
 *
 * Port accesses of guests, which all trap. dom0 reaches the hardware, except what the hypervisor
 * runs itself: PICs, PIT, PM timer, its serial port. The PCI address port and the RTC index port
 * are latches of the vCPU, and the access that follows is done whole under a lock. Other domains
 * see an empty bus.
 *
 * PIT channel 2 reads as a timer that has run out: a kernel that calibrates by it gives up at once
 * and takes the paravirtual clock.
 */
#include "dev/dev.h"
#include "dev/uart.h"
#include "boot/boot.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "lib/spinlock.h"
#include "pv/pv.h"
#include "x86/asm.h"
#include "x86/pci.h"

#define PCI_ADDRESS   0xcf8
#define PCI_DATA      0xcfc
#define RTC_INDEX     0x70
#define RTC_DATA      0x71
#define PIT_CHANNEL_2 0x42
#define SPEAKER       0x61
#define SPEAKER_OUT2  0x20

static struct spinlock rtc_lock = SPINLOCK(LOCK_PORTS);

static uint32_t all_ones(unsigned bytes)
{
    return bytes == 4 ? ~0u : (1u << 8 * bytes) - 1;
}

static bool overlaps(uint16_t port, unsigned bytes, uint32_t first, uint32_t last)
{
    return port <= last && port + bytes - 1 >= first;
}

bool ioport_permitted(const struct domain *d, uint16_t port, unsigned bytes)
{
    static const struct {
        uint16_t first, last;
    } denied[] = {
        {0x20, 0x21}, {0xa0, 0xa1}, {0x40, 0x43}, {0x61, 0x61}, {PCI_DATA, PCI_DATA + 3},
    };
    uint64_t pm = acpi_sleep.pm_timer;

    if (!d->privileged)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(denied); i++)
        if (overlaps(port, bytes, denied[i].first, denied[i].last))
            return false;
    if (pm && overlaps(port, bytes, (uint32_t)pm, (uint32_t)pm + 3))
        return false;
    for (unsigned i = 0; i < bytes; i++)
        if (uart_owns_port((uint16_t)(port + i)))
            return false;
    return true;
}

static bool is_pci_data(uint16_t port, unsigned bytes)
{
    return port >= PCI_DATA && port + bytes <= PCI_DATA + 4;
}

static uint8_t rtc_in(struct vcpu *v)
{
    uint8_t val;

    spin_lock(&rtc_lock);
    outb(RTC_INDEX, v->rtc_index);
    val = inb(RTC_DATA);
    spin_unlock(&rtc_lock);
    return val;
}

static void rtc_out(struct vcpu *v, uint8_t val)
{
    spin_lock(&rtc_lock);
    outb(RTC_INDEX, v->rtc_index);
    outb(RTC_DATA, val);
    spin_unlock(&rtc_lock);
}

uint32_t guest_port_in(struct vcpu *v, uint16_t port, unsigned bytes)
{
    struct domain *d = v->d;

    if (port == PCI_ADDRESS && bytes == 4)
        return v->cf8;
    if (is_pci_data(port, bytes))
        return d->privileged && v->cf8 & 1u << 31 ? pci_port_read(v->cf8, port - PCI_DATA, bytes)
                                                  : all_ones(bytes);
    if (bytes == 1 && port == RTC_INDEX)
        return v->rtc_index;
    if (bytes == 1 && port == RTC_DATA)
        return d->privileged ? rtc_in(v) : 0xff;
    if (bytes == 1 && port == PIT_CHANNEL_2)
        return 0;
    if (bytes == 1 && port == SPEAKER)
        return SPEAKER_OUT2;
    return ioport_permitted(d, port, bytes) ? port_in(port, bytes) : all_ones(bytes);
}

static void pci_out(struct vcpu *v, unsigned offset, unsigned bytes, uint32_t val)
{
    struct pci_bdf dev = {.bus = (uint8_t)(v->cf8 >> 16), .devfn = (uint8_t)(v->cf8 >> 8)};
    unsigned reg = (v->cf8 & 0xfc) + offset;

    if (v->cf8 & 1u << 31 && msi_config_write_allowed(dev, reg, bytes))
        pci_port_write(v->cf8, offset, bytes, val);
}

void guest_port_out(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t val)
{
    struct domain *d = v->d;

    if (port == PCI_ADDRESS && bytes == 4)
        v->cf8 = val;
    else if (bytes == 1 && port == RTC_INDEX)
        v->rtc_index = val & 0x7f; /* bit 7 would mask NMIs */
    else if (bytes == 1 && port == RTC_DATA && d->privileged)
        rtc_out(v, (uint8_t)val);
    else if (is_pci_data(port, bytes) && d->privileged)
        pci_out(v, port - PCI_DATA, bytes, val);
    else if (ioport_permitted(d, port, bytes))
        port_out(port, bytes, val);
}
