/* SPDX-License-Identifier: MIT
 *
 * The boot code on bytes that a loader, firmware or user may hand it: good ones, and damaged ones,
 * of which ASan and UBSan watch that nothing is read outside.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "boot/memory_map.h"
#include "dev/console_ring.h"
#include "lib/elf.h"
#include "lib/lib.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/init.h"
#include "hv_pack.h"
#undef malloc
#undef calloc
#undef free
void *malloc(size_t n);
void free(void *p);

uint8_t pretend_memory[PRETEND_MEMORY] __attribute__((aligned(4096)));
struct cpu_features cpu;
/* the image covers 2..3 MiB of it */
__asm__(".globl image_start, image_end\n"
        "image_start = pretend_memory + 0x200000\n"
        "image_end = pretend_memory + 0x300000\n");
void (*const unpack_constructors[1])(void);
__asm__(".globl unpack_constructors_end\nunpack_constructors_end = unpack_constructors\n");

static char said[4096]; /* all log lines of a test */
static jmp_buf on_panic;
static char panic_text[256];

void log_msg(enum log_level level, const char *fmt, ...)
{
    size_t at = strlen(said);
    va_list ap;

    (void)level;
    va_start(ap, fmt);
    vsnprintf(said + at, sizeof(said) - at, fmt, ap);
    va_end(ap);
    strlcpy(said + strlen(said), "\n", sizeof(said) - strlen(said));
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(panic_text, sizeof(panic_text), fmt, ap);
    va_end(ap);
    longjmp(on_panic, 1);
}

void *ioremap(uint64_t maddr, uint64_t size, bool cached)
{
    (void)cached;
    /* the two static copies of RSDPs lie outside of the array: any address of the process will do
     * for them */
    if (maddr < PRETEND_MEMORY)
        assert_true(maddr + size <= PRETEND_MEMORY);
    return maddr_to_va(maddr);
}

void *hvmap_alloc_large(uint64_t bytes)
{
    return malloc(bytes);
}

void hvmap_free_large(void *p, uint64_t bytes)
{
    (void)bytes;
    free(p);
}

static uint32_t random_state = 1;
static uint32_t rnd(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return random_state >> 8;
}

static int reset(void **state)
{
    (void)state;
    memset(&boot_info, 0, sizeof(boot_info));
    memset(pretend_memory, 0, sizeof(pretend_memory));
    said[0] = '\0';
    return 0;
}

/* ---- formats and strings ---- */

