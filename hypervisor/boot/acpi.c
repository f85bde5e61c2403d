/* SPDX-License-Identifier: MIT
 *
 * The few things of ACPI (6.4, chapter 5) that the hypervisor needs: processors, interrupt
 * controllers and how ISA interrupts are wired (MADT), registers for sleep and reset (FADT), and
 * the sleep type of power-off (\_S5 in the DSDT, found by its bytes; there is no AML interpreter
 * here). All else is dom0's. Every table is checked for length and checksum; a bad one is as if
 * absent, with a warning.
 */
#include "boot/boot.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"

struct sdt {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length; /* from revision 2 on */
    uint64_t xsdt;
    uint8_t checksum2, pad[3];
} __attribute__((packed));

struct acpi_sleep acpi_sleep;
struct acpi_cpu acpi_cpus[MAX_CPUS];
unsigned nr_acpi_cpus;
struct acpi_ioapic acpi_ioapics[MAX_IOAPICS];
unsigned nr_acpi_ioapics;
struct acpi_override acpi_overrides[16];
uint64_t acpi_lapic_base = 0xfee00000;

static bool checksum_ok(const void *p, size_t n)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)p)[i]);
    return sum == 0;
}

static const struct sdt *map_table(uint64_t maddr)
{
    const struct sdt *t = ioremap(maddr, sizeof(*t), true);

    if (t->length < sizeof(*t) || t->length > 16u << 20) {
        log_warn("ACPI table at %lx has the impossible length %u", maddr, t->length);
        return NULL;
    }
    t = ioremap(maddr, t->length, true);
    if (!checksum_ok(t, t->length)) {
        log_warn("ACPI table %.4s has a wrong checksum", t->signature);
        return NULL;
    }
    return t;
}

static void add_cpu(uint32_t apic_id, uint32_t acpi_id, uint32_t flags)
{
    if (!(flags & 3) || nr_acpi_cpus == MAX_CPUS) /* neither enabled nor capable of it */
        return;
    acpi_cpus[nr_acpi_cpus++] =
        (struct acpi_cpu){.apic_id = apic_id, .acpi_id = acpi_id, .enabled = flags & 1};
}

static uint64_t u64_at(const uint8_t *p)
{
    return u32_at(p) | (uint64_t)u32_at(p + 4) << 32;
}

static void add_override(const uint8_t *e)
{
    unsigned irq = e[3], polarity = e[8] & 3, trigger = (e[8] >> 2) & 3;

    if (irq < 16)
        acpi_overrides[irq] = (struct acpi_override){
            .gsi = u32_at(e + 4), .set = true, .low = polarity == 3, .level = trigger == 3};
}

static void parse_madt(const struct sdt *t)
{
    static const uint8_t sizes[] = {[0] = 8, [1] = 12, [2] = 10, [5] = 12, [9] = 16};
    const uint8_t *p = (const uint8_t *)t, *end = p + t->length;

    if (t->length < 44)
        return;
    acpi_lapic_base = u32_at(p + 36);
    for (p += 44; p + 2 <= end && p[1] >= 2 && p + p[1] <= end; p += p[1]) {
        if (p[0] < sizeof(sizes) && p[1] < sizes[p[0]])
            continue;
        switch (p[0]) {
        case 0:
            add_cpu(p[3], p[2], u32_at(p + 4));
            break;
        case 1:
            if (nr_acpi_ioapics < MAX_IOAPICS)
                acpi_ioapics[nr_acpi_ioapics++] = (struct acpi_ioapic){
                    .id = p[2], .base = u32_at(p + 4), .gsi_base = u32_at(p + 8)};
            break;
        case 2:
            add_override(p);
            break;
        case 5:
            acpi_lapic_base = u64_at(p + 4);
            break;
        case 9:
            add_cpu(u32_at(p + 4), u32_at(p + 12), u32_at(p + 8));
            break;
        }
    }
}

/* An extended address wins over the old 32-bit one when it is there and a port. */
static uint64_t port_of(const struct sdt *t, unsigned old, unsigned extended)
{
    const uint8_t *p = (const uint8_t *)t;

    if (t->length >= extended + 12 && p[extended] == 1 && u64_at(p + extended + 4))
        return u64_at(p + extended + 4);
    return t->length >= old + 4 ? u32_at(p + old) : 0;
}

