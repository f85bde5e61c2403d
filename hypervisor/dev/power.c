/* SPDX-License-Identifier: MIT
 *
 * The machine's end: power-off by ACPI (6.4, 4.8.3: sleep type and enable bit into PM1 control),
 * reset by whatever works first: the FADT's reset register, the keyboard controller, port 0xcf9, a
 * triple fault.
 */
#include "dev/power.h"
#include "boot/boot.h"
#include "dom/domain.h"
#include "x86/asm.h"
#include "x86/hvmap.h"
#include "x86/pci.h"
#include "x86/time.h"
#include <xen/sched.h>

#define PM1_SLEEP_TYPE(t) ((unsigned)(t) << 10)
#define PM1_SLEEP_ENABLE  (1u << 13)
#define PM1_KEPT          0x0203u /* SCI_EN, BM_RLD, GBL_RLS stay as they are but for the last */

static void __attribute__((noreturn)) stop(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void wait_ms(unsigned ms)
{
    for (nsec_t end = now() + MILLISECONDS(ms); tsc_khz && now() < end;)
        cpu_relax();
}

void power_write_pm1(uint16_t a, uint16_t b)
{
    wbinvd();
    outw((uint16_t)acpi_sleep.pm1a_cnt, a);
    if (acpi_sleep.pm1b_cnt)
        outw((uint16_t)acpi_sleep.pm1b_cnt, b);
    wait_ms(1000);
}

static void power_off(void)
{
    uint16_t kept;

    if (!acpi_sleep.s5_known || !acpi_sleep.pm1a_cnt) {
        log_warn("the firmware tells no way to switch the machine off");
        return;
    }
    kept = inw((uint16_t)acpi_sleep.pm1a_cnt) & PM1_KEPT;
    power_write_pm1((uint16_t)(kept | PM1_SLEEP_TYPE(acpi_sleep.s5_a) | PM1_SLEEP_ENABLE),
                    (uint16_t)(kept | PM1_SLEEP_TYPE(acpi_sleep.s5_b) | PM1_SLEEP_ENABLE));
}

static void reset_by_acpi(void)
{
    uint64_t at = acpi_sleep.reset_reg;
    uint8_t value = acpi_sleep.reset_value;

    if (!at)
        return;
    if (acpi_sleep.reset_space == 0)
        *(volatile uint8_t *)ioremap(at, 1, false) = value;
    else if (acpi_sleep.reset_space == 1)
        outb((uint16_t)at, value);
    else if (acpi_sleep.reset_space == 2) /* device, function and offset, each 16 bits, on bus 0 */
        pci_write((struct pci_bdf){.devfn = (uint8_t)((at >> 32 & 31) << 3 | (at >> 16 & 7))},
                  (unsigned)at & 0xff, 1, value);
    wait_ms(100);
}

static void __attribute__((noreturn)) reset(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) no_idt;

    reset_by_acpi();
    for (int i = 0; i < 10; i++) {
        for (int n = 0; n < 10000 && inb(0x64) & 2; n++)
            ;
        outb(0x64, 0xfe);
        wait_ms(10);
    }
    outb(0xcf9, 2);
    outb(0xcf9, 6);
    wait_ms(100);
    __asm__ volatile("lidt %0; int3" : : "m"(no_idt));
    stop();
}

void machine_shutdown(uint8_t reason)
{
    irq_disable();
    if (reason == SHUTDOWN_poweroff) {
        log_info("power-off");
        power_off();
        log_error("the machine did not switch off; it is safe to do so now");
        stop();
    }
    if (reason != SHUTDOWN_reboot) {
        log_error("dom0 crashed (reason %u)", reason);
        if (cmdline_bool("noreboot", false)) {
            log_error("stopped (noreboot)");
            stop();
        }
    }
    log_info("reboot");
    reset();
}
