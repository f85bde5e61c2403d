/* SPDX-License-Identifier: MIT
 *
 * HYPERVISOR_platform_op: dom0 tells the time, asks what firmware left, and puts the machine to
 * sleep. A multiboot loader hands over no BIOS disk tables, so there are none to give; firmware
 * with EFI services is not started by multiboot 1 at all, and its runtime is not used.
 */
#include "dev/dev.h"
#include "dev/power.h"
#include "boot/boot.h"
#include "dom/domain.h"
#include "hypercall.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include <xen/platform.h>

static long set_time(uint64_t secs, uint32_t nsecs, uint64_t system_time)
{
    if (nsecs >= 1000000000 || secs > 1ul << 34 || system_time > secs * 1000000000)
        return -EINVAL;
    time_set_wallclock(secs, nsecs, system_time);
    return 0;
}

static long firmware_info(struct xenpf_firmware_info *f)
{
    switch (f->type) {
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
        return -ESRCH; /* the list ends where it begins */
    case XEN_FW_KBD_SHIFT_FLAGS:
        f->u.kbd_shift_flags = *(const volatile uint8_t *)low_mem(0x417);
        return 0;
    case XEN_FW_EFI_INFO:
    case XEN_FW_VBEDDC_INFO:
        return -ENOSYS;
    }
    return -EINVAL;
}

static long enter_acpi_sleep(const struct xenpf_enter_acpi_sleep *s)
{
    if (s->flags & ~XENPF_ACPI_SLEEP_EXTENDED || s->sleep_state < 1 || s->sleep_state > 5)
        return -EINVAL;
    if (s->sleep_state != 5 || s->flags || !acpi_sleep.pm1a_cnt)
        return -EOPNOTSUPP;
    log_info("power-off");
    power_write_pm1(s->val_a, s->val_b);
    return -EIO;
}

static long get_cpuinfo(struct xenpf_pcpuinfo *i)
{
    const struct pcpu *p = i->xen_cpuid < nr_cpus ? cpus[i->xen_cpuid] : NULL;

    i->max_present = nr_cpus - 1;
    i->flags = XEN_PCPU_FLAGS_INVALID;
    if (p) {
        i->flags = READ_ONCE(p->online) ? XEN_PCPU_FLAGS_ONLINE : 0;
        i->apic_id = p->apic_id;
        i->acpi_id = p->acpi_id;
    }
    return 0;
}

long do_platform_op(struct hcall *, void *arg)
{
    struct xen_platform_op *op = arg;

    if (op->interface_version != XENPF_INTERFACE_VERSION)
        return -EACCES;
    switch (op->cmd) {
    case XENPF_settime32:
        return set_time(op->u.settime32.secs, op->u.settime32.nsecs, op->u.settime32.system_time);
    case XENPF_settime64:
        if (op->u.settime64.mbz)
            return -EINVAL;
        return set_time(op->u.settime64.secs, op->u.settime64.nsecs, op->u.settime64.system_time);
    case XENPF_firmware_info:
        return firmware_info(&op->u.firmware_info);
    case XENPF_enter_acpi_sleep:
        return enter_acpi_sleep(&op->u.enter_acpi_sleep);
    case XENPF_get_cpuinfo:
        return get_cpuinfo(&op->u.pcpu_info);
    }
    return -ENOSYS;
}