static void check_format(const char *want, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void check_format(const char *want, const char *fmt, ...)
{
    char buf[64];
    va_list ap;

    va_start(ap, fmt);
    assert_int_equal(vsnprintf(buf, sizeof(buf), fmt, ap), strlen(want));
    va_end(ap);
    assert_string_equal(buf, want);
}

static void formats(void **state)
{
    char small[4];

    (void)state;
    check_format("-12 12 +7", "%d %u %+d", -12, 12u, 7);
    check_format("-9223372036854775808", "%ld", INT64_MIN);
    check_format("ff FF 0xff 000000ff", "%x %X %#x %08x", 255u, 255u, 255u, 255u);
    check_format("ffff800000000000", "%lx", 0xffff800000000000ul);
    check_format("[  ab] [ab  ] [a]", "[%4s] [%-4s] [%.1s]", "ab", "ab", "ab");
    check_format("[   42] [00042] [42   ]", "[%5d] [%05d] [%-5d]", 42, 42, 42);
    check_format("[-0042] [ab]", "[%05d] [%.*s]", -42, 2, "abcd");
    check_format("x%", "%c%%", 'x');
    check_format("0x10", "%p", (void *)16);
    check_format("255", "%hhu", (unsigned char)255);
    check_format("7 8", "%zu %llu", (size_t)7, 8ull);
    check_format("00012", "%.5d", 12);
    assert_int_equal(snprintf(small, sizeof(small), "%s", "hello"), 5);
    assert_string_equal(small, "hel");
    assert_int_equal(snprintf(NULL, 0, "%d", 12345), 5);
}

void *hv_memcpy(void *d, const void *s, size_t n);
void *hv_memmove(void *d, const void *s, size_t n);
void *hv_memset(void *d, int c, size_t n);
int hv_memcmp(const void *a, const void *b, size_t n);
unsigned long hv_strtoul(const char *s, char **end, int base);
char *hv_strstr(const char *s, const char *what);
char *hv_strchr(const char *s, int c);

static void strings(void **state)
{
    uint8_t a[100], b[100];
    char *end, text[4];

    (void)state;
    for (size_t n = 0; n < 40; n++)
        for (size_t from = 0; from < 20; from++)
            for (size_t to = 0; to < 20; to++) {
                for (unsigned i = 0; i < sizeof(a); i++)
                    a[i] = b[i] = (uint8_t)i;
                assert_ptr_equal(hv_memmove(a + to, a + from, n), a + to);
                for (size_t i = 0; i < sizeof(a); i++)
                    assert_int_equal(a[i], i >= to && i < to + n ? b[i - to + from] : b[i]);
            }
    for (size_t n = 0; n < 40; n++) {
        memset(a, 1, sizeof(a));
        hv_memset(a + 3, 0xee, n);
        hv_memcpy(b + 5, a + 1, n + 4);
        for (size_t i = 0; i < n + 4; i++)
            assert_int_equal(b[5 + i], i >= 2 && i < n + 2 ? 0xee : 1);
    }
    assert_true(hv_memcmp("abc", "abd", 3) < 0 && hv_memcmp("abc", "abd", 2) == 0);
    assert_int_equal(strlcpy(text, "hello", sizeof(text)), 5);
    assert_string_equal(text, "hel");
    assert_int_equal(hv_strtoul("0x1fz", &end, 0), 0x1f);
    assert_string_equal(end, "z");
    assert_int_equal(hv_strtoul("010", NULL, 0), 8);
    assert_int_equal(hv_strtoul("18446744073709551615", NULL, 10), ~0ul);
    assert_int_equal(hv_strtoul("99999999999999999999999", &end, 10), ~0ul);
    assert_string_equal(end, "");
    assert_int_equal(hv_strtoul("0x", &end, 0), 0);
    assert_string_equal(end, "x");
    const char *s = "one two";
    assert_ptr_equal(hv_strstr(s, "two"), s + 4);
    assert_null(hv_strstr(s, "three"));
    assert_ptr_equal(hv_strchr(s, 0), s + 7);
}

/* ---- command line ---- */

static void command_line(void **state)
{
    char buf[16];

    (void)state;
    strlcpy(boot_info.cmdline,
            "  com1=115200,8n1 dom0_mem=512M dom0_mem=1G noreboot no-smt com10=7 x=0 big=12Q  ",
            sizeof(boot_info.cmdline));
    assert_string_equal(cmdline_option("com1", buf, sizeof(buf)), "115200,8n1");
    assert_string_equal(cmdline_option("com1", buf, 4), "115");
    assert_string_equal(cmdline_option("noreboot", buf, sizeof(buf)), "");
    assert_null(cmdline_option("com", buf, sizeof(buf)));
    assert_int_equal(cmdline_size("dom0_mem", 1), 1ul << 30);
    assert_int_equal(cmdline_size("absent", 77), 77);
    assert_int_equal(cmdline_size("big", 5), 5);
    assert_non_null(strstr(said, "big=12Q"));
    assert_true(cmdline_bool("noreboot", false));
    assert_false(cmdline_bool("smt", true));
    assert_false(cmdline_bool("x", true));
    said[0] = '\0';
    cmdline_warn_unknown();
    assert_string_equal(said, "unknown option 'com10=7' ignored\n");
    said[0] = '\0';
    strlcpy(boot_info.cmdline, "x=maybe", sizeof(boot_info.cmdline));
    assert_true(cmdline_bool("x", true));
    assert_non_null(strstr(said, "neither yes nor no"));
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } t[] = {{"s=4", 4096},       {"s=4k", 4096},          {"s=4B", 4},
             {"s=1T", 1ul << 40}, {"s=0x10M", 16ul << 20}, {"s=", 99},
             {"s=M", 99},         {"s=1MM", 99},           {"s=99999999999T", 99}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
        strlcpy(boot_info.cmdline, t[i].text, sizeof(boot_info.cmdline));
        assert_int_equal(cmdline_size("s", 99), t[i].bytes);
    }
}

/* ---- memory map ---- */

static unsigned rank_of(uint32_t type)
{
    return type == 0 ? 0 : type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 3 : type == 5 ? 5 : 4;
}

