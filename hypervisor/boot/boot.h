/* SPDX-License-Identifier: MIT
 *
 * What the boot loader and the firmware told us, and the command line.
 */
#pragma once

#define E820_MAX 256
struct e820_range {
    uint64_t start, end; /* bytes; end exclusive */
    uint32_t type;
};
struct boot_module {
    uint64_t start, end; /* machine addresses, end exclusive */
    char cmdline[1024];
};
struct boot_info {
    char cmdline[1024]; /* the hypervisor's, without the image name */
    const char *loader;
    struct e820_range e820[E820_MAX]; /* sorted, no overlaps */
    unsigned nr_e820;
    struct boot_module modules[4]; /* 0 kernel, 1 initrd */
    unsigned nr_modules;
    uint64_t rsdp; /* machine address or 0 */
};
extern struct boot_info boot_info;

/* Value of name= on the command line: its text up to the next blank into buf; NULL when absent. A
 * bare `name` gives "". Each option asked for counts as known; cmdline_warn_unknown() names the
 * others. */
const char *cmdline_option(const char *name, char *buf, size_t size);
bool cmdline_bool(const char *name, bool dflt);
/* Sizes with K, M, G suffix (default KiB as Xen has it); dflt when absent or malformed (with a
 * warning). */
uint64_t cmdline_size(const char *name, uint64_t dflt);
/* The size that s begins with, in bytes, and what follows it; false when there is none. */
bool parse_size(const char *s, char **end, uint64_t *out);
void cmdline_warn_unknown(void);

/* Fills boot_info. Modules stay where they are. */
void multiboot_parse(uint32_t magic, uint64_t info);
void acpi_init(void); /* MADT: CPUs, IOAPICs, overrides; FADT: sleep and reset registers */
/* FADT registers for machine_shutdown() and XENPF_enter_acpi_sleep. */
struct acpi_sleep {
    uint64_t pm1a_cnt, pm1b_cnt, pm_timer, reset_reg;
    uint8_t reset_space, reset_value;
    uint8_t s5_a, s5_b; /* sleep types of power-off, from \_S5 of the DSDT */
    bool s5_known;
};
extern struct acpi_sleep acpi_sleep;
struct acpi_cpu {
    uint32_t apic_id, acpi_id;
    bool enabled;
};
extern struct acpi_cpu acpi_cpus[];
extern unsigned nr_acpi_cpus;
struct acpi_ioapic {
    uint64_t base;
    uint32_t id, gsi_base;
};
#define MAX_IOAPICS 16
extern struct acpi_ioapic acpi_ioapics[MAX_IOAPICS];
extern unsigned nr_acpi_ioapics;
/* ISA interrupt irq is wired to gsi; level and low say how, where the tables say it. */
struct acpi_override {
    uint32_t gsi;
    bool set, level, low;
};
extern struct acpi_override acpi_overrides[16];
extern uint64_t acpi_lapic_base;

/* boot/unpack.c: the kernel image in memory -> malloc'd-from-arena unpacked ELF, or the image
 * itself when it is one already. NULL with a sentence in *why. unpack_done() frees the arena. */
const void *unpack_kernel(const void *image, size_t size, size_t *out_size, const char **why);
void unpack_done(void);
