/* SPDX-License-Identifier: MIT
 *
 * What the boot loader says, in the first form of the multiboot specification (0.6.96, 3.3) or the
 * second (2.0, 3.6), copied into boot_info. It all lies below 4 GiB, where boot/head.S has mapped
 * it. Modules stay where the loader put them: nothing is allocated there (boot/memory_map.c).
 */
#include "boot/memory_map.h"
#include "x86/hvmap.h"

#define MB1_MAGIC 0x2badb002u
#define MB2_MAGIC 0x36d76289u

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4],
        mmap_length, mmap_addr, drives_length, drives_addr, config_table, boot_loader_name;
};
#define MB1_MEMORY  (1u << 0)
#define MB1_CMDLINE (1u << 2)
#define MB1_MODULES (1u << 3)
#define MB1_MMAP    (1u << 6)
#define MB1_LOADER  (1u << 9)

struct mb1_module {
    uint32_t start, end, string, pad;
};
struct mb1_range {
    uint32_t size; /* of the rest */
    uint64_t start, bytes;
    uint32_t type;
} __attribute__((packed));

struct mb2_tag {
    uint32_t type, size;
};
struct mb2_module {
    uint32_t type, size, start, end;
    char string[];
};
struct mb2_mmap {
    uint32_t type, size, entry_size, entry_version;
};
struct mb2_range {
    uint64_t start, bytes;
    uint32_t type, zero;
};
enum { MB2_END, MB2_CMDLINE, MB2_LOADER, MB2_MODULE, MB2_MMAP = 6, MB2_RSDP1 = 14, MB2_RSDP2 = 15 };

struct boot_info boot_info;
static char loader_name[64];
static uint8_t rsdp_copy[36]; /* the loader's own copy may be overwritten before acpi_init() */
static struct e820_range raw[E820_MAX];
static unsigned nr_raw;

static void add_range(uint64_t start, uint64_t bytes, uint32_t type)
{
    uint64_t end;

    if (__builtin_add_overflow(start, bytes, &end))
        end = ~0ul;
    if (nr_raw < E820_MAX && end > start)
        raw[nr_raw++] = (struct e820_range){.start = start, .end = end, .type = type ? type : 2};
}

/* Loaders differ in whether a command line begins with the file's name: GRUB 2 leaves it out (and
 * Debian's menu puts the word "placeholder" there), QEMU and others do not. */
static const char *skip_name(const char *s)
{
    bool grub2 =
        !strncmp(boot_info.loader, "GRUB 2", 6) || !strncmp(boot_info.loader, "GRUB  2", 7);

    while (*s == ' ')
        s++;
    if (grub2 && strncmp(s, "placeholder", 11) && *s != '/' && *s != '(')
        return s;
    while (*s && *s != ' ')
        s++;
    while (*s == ' ')
        s++;
    return s;
}

static void add_module(uint64_t start, uint64_t end, const char *string)
{
    if (boot_info.nr_modules == ARRAY_SIZE(boot_info.modules)) {
        log_warn("boot module '%.60s' ignored: only %zu are used", string,
                 ARRAY_SIZE(boot_info.modules));
        return;
    }
    struct boot_module *m = &boot_info.modules[boot_info.nr_modules++];

    m->start = start;
    m->end = end;
    if (strlcpy(m->cmdline, skip_name(string), sizeof(m->cmdline)) >= sizeof(m->cmdline))
        log_warn("the command line of boot module %u is cut to %zu characters",
                 boot_info.nr_modules - 1, sizeof(m->cmdline) - 1);
}

static void parse1(uint64_t info)
{
    const struct mb1_info *mb = maddr_to_va(info);

    if (mb->flags & MB1_LOADER)
        strlcpy(loader_name, maddr_to_va(mb->boot_loader_name), sizeof(loader_name));
    if (mb->flags & MB1_CMDLINE)
        strlcpy(boot_info.cmdline, skip_name(maddr_to_va(mb->cmdline)), sizeof(boot_info.cmdline));
    if (mb->flags & MB1_MMAP) {
        for (uint32_t at = 0; at + sizeof(struct mb1_range) <= mb->mmap_length;) {
            const struct mb1_range *r = maddr_to_va((uint64_t)mb->mmap_addr + at);

            add_range(r->start, r->bytes, r->type);
            at += r->size + 4;
        }
    } else if (mb->flags & MB1_MEMORY) {
        add_range(0, (uint64_t)mb->mem_lower << 10, E820_RAM);
        add_range(0x100000, (uint64_t)mb->mem_upper << 10, E820_RAM);
    }
    const struct mb1_module *mods = maddr_to_va(mb->mods_addr);

    for (uint32_t i = 0; mb->flags & MB1_MODULES && i < mb->mods_count; i++)
        add_module(mods[i].start, mods[i].end, mods[i].string ? maddr_to_va(mods[i].string) : "");
}

static void parse2_tag(const struct mb2_tag *t)
{
    switch (t->type) {
    case MB2_CMDLINE:
        strlcpy(boot_info.cmdline, skip_name((const char *)(t + 1)), sizeof(boot_info.cmdline));
        break;
    case MB2_MODULE: {
        const struct mb2_module *m = (const void *)t;

        add_module(m->start, m->end, m->string);
        break;
    }
    case MB2_MMAP: {
        const struct mb2_mmap *m = (const void *)t;

        for (uint32_t at = sizeof(*m);
             m->entry_size >= sizeof(struct mb2_range) && at + m->entry_size <= t->size;
             at += m->entry_size) {
            const struct mb2_range *r = (const void *)((const char *)t + at);

            add_range(r->start, r->bytes, r->type);
        }
        break;
    }
    case MB2_RSDP1:
    case MB2_RSDP2:
        if (!boot_info.rsdp || t->type == MB2_RSDP2) {
            memcpy(rsdp_copy, t + 1, min(t->size - sizeof(*t), sizeof(rsdp_copy)));
            boot_info.rsdp = image_maddr(rsdp_copy);
        }
        break;
    }
}

static void parse2(uint64_t info)
{
    uint32_t total = *(const uint32_t *)maddr_to_va(info);

    for (int pass = 0; pass < 2; pass++) /* the loader's name decides how the others are read */
        for (uint32_t at = 8; at + sizeof(struct mb2_tag) <= total;) {
            const struct mb2_tag *t = maddr_to_va(info + at);

            if (t->type == MB2_END || t->size < sizeof(*t))
                break;
            if (pass == 0 && t->type == MB2_LOADER)
                strlcpy(loader_name, (const char *)(t + 1), sizeof(loader_name));
            if (pass == 1)
                parse2_tag(t);
            at += align_up(t->size, 8u);
        }
}

void multiboot_parse(uint32_t magic, uint64_t info)
{
    boot_info.loader = loader_name;
    if (magic == MB1_MAGIC)
        parse1(info);
    else if (magic == MB2_MAGIC)
        parse2(info);
    else
        panic("not started by a multiboot loader (magic number %x)", magic);
    /* dom0 must not take these for free address space, where the firmware does not say so */
    add_range(0xfec00000, 0x1000, E820_RESERVED);   /* first IOAPIC */
    add_range(0xfee00000, 0x100000, E820_RESERVED); /* local APIC, MSI window */
    boot_info.nr_e820 = memory_map_sanitise(raw, nr_raw, boot_info.e820, E820_MAX);
    if (boot_info.e820[0].type != E820_RAM)
        panic("the boot loader gave no memory map");

    uint64_t limit = cmdline_size("mem", 0);

    if (limit)
        memory_map_limit(limit);
}
