/* SPDX-License-Identifier: MIT
 *
 * Start of day on one page: from the boot loader's hand to dom0's first instruction. start_of_day()
 * runs on the boot stack and head.S's page tables, on_own_stack() on the boot CPU's region and the
 * hypervisor's own tables.
 */
#include "boot/boot.h"
#include "boot/early.h"
#include "boot/memory_map.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/init.h"
#include "x86/irq.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "dom/domain.h"
#include "dom/sched.h"
#include "dev/console.h"
#include "pv/pv.h"
#include "version.h"

static void create_idle_domain(void)
{
    struct xen_domctl_createdomain cfg = {.max_vcpus = 1};
    int err = domain_create(DOMID_IDLE_, &cfg, false, &idle_domain);

    if (err)
        panic("the idle domain cannot be created (error %d)", err);
}

/* From the top of the stack of the boot CPU's own region. */
static void on_own_stack(void)
{
    acpi_init();
    time_init();
    apic_init();
    irq_init();
    fpu_init();
    cpu_policy_init();
    create_idle_domain();
    sched_init_cpu();
    console_init_irq();
    domain_add_keys();
    log_info("%lu MiB of memory, %u CPU(s), %u.%03u MHz", page_total_count() >> 8, nr_cpus,
             cpu_khz / 1000, cpu_khz % 1000);
    dom0_build();
    cmdline_warn_unknown();
    hvmap_drop_init();
    page_alloc_add(image_maddr(init_start), image_maddr(init_end));
    log_info("dom0 starts; %lu MiB free", page_free_count() >> 8);
    console_release_vga();
    domain_unpause_by_controller(dom0);
    reset_stack_and_call(idle_loop);
}

void start_of_day(uint32_t magic, uint64_t info)
{
    struct pcpu *p;

    multiboot_parse(magic, info);
    console_init_early();
    log_info("Bonsai %s, loaded by %s", BONSAI_VERSION,
             boot_info.loader ? boot_info.loader : "an unnamed loader");
    log_info("command line: %s", boot_info.cmdline);
    for (unsigned i = 0; i < boot_info.nr_e820; i++)
        log_info("  %012lx-%012lx type %u", boot_info.e820[i].start, boot_info.e820[i].end,
                 boot_info.e820[i].type);
    cpu_detect();
    memory_map_for_each_free(boot_pages_add);
    hvmap_init();
    for (unsigned i = 0; i < boot_info.nr_e820; i++)
        if (boot_info.e820[i].type == E820_RAM)
            frame_table_add_ram(boot_info.e820[i].start, boot_info.e820[i].end);
    page_alloc_init();
    p = hvmap_percpu(0);
    cpus[0] = p;
    nr_cpus = 1;
    cpu_init_this(p);
    boot_switch_stack(p, on_own_stack);
}
