/* SPDX-License-Identifier: MIT
 *
 * Which frames that are no RAM dom0 may map: all but those through which it could raise interrupts
 * behind the hypervisor's back. IOAPICs and MSI-X tables that the hypervisor programs may be looked
 * at.
 */
#include "dev/dev.h"
#include "boot/boot.h"
#include "dom/domain.h"
#include "x86/cpu.h"
#include "x86/ioapic.h"
#include "x86/irq.h"

#define MSI_WINDOW_FIRST 0xfee00ul /* frames of 0xfee00000 .. 0xfeefffff */
#define MSI_WINDOW_LAST  0xfeefful
#define HT_HOLE_FIRST    0xfd00000ul /* AMD: 0xfd00000000 .. 0xffffffffff */
#define HT_HOLE_LAST     0xffffffful

bool iomem_permitted(const struct domain *d, mfn_t m)
{
    if (!d->privileged || m.v >> (cpu.phys_bits - PAGE_SHIFT))
        return false;
    if (m.v >= MSI_WINDOW_FIRST && m.v <= MSI_WINDOW_LAST)
        return false;
    if (m.v == acpi_lapic_base >> PAGE_SHIFT)
        return false;
    return !(cpu.amd && m.v >= HT_HOLE_FIRST && m.v <= HT_HOLE_LAST);
}

bool iomem_read_only(mfn_t m)
{
    return ioapic_owns_frame(m) || msi_owns_frame(m);
}