static void memory_map_random(void **state)
{
    struct e820_range in[8], out[32];

    (void)state;
    for (int round = 0; round < 2000; round++) {
        uint8_t truth[64] = {0};
        unsigned n = 1 + rnd() % 8, got;

        for (unsigned i = 0; i < n; i++) {
            in[i].start = rnd() % 60;
            in[i].end = in[i].start + rnd() % 10;
            in[i].type = 1 + rnd() % 6;
            for (uint64_t b = in[i].start; b < in[i].end && b < 64; b++)
                if (rank_of(in[i].type) > rank_of(truth[b]))
                    truth[b] = (uint8_t)in[i].type;
        }
        got = memory_map_sanitise(in, n, out, 32);
        for (unsigned b = 0; b < 64; b++) {
            uint32_t type = 0;

            for (unsigned i = 0; i < got; i++)
                if (out[i].start <= b && b < out[i].end)
                    type = out[i].type;
            /* types 2 and 6 rank the same: the first one stays */
            assert_int_equal(rank_of(type), rank_of(truth[b]));
        }
        for (unsigned i = 1; i < got; i++)
            assert_true(out[i].start >= out[i - 1].end && out[i].start < out[i].end);
    }
}

static uint64_t free_bytes;
static struct e820_range freed[16];
static unsigned nr_freed;
static void note_free(uint64_t start, uint64_t end)
{
    assert_true(start < end && !(start % PAGE_SIZE) && !(end % PAGE_SIZE) && nr_freed < 16);
    freed[nr_freed].start = start;
    freed[nr_freed++].end = end;
    free_bytes += end - start;
}

static void free_memory(void **state)
{
    (void)state;
    boot_info.nr_e820 = 2;
    boot_info.e820[0] = (struct e820_range){0, 0x9fc00, E820_RAM};
    boot_info.e820[1] = (struct e820_range){0x100000, 0x1000100, E820_RAM};
    boot_info.nr_modules = 2;
    boot_info.modules[0].start = 0x300010; /* right behind the image */
    boot_info.modules[0].end = 0x400010;
    boot_info.modules[1].start = 0x800000;
    boot_info.modules[1].end = 0x800001;
    nr_freed = 0;
    free_bytes = 0;
    memory_map_for_each_free(note_free);
    assert_int_equal(nr_freed, 3);
    assert_true(freed[0].start == 0x100000 && freed[0].end == 0x200000);
    assert_true(freed[1].start == 0x401000 && freed[1].end == 0x800000);
    assert_true(freed[2].start == 0x801000 && freed[2].end == 0x1000000);
    memory_map_limit(0x900000);
    assert_int_equal(boot_info.e820[1].end, 0x900000);
}

/* ---- what the loader says ---- */

static void put32(uint32_t at, uint32_t v)
{
    memcpy(pretend_memory + at, &v, 4);
}
static void put64(uint32_t at, uint64_t v)
{
    memcpy(pretend_memory + at, &v, 8);
}
static uint32_t put_string(uint32_t at, const char *s)
{
    memcpy(pretend_memory + at, s, strlen(s) + 1);
    return at;
}

static void multiboot1(const char *loader, const char *cmdline, const char *module)
{
    put32(0x1000, 0x24d); /* memory, command line, modules, map, loader */
    put32(0x1010, put_string(0x2000, cmdline));
    put32(0x1014, 1);
    put32(0x1018, 0x1800);
    put32(0x1800, 0x400000);
    put32(0x1804, 0x401234);
    put32(0x1808, put_string(0x3000, module));
    put32(0x102c, 2 * 24);
    put32(0x1030, 0x1900);
    put32(0x1040, put_string(0x3800, loader));
    put32(0x1900, 20);
    put64(0x1904, 0);
    put64(0x190c, 0x9f000);
    put32(0x1914, 1);
    put32(0x1918, 20);
    put64(0x191c, 0x100000);
    put64(0x1924, 0x7f00000);
    put32(0x192c, 1);
    multiboot_parse(0x2badb002, 0x1000);
}