/* "_S5_" followed by Package { SLP_TYPa, SLP_TYPb, ... }: ACPI 20.2.5.4. */
static void find_s5(const struct sdt *dsdt)
{
    const uint8_t *p = (const uint8_t *)dsdt, *end = p + dsdt->length;
    uint8_t value[2];

    for (p += sizeof(*dsdt); p + 16 < end; p++) {
        if (memcmp(p, "_S5_\x12", 5))
            continue;
        const uint8_t *q = p + 5 + 1 + (p[5] >> 6) + 1; /* length bytes, number of elements */

        for (int i = 0; i < 2; i++) {
            if (q + 2 > end || (*q == 0x0a && q + 3 > end))
                return;
            if (*q == 0x0a) /* BytePrefix */
                q++;
            else if (*q > 1) /* neither ZeroOp nor OneOp */
                return;
            value[i] = *q++ & 7;
        }
        acpi_sleep.s5_a = value[0];
        acpi_sleep.s5_b = value[1];
        acpi_sleep.s5_known = true;
        return;
    }
}

static void parse_fadt(const struct sdt *t)
{
    const uint8_t *p = (const uint8_t *)t;

    if (t->length < 116)
        return;
    acpi_sleep.pm1a_cnt = port_of(t, 64, 172);
    acpi_sleep.pm1b_cnt = port_of(t, 68, 184);
    acpi_sleep.pm_timer = port_of(t, 76, 208);
    if (t->length >= 129 && u32_at(p + 112) & 1u << 10) { /* RESET_REG_SUP */
        acpi_sleep.reset_space = p[116];
        acpi_sleep.reset_reg = u64_at(p + 120);
        acpi_sleep.reset_value = p[128];
    }
    uint64_t dsdt = t->length >= 148 && u64_at(p + 140) ? u64_at(p + 140) : u32_at(p + 40);
    const struct sdt *d = dsdt ? map_table(dsdt) : NULL;

    if (d)
        find_s5(d);
}

static void parse_table(uint64_t maddr)
{
    const struct sdt *t = map_table(maddr);

    if (!t)
        return;
    if (!memcmp(t->signature, "APIC", 4))
        parse_madt(t);
    else if (!memcmp(t->signature, "FACP", 4))
        parse_fadt(t);
}

static bool rsdp_valid(const struct rsdp *r)
{
    return !memcmp(r->signature, "RSD PTR ", 8) && checksum_ok(r, 20);
}

static const struct rsdp *scan(uint32_t start, uint32_t end)
{
    for (uint32_t at = start; at + sizeof(struct rsdp) <= end; at += 16)
        if (rsdp_valid(low_mem(at))) {
            boot_info.rsdp = at;
            return low_mem(at);
        }
    return NULL;
}

static const struct rsdp *find_rsdp(void)
{
    uint32_t ebda = (uint32_t) * (const uint16_t *)low_mem(0x40e) << 4;
    const struct rsdp *r = NULL;

    if (boot_info.rsdp && rsdp_valid(r = ioremap(boot_info.rsdp, sizeof(*r), true)))
        return r;
    r = NULL;
    if (ebda >= 0x80000 && ebda < 0xa0000)
        r = scan(ebda, ebda + 1024);
    return r ? r : scan(0xe0000, 0x100000);
}

static void fall_back(void)
{
    if (!nr_acpi_cpus) {
        log_warn("no ACPI table of processors: only this one is used");
        acpi_cpus[nr_acpi_cpus++] = (struct acpi_cpu){.enabled = true};
    }
    if (!nr_acpi_ioapics)
        log_warn("no ACPI table of interrupt controllers: devices will have no interrupts");
}

void acpi_init(void)
{
    const struct rsdp *r = find_rsdp();
    const struct sdt *root = NULL;
    unsigned width = 4;

    if (r && r->revision >= 2 && r->xsdt && (root = map_table(r->xsdt)))
        width = 8;
    if (r && !root)
        root = map_table(r->rsdt);
    for (uint32_t at = sizeof(*root); root && at + width <= root->length; at += width) {
        const uint8_t *e = (const uint8_t *)root + at;

        parse_table(width == 8 ? u64_at(e) : u32_at(e));
    }
    fall_back();
    log_info("ACPI: %u CPUs, %u IOAPICs, power-off %s", nr_acpi_cpus, nr_acpi_ioapics,
             acpi_sleep.s5_known ? "known" : "unknown");
}