static void loader_1(void **state)
{
    multiboot1("qemu", "build/bonsai console=com1", "vmlinuz console=hvc0 ro");
    assert_string_equal(boot_info.cmdline, "console=com1");
    assert_string_equal(boot_info.modules[0].cmdline, "console=hvc0 ro");
    assert_int_equal(boot_info.modules[0].end, 0x401234);
    assert_int_equal(boot_info.nr_e820, 4); /* with the interrupt controllers */
    assert_int_equal(boot_info.e820[3].start, 0xfee00000);
    assert_int_equal(boot_info.e820[3].type, 2);
    assert_int_equal(boot_info.e820[1].end, 0x8000000);
    reset(state);
    multiboot1("GRUB 2.06", "placeholder loglvl=all", "root=/dev/vda ro");
    assert_string_equal(boot_info.cmdline, "loglvl=all");
    assert_string_equal(boot_info.modules[0].cmdline, "root=/dev/vda ro");
    reset(state);
    multiboot1("GRUB 2.06", "mem=16M", "/vmlinuz root=/dev/vda");
    assert_string_equal(boot_info.modules[0].cmdline, "root=/dev/vda");
    assert_int_equal(boot_info.e820[1].end, 16u << 20);
    reset(state);
    if (!setjmp(on_panic)) {
        multiboot_parse(0x12345678, 0);
        fail();
    }
    assert_non_null(strstr(panic_text, "multiboot"));
}

static uint32_t tag(uint32_t at, uint32_t type, const void *data, uint32_t n)
{
    put32(at, type);
    put32(at + 4, 8 + n);
    memcpy(pretend_memory + at + 8, data, n);
    return at + align_up(8 + n, 8u);
}

static void loader_2(void **state)
{
    uint32_t mmap[] = {24, 0, 0, 0, 0x9f000, 0, 1, 0, 0x100000, 0, 0x700000, 0, 1, 0};
    uint32_t module[8] = {0x500000, 0x600000};
    uint32_t at = 0x1008;

    (void)state;
    memcpy(module + 2, "hello world", 12);
    at = tag(at, 1, "placeholder com1=9600", 22);
    at = tag(at, 6, mmap, sizeof(mmap));
    at = tag(at, 3, module, 8 + 12);
    at = tag(at, 99, "??", 3);
    at = tag(at, 2, "GRUB 2.06-13", 13); /* last: the order must not matter */
    at = tag(at, 0, "", 0);
    put32(0x1000, at - 0x1000);
    multiboot_parse(0x36d76289, 0x1000);
    assert_string_equal(boot_info.cmdline, "com1=9600");
    assert_string_equal(boot_info.modules[0].cmdline, "hello world");
    assert_int_equal(boot_info.modules[0].start, 0x500000);
    assert_int_equal(boot_info.nr_e820, 4);
}

/* ---- firmware's tables ---- */

static void fix_checksum(uint32_t at, uint32_t n, uint32_t where)
{
    uint8_t sum = 0;

    pretend_memory[at + where] = 0;
    for (uint32_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + pretend_memory[at + i]);
    pretend_memory[at + where] = (uint8_t)-sum;
}

static void sdt(uint32_t at, const char *signature, uint32_t length)
{
    memcpy(pretend_memory + at, signature, 4);
    put32(at + 4, length);
    fix_checksum(at, length, 9);
}

static const uint8_t madt_entries[] = {
    0, 8,  7, 3, 1, 0, 0,    0,                 /* processor: ACPI id 7, APIC id 3, enabled */
    0, 8,  8, 4, 0, 0, 0,    0,                 /* one that is not there */
    1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0,  0, 0, 0, /* IOAPIC 2 at 0xfec00000 */
    2, 10, 0, 9, 9, 0, 0,    0,    13, 0,       /* IRQ 9 -> GSI 9, high, level */
    2, 10, 0, 0, 2, 0, 0,    0,    0,  0,       /* IRQ 0 -> GSI 2 */
    9, 16, 0, 0, 0, 1, 0,    0,    1,  0, 0, 0, 5, 0, 0, 0, /* x2APIC 256 */
};

static void acpi_reset(void)
{
    nr_acpi_cpus = nr_acpi_ioapics = 0;
    memset(acpi_overrides, 0, sizeof(acpi_overrides));
    memset(&acpi_sleep, 0, sizeof(acpi_sleep));
}

static void make_acpi(void)
{
    static const uint8_t s5[] = {0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 1, 0, 0};

    acpi_reset();
    memcpy(pretend_memory + 0xf0010, "RSD PTR ", 8);
    put32(0xf0020, 0x10000); /* RSDT */
    fix_checksum(0xf0010, 20, 8);
    put32(0x10024, 0x11000);
    put32(0x10028, 0x12000);
    sdt(0x10000, "RSDT", 36 + 8);
    put32(0x11024, 0xfee00000);
    memcpy(pretend_memory + 0x1102c, madt_entries, sizeof(madt_entries));
    sdt(0x11000, "APIC", 44 + sizeof(madt_entries));
    put32(0x12028, 0x13000); /* DSDT */
    put32(0x12038, 0x600);
    put32(0x12040, 0x604);
    put32(0x1204c, 0x608);
    sdt(0x12000, "FACP", 116);
    memcpy(pretend_memory + 0x13030, s5, sizeof(s5));
    sdt(0x13000, "DSDT", 200);
}

static void acpi_good(void **state)
{
    (void)state;
    make_acpi();
    acpi_init();
    assert_int_equal(nr_acpi_cpus, 2);
    assert_true(acpi_cpus[0].apic_id == 3 && acpi_cpus[0].acpi_id == 7 && acpi_cpus[0].enabled);
    assert_true(acpi_cpus[1].apic_id == 256 && acpi_cpus[1].acpi_id == 5);
    assert_int_equal(nr_acpi_ioapics, 1);
    assert_int_equal(acpi_ioapics[0].base, 0xfec00000);
    assert_true(acpi_overrides[9].set && acpi_overrides[9].level && !acpi_overrides[9].low);
    assert_int_equal(acpi_overrides[0].gsi, 2);
    assert_int_equal(acpi_sleep.pm1a_cnt, 0x604);
    assert_int_equal(acpi_sleep.pm_timer, 0x608);
    assert_true(acpi_sleep.s5_known && acpi_sleep.s5_a == 5 && acpi_sleep.s5_b == 1);
}

static void acpi_damaged(void **state)
{
    (void)state;
    make_acpi();
    pretend_memory[0x11030] ^= 1; /* in the MADT */
    acpi_init();
    assert_non_null(strstr(said, "APIC has a wrong checksum"));
    assert_int_equal(nr_acpi_cpus, 1); /* this one, with a warning */
    assert_non_null(strstr(said, "no ACPI table of processors"));
    make_acpi();
    put32(0x11004, 0x7fffffff);
    acpi_init();
    assert_non_null(strstr(said, "impossible length"));
    /* nothing at all */
    reset(state);
    acpi_reset();
    acpi_init();
    assert_int_equal(nr_acpi_cpus, 1);
}

/* Entries of any length and content under a right checksum. */
static void acpi_random(void **state)
{
    for (int round = 0; round < 3000; round++) {
        reset(state);
        make_acpi();
        uint32_t n = 44 + rnd() % 100;

        for (int i = 0; i < 8; i++)
            pretend_memory[0x1102c + rnd() % 100] = (uint8_t)rnd();
        sdt(0x11000, "APIC", n);
        for (int i = 0; i < 3; i++)
            pretend_memory[0x13030 + rnd() % 14] = (uint8_t)rnd();
        sdt(0x13000, "DSDT", 36 + rnd() % 30);
        acpi_init();
        assert_true(nr_acpi_cpus >= 1 && nr_acpi_ioapics <= MAX_IOAPICS);
    }
}

/* ---- ELF ---- */

static size_t make_elf(uint8_t *f)
{
    static const uint8_t head[] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0,  0,
                                   0,    0,   0,   0,   0, 0, 2, 0, 62, 0};
    uint64_t phoff = 64, entry = 0x1000000;
    uint16_t sizes_[] = {64, 56, 2, 64, 0, 0};
    uint64_t load[] = {1 | 5ul << 32, 0x200, 0xffffffff81000000, 0x1000000, 0x100, 0x300, 0x1000};
    uint64_t note[] = {4 | 4ul << 32, 0x180, 0, 0, 20 + 24, 20 + 24, 4};
    uint32_t n1[] = {4, 8, 1, 0x006e6558, 0x830791c0, 0xffffffff}; /* ENTRY */
    uint32_t n2[] = {4, 8, 5, 0x006e6558, 0x2d6e6578, 0x00302e33}; /* XEN_VERSION "xen-3.0" */

    memset(f, 0, 0x300);
    memcpy(f, head, sizeof(head));
    memcpy(f + 24, &entry, 8);
    memcpy(f + 32, &phoff, 8);
    memcpy(f + 52, sizes_, sizeof(sizes_));
    note[4] = note[5] = sizeof(n1) + sizeof(n2);
    memcpy(f + 64, load, 56);
    memcpy(f + 120, note, 56);
    memcpy(f + 0x180, n1, sizeof(n1));
    memcpy(f + 0x180 + sizeof(n1), n2, sizeof(n2));
    return 0x300;
}

static void elf_good(void **state)
{
    uint8_t f[0x300];
    struct elf_image e;
    const char *why;
    uint64_t v;

    (void)state;
    assert_true(elf_open(&e, f, make_elf(f), &why));
    assert_true(elf_xen_note_number(&e, 1, &v));
    assert_int_equal(v, 0xffffffff830791c0);
    assert_string_equal(elf_xen_note_string(&e, 5), "xen-3.0");
    assert_null(elf_xen_note_string(&e, 1));
    assert_false(elf_xen_note_number(&e, 3, &v));
    assert_int_equal(elf_segment(&e, 0).memsz, 0x300);
    assert_false(elf_open(&e, f, 0x280, &why));
    assert_string_equal(why, "an ELF segment lies outside the file");
    assert_false(elf_open(&e, "#!/bin/sh", 9, &why));
    f[18] = 3;
    assert_false(elf_open(&e, f, sizeof(f), &why));
}

static void elf_random(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t size = 0x100 + rnd() % 0x200;
        uint8_t whole[0x300], *f;
        struct elf_image e;
        const char *why;
        uint32_t n;

        make_elf(whole);
        for (unsigned i = 0; i <= rnd() % 6; i++)
            whole[rnd() % 0x1c0] = (uint8_t)(rnd() % 3 ? rnd() : 0xff);
        f = malloc(size);
        memcpy(f, whole, size);
        if (elf_open(&e, f, size, &why)) {
            for (uint32_t type = 0; type < 8; type++) {
                const uint8_t *d = elf_xen_note(&e, type, &n);

                if (d)
                    assert_true(d >= f && d + n <= f + size);
                elf_xen_note_string(&e, type);
            }
            for (unsigned i = 0; i < e.nr_segments; i++)
                elf_segment(&e, i);
        }
        free(f);
    }
}

/* ---- unpacking ---- */

typedef size_t packer(const uint8_t *in, size_t size, uint8_t *out, size_t room);

/* A bzImage of one setup sector around the packed bytes; size_behind: Linux's own four bytes. */
static size_t make_bzimage(uint8_t *image, packer *pack, const uint8_t *kernel, uint32_t size,
                           bool size_behind)
{
    uint32_t offset = 0x40, length;

    memset(image, 0, 1024);
    image[0x1f1] = 1;
    image[0x1fe] = 0x55;
    image[0x1ff] = 0xaa;
    memcpy(image + 0x202, "HdrS\x0f\x02", 6);
    length = (uint32_t)pack(kernel, size, image + 1024 + offset, 0x40000);
    assert_true(length);
    if (size_behind) {
        memcpy(image + 1024 + offset + length, &size, 4);
        length += 4;
    }
    memcpy(image + 0x248, &offset, 4);
    memcpy(image + 0x24c, &length, 4);
    return 1024 + offset + length;
}

static const struct {
    packer *pack;
    bool size_behind;
} packers[] = {{pack_xz, true}, {pack_zstd, true}, {pack_gzip, false}};

static uint8_t *make_kernel(uint32_t size)
{
    uint8_t *k = malloc(size);

    make_elf(k);
    for (uint32_t i = 0x300; i < size; i++)
        k[i] = (uint8_t)(rnd() % 16);
    return k;
}

static void unpack_good(void **state)
{
    uint32_t size = 200000;
    uint8_t *kernel = make_kernel(size), *image = malloc(0x50000);
    const char *why = "";
    size_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
        size_t whole = make_bzimage(image, packers[i].pack, kernel, size, packers[i].size_behind);
        const void *out = unpack_kernel(image, whole, &n, &why);

        assert_non_null(out);
        assert_int_equal(n, size);
        assert_memory_equal(out, kernel, size);
        unpack_done();
        /* a bare ELF file packed by gzip, as tools do */
        if (!packers[i].size_behind) {
            assert_non_null(unpack_kernel(image + 1024 + 0x40, whole - 1024 - 0x40, &n, &why));
            unpack_done();
        }
    }
    assert_ptr_equal(unpack_kernel(kernel, size, &n, &why), kernel);
    unpack_done();
    free(kernel);
    free(image);
}

/* However it is damaged: a sentence, or (where only unused bytes were hit) the right bytes. */
static void unpack_damaged(void **state)
{
    uint32_t size = 20000;
    uint8_t *kernel = make_kernel(size), *image = malloc(0x50000);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
        size_t whole = make_bzimage(image, packers[i].pack, kernel, size, packers[i].size_behind);

        for (int round = 0; round < 300; round++) {
            size_t cut = rnd() % 4 ? whole : rnd() % whole, n;
            uint8_t *copy = malloc(cut + 1);
            const char *why = NULL;
            const void *out;

            memcpy(copy, image, cut);
            for (unsigned k = rnd() % 4; cut && k; k--) {
                size_t at = rnd() % 3 ? rnd() % cut : 0x1f0 + rnd() % 0x60;

                if (at < cut)
                    copy[at] = (uint8_t)rnd();
            }
            out = unpack_kernel(copy, cut, &n, &why);
            if (out)
                assert_true(n <= 1ul << 30);
            else
                assert_true(why && why[0]);
            unpack_done();
            free(copy);
        }
    }
    free(kernel);
    free(image);
}

static void unpack_refused(void **state)
{
    uint8_t image[0x300] = {0};
    const char *why;
    size_t n;

    (void)state;
    memcpy(image, "BZh9", 4);
    assert_null(unpack_kernel(image, sizeof(image), &n, &why));
    assert_string_equal(why, "it is compressed by bzip2, which is not supported");
    memcpy(image, "????", 4);
    assert_null(unpack_kernel(image, sizeof(image), &n, &why));
    assert_non_null(strstr(why, "unknown"));
    memcpy(image + 0x1fe, "\x55\xaaxxHdrS\x01\x02", 10);
    assert_null(unpack_kernel(image, sizeof(image), &n, &why));
    assert_non_null(strstr(why, "2.08"));
    assert_null(unpack_kernel(image, 3, &n, &why));
}

/* ---- xl dmesg's ring ---- */

static void ring(void **state)
{
    static char text[70000], out[70000];
    uint32_t index = 0;
    size_t n;

    (void)state;
    ring_put("hello\n", 6);
    n = ring_get(out, sizeof(out), &index, false, false);
    assert_int_equal(n, 6);
    assert_int_equal(ring_get(out, sizeof(out), &index, false, true), 0); /* nothing new */
    ring_put("world\n", 6);
    assert_int_equal(ring_get(out, 3, &index, false, true), 3);
    assert_memory_equal(out, "wor", 3);
    assert_int_equal(ring_get(out, sizeof(out), &index, false, true), 3);
    index = 0;
    assert_int_equal(ring_get(out, sizeof(out), &index, true, false), 12); /* and clear */
    assert_int_equal(ring_get(out, sizeof(out), &index, false, false), 0);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    ring_put(text, sizeof(text));
    index = 3; /* long gone: the oldest that is kept */
    n = ring_get(out, sizeof(out), &index, false, true);
    assert_int_equal(n, 65536);
    assert_memory_equal(out, text + sizeof(text) - n, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(formats, reset),
        cmocka_unit_test_setup(strings, reset),
        cmocka_unit_test_setup(command_line, reset),
        cmocka_unit_test_setup(sizes, reset),
        cmocka_unit_test_setup(memory_map_random, reset),
        cmocka_unit_test_setup(free_memory, reset),
        cmocka_unit_test_setup(loader_1, reset),
        cmocka_unit_test_setup(loader_2, reset),
        cmocka_unit_test_setup(acpi_good, reset),
        cmocka_unit_test_setup(acpi_damaged, reset),
        cmocka_unit_test_setup(acpi_random, reset),
        cmocka_unit_test_setup(elf_good, reset),
        cmocka_unit_test_setup(elf_random, reset),
        cmocka_unit_test_setup(unpack_good, reset),
        cmocka_unit_test_setup(unpack_damaged, reset),
        cmocka_unit_test_setup(unpack_refused, reset),
        cmocka_unit_test_setup(ring, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
