/* SPDX-License-Identifier: MIT */
/*
 * toollib_build: whole domains built in a pretend machine (fake_hv.h), then looked at through their
 * own page tables as their first instruction would; files that cannot be used; every hypervisor
 * call failing in turn. After a failure no mapping and no memory of ours is left.
 */
#include "dom0-tools/lib/build.h"
#include "fake_hv.h"
#include "make_image.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <xen/grant_table.h>
#include <xen/xen.h>

#define BASE    0xffffffff80000000ull
#define RAMDISK (5u * 4096 + 123)

static char dir[] = "/tmp/toollib-build-XXXXXX";
static char linux_path[64], plain_path[64], ramdisk_path[64], broken_path[64], empty_path[64];

static void write_file(char *path, const char *name, const void *data, size_t size)
{
    FILE *f;

    snprintf(path, 64, "%s/%s", dir, name);
    f = fopen(path, "w");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
}

static int write_files(void **state)
{
    struct blob elf = make_elf(&linux_like), packed = make_packed(PACK_XZ, elf.data, elf.size);
    struct blob bz = make_bzimage(&packed, PACK_XZ, elf.size), plain = make_elf(&plain_like);
    uint8_t ramdisk[RAMDISK];

    (void)state;
    if (!mkdtemp(dir))
        return -1;
    for (unsigned i = 0; i < RAMDISK; i++)
        ramdisk[i] = (uint8_t)(i * 7 + i / 4096);
    write_file(linux_path, "linux", bz.data, bz.size);
    write_file(plain_path, "plain", plain.data, plain.size);
    write_file(ramdisk_path, "ramdisk", ramdisk, RAMDISK);
    bz.data[bz.size - 200] ^= 1;
    write_file(broken_path, "broken", bz.data, bz.size);
    write_file(empty_path, "empty", "", 0);
    free(elf.data);
    free(packed.data);
    free(bz.data);
    free(plain.data);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(linux_path);
    unlink(plain_path);
    unlink(ramdisk_path);
    unlink(broken_path);
    unlink(empty_path);
    return rmdir(dir);
}

/* ---- looking into the guest ---- */

static const struct vcpu_guest_context *context(void)
{
    assert_true(fake.context_set);
    return (const struct vcpu_guest_context *)fake.context;
}

/* The byte at that address, as the guest sees it; NULL when nothing is mapped. */
static uint8_t *guest_at(uint64_t va, bool *writable)
{
    uint64_t entry = context()->ctrlreg[3] | 1;

    for (int shift = 39; shift >= 12; shift -= 9) {
        const uint64_t *table = (const uint64_t *)fake_frame(entry >> 12);

        assert_non_null(table);
        assert_true(fake.owned[entry >> 12]);
        entry = table[va >> shift & 511];
        if (!(entry & 1))
            return NULL;
    }
    *writable = entry & 2;
    return fake_frame(entry >> 12) + va % 4096;
}

static void assert_bytes(uint64_t va, uint64_t size, int value)
{
    for (uint64_t i = 0; i < size; i++) {
        bool writable;
        const uint8_t *p = guest_at(va + i, &writable);

        assert_non_null(p);
        assert_true(writable);
        if (*p != value)
            fail_msg("%#llx holds %#x, not %#x", (unsigned long long)(va + i), *p, value);
    }
}

/* What the image says must be where it says. */
static void assert_image(const struct spec *s, uint64_t base, uint64_t skip_page)
{
    for (unsigned i = 0; i < s->n_segments; i++) {
        const struct spec_segment *g = &s->segments[i];

        for (uint64_t at = 0; at < g->memsz; at++)
            if ((base + g->paddr + at) / 4096 != skip_page / 4096)
                assert_bytes(base + g->paddr + at, 1, at < g->filesz ? g->fill : 0);
    }
}

static const struct start_info *start_info(void)
{
    bool writable;
    const void *p = guest_at(context()->user_regs.rsi, &writable);

    assert_non_null(p);
    assert_true(writable);
    assert_int_equal(context()->user_regs.rsi % 4096, 0);
    return p;
}

/* The list names frames that the domain owns, each once, and is what the tables use. */
static void assert_p2m(uint64_t virt_base, uint64_t mapped_pages)
{
    const struct start_info *si = start_info();
    bool *seen = calloc(FAKE_FRAMES, sizeof(*seen)), writable;

    for (uint64_t pfn = 0; pfn < si->nr_pages; pfn++) {
        const uint64_t *entry = (const uint64_t *)guest_at(si->mfn_list + pfn * 8, &writable);

        assert_non_null(entry);
        assert_true(*entry < FAKE_FRAMES && fake.owned[*entry] && !seen[*entry]);
        seen[*entry] = true;
        if (pfn < mapped_pages)
            assert_ptr_equal(guest_at(virt_base + pfn * 4096, &writable), fake_frame(*entry));
    }
    free(seen);
}

static uint64_t frame_of_pfn(uint64_t pfn)
{
    bool writable;

    return *(const uint64_t *)guest_at(start_info()->mfn_list + pfn * 8, &writable);
}

static void assert_ramdisk(const uint8_t *page, uint64_t n)
{
    for (unsigned i = 0; i < 4096; i++) {
        uint64_t at = n * 4096 + i;

        assert_int_equal(page[i], at < RAMDISK ? (uint8_t)(at * 7 + at / 4096) : 0);
    }
}

static void assert_rings(const struct build_result *r)
{
    const struct start_info *si = start_info();
    const struct grant_entry_v1 *grants = (const void *)fake_frame(FAKE_GRANTS);

    assert_int_equal(si->store_mfn, r->store_mfn);
    assert_int_equal(si->store_evtchn, r->store_port);
    assert_int_equal(si->console.domU.mfn, r->console_mfn);
    assert_int_equal(si->console.domU.evtchn, r->console_port);
    assert_int_not_equal(r->store_port, r->console_port);
    assert_int_not_equal(r->store_mfn, r->console_mfn);
    assert_int_equal(grants[0].frame, r->console_mfn);
    assert_int_equal(grants[0].flags, GTF_permit_access);
    assert_int_equal(grants[1].frame, r->store_mfn);
    for (unsigned i = 0; i < 4096; i++) {
        assert_int_equal(fake_frame(r->store_mfn)[i], 0);
        assert_int_equal(fake_frame(r->console_mfn)[i], 0);
    }
}

static void assert_events_masked(void)
{
    const struct shared_info *s = (const void *)fake_frame(FAKE_SHARED_INFO);

    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        assert_int_equal(s->vcpu_info[i].evtchn_upcall_mask, 1);
}

static void build(const struct build_params *p, struct hv *hv, struct build_result *r)
{
    struct failure why = {0};
    struct build *b = build_open(p, &why);

    if (!b)
        fail_msg("%s", why.text);
    if (build_run(b, hv, FAKE_DOMID, r, &why) < 0)
        fail_msg("%s", why.text);
    assert_int_equal(fake.given_pages, build_pages(b));
    build_close(b);
    assert_int_equal(fake.mapped_pages, 0);
    assert_int_equal(fake.claimed, 0);
}

static void builds_linux(void **state)
{
    struct build_params p = {.kernel = linux_path,
                             .ramdisk = ramdisk_path,
                             .memory_kib = 48 << 10,
                             .max_memory_kib = 96 << 10,
                             .cmdline = "console=hvc0 quiet"};
    struct hv *hv = fake_start();
    struct build_result r;
    const struct start_info *si;

    (void)state;
    build(&p, hv, &r);
    si = start_info();
    assert_string_equal(r.guest_os, "linux");
    assert_int_equal(fake.e820_size, 96 << 20);
    assert_int_equal(si->nr_pages, 12288);
    assert_string_equal((const char *)si->cmd_line, "console=hvc0 quiet");
    assert_image(&linux_like, BASE, 0);
    assert_p2m(BASE, 0x1400);
    assert_rings(&r);
    assert_events_masked();
    assert_int_equal(si->flags, SIF_MOD_START_PFN);
    assert_int_equal(si->mod_len, RAMDISK);
    for (uint64_t i = 0; i < 6; i++)
        assert_ramdisk(fake_frame(frame_of_pfn(si->mod_start + i)), i);
    assert_int_equal(context()->user_regs.rip, BASE + 0x100a000);
    assert_int_equal(fake.hypercall_frame, 0);
    fake_stop();
}

static void builds_plain(void **state)
{
    struct build_params p = {
        .kernel = plain_path, .ramdisk = ramdisk_path, .memory_kib = (8 << 10) + 4};
    struct hv *hv = fake_start();
    const struct start_info *si;
    struct build_result r;
    bool writable;

    (void)state;
    build(&p, hv, &r);
    si = start_info();
    assert_int_equal(si->nr_pages, 2049);
    assert_int_equal(si->flags, 0);
    assert_image(&plain_like, 0, 0x2000);
    assert_bytes(0x2000, 4096, 0xc3);
    assert_p2m(0, 1024);
    assert_rings(&r);
    for (uint64_t i = 0; i < 6; i++)
        assert_ramdisk(guest_at(si->mod_start + i * 4096, &writable), i);
    fake_stop();
}

/* Few superpages, and an odd number of pages: the rest comes in single ones. */
static void mixes_page_sizes(void **state)
{
    struct build_params p = {.kernel = linux_path, .memory_kib = (40 << 10) + 12};

    (void)state;
    for (unsigned n = 0; n < 15; n += 7) {
        struct hv *hv = fake_start();
        struct build_result r;

        fake.superpages = n;
        build(&p, hv, &r);
        assert_int_equal(fake.superpages, 0);
        assert_p2m(BASE, 0x1400);
        assert_image(&linux_like, BASE, 0);
        fake_stop();
    }
}

/* One superpage that cannot be had is had in pieces; the ones behind it are whole again. */
static void goes_on_after_a_gap(void **state)
{
    struct build_params p = {.kernel = linux_path, .memory_kib = 40 << 10};
    struct hv *hv = fake_start();
    struct build_result r;

    (void)state;
    fake.super_gap = 5 * 512;
    build(&p, hv, &r);
    assert_int_equal(fake.superpages, 1000 - 19);
    assert_p2m(BASE, 0x1400);
    fake_stop();
}

/* Memory is rounded up to whole pages. */
static void odd_memory(void **state)
{
    struct build_params p = {.kernel = plain_path, .memory_kib = (8 << 10) + 1};
    struct failure why;
    struct build *b = build_open(&p, &why);

    (void)state;
    assert_non_null(b);
    assert_int_equal(build_pages(b), 2049);
    build_close(b);
}

static void order_of_calls(void **state)
{
    struct build_params p = {.kernel = plain_path, .memory_kib = 8 << 10, .tsc_mode = 2};
    struct hv *hv = fake_start();
    struct build_result r;

    (void)state;
    build(&p, hv, &r);
    assert_string_equal(fake.log, " alloc_unbound set_memory_map settscinfo getdomaininfo"
                                  " set_address_size claim populate claim map hypercall_init map"
                                  " pin_l4 setvcpucontext gnttab_seed");
    fake_stop();
}

/* ---- what goes wrong ---- */

static void assert_run_fails(const char *kernel, int error, const char *text)
{
    struct build_params p = {.kernel = kernel, .ramdisk = ramdisk_path, .memory_kib = 48 << 10};
    struct failure why = {0};
    struct build *b = build_open(&p, &why);
    struct build_result r;

    assert_non_null(b);
    assert_int_equal(build_run(b, (struct hv *)&fake, FAKE_DOMID, &r, &why), -1);
    build_close(b);
    assert_int_equal(why.error, error);
    if (!strstr(why.text, text) || !strstr(why.text, "domain 7"))
        fail_msg("'%s' does not contain '%s'", why.text, text);
    assert_int_equal(fake.mapped_pages, 0);
}

static void every_call_fails(void **state)
{
    static const char *const calls[] = {
        "alloc_unbound", "set_memory_map", "getdomaininfo", "set_address_size",
        "claim",         "populate",       "map",           "hypercall_init",
        "pin_l4",        "setvcpucontext", "gnttab_seed",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (unsigned nth = 1;; nth++) {
            struct build_params p = {
                .kernel = plain_path, .ramdisk = ramdisk_path, .memory_kib = 48 << 10};
            struct failure why = {0};
            struct build *b = build_open(&p, &why);
            struct hv *hv = fake_start();
            struct build_result r;
            int result;

            fake.fail_call = calls[i];
            fake.fail_nth = nth;
            fake.fail_error = EBUSY;
            result = build_run(b, hv, FAKE_DOMID, &r, &why);
            build_close(b);
            assert_int_equal(fake.mapped_pages, 0);
            fake_stop();
            if (fake.calls_seen < nth) { /* there are no more of these calls */
                assert_int_equal(result, 0);
                assert_true(nth > 1);
                break;
            }
            assert_int_equal(result, -1);
            assert_int_equal(why.error, EBUSY);
            assert_non_null(strstr(why.text, "domain 7: Device or resource busy"));
        }
    }
}

static void claim_not_offered(void **state)
{
    struct build_params p = {.kernel = plain_path, .memory_kib = 8 << 10};
    struct hv *hv = fake_start();
    struct build_result r;

    (void)state;
    fake.fail_call = "claim";
    fake.fail_nth = 1;
    fake.fail_error = ENOSYS;
    build(&p, hv, &r);
    assert_int_equal(fake.calls_seen, 1);
    fake_stop();
}

static void machine_too_small(void **state)
{
    (void)state;
    fake_start();
    fake.free_pages = 30 << 8;
    assert_run_fails(linux_path, ENOMEM, "48 MiB needed, 30 MiB free");
    assert_int_equal(fake.given_pages, 0);
    fake_stop();
    fake_start(); /* without a claim it shows while populating */
    fake.free_pages = 30 << 8;
    fake.fail_call = "claim";
    fake.fail_nth = 1;
    fake.fail_error = ENOSYS;
    assert_run_fails(linux_path, ENOMEM, "18 MiB more needed, 0 MiB free");
    fake_stop();
}

static void assert_open_fails(const struct build_params *p, int error, const char *text)
{
    struct failure why = {0};
    struct build *b = build_open(p, &why);

    assert_null(b);
    assert_int_equal(why.error, error);
    if (!strstr(why.text, text))
        fail_msg("'%s' does not contain '%s'", why.text, text);
}

static void bad_files(void **state)
{
    struct build_params p = {.memory_kib = 48 << 10};
    char text[128];

    (void)state;
    p.kernel = "/nonexistent/vmlinuz";
    assert_open_fails(&p, ENOENT, "cannot open kernel '/nonexistent/vmlinuz': No such file");
    p.kernel = "/";
    assert_open_fails(&p, EINVAL, "kernel '/' is not a regular file");
    p.kernel = "/dev/zero";
    assert_open_fails(&p, EINVAL, "kernel '/dev/zero' is not a regular file");
    p.kernel = empty_path;
    assert_open_fails(&p, EINVAL, "is empty");
    p.kernel = ramdisk_path;
    assert_open_fails(&p, ENOEXEC, "neither ELF nor bzImage");
    p.kernel = broken_path;
    snprintf(text, sizeof(text), "kernel '%s' cannot be used: its xz data is damaged", broken_path);
    assert_open_fails(&p, EINVAL, text);
    p.kernel = linux_path;
    p.ramdisk = "/nonexistent/initrd";
    assert_open_fails(&p, ENOENT, "cannot open ramdisk '/nonexistent/initrd'");
    p.ramdisk = "/dev/null";
    assert_open_fails(&p, EINVAL, "ramdisk '/dev/null' is not a regular file");
    p.ramdisk = empty_path;
    assert_open_fails(&p, EINVAL, "is empty");
}

static void bad_parameters(void **state)
{
    struct build_params p = {.kernel = linux_path, .memory_kib = 16 << 10};
    char long_line[1100];

    (void)state;
    assert_open_fails(&p, ENOMEM, "not enough memory for the domain");
    p.memory_kib = 0;
    assert_open_fails(&p, EINVAL, "impossible");
    p.memory_kib = UINT64_MAX;
    assert_open_fails(&p, EINVAL, "impossible");
    p.memory_kib = 48 << 10;
    memset(long_line, 'x', sizeof(long_line));
    long_line[1024] = 0;
    p.cmdline = long_line;
    assert_open_fails(&p, E2BIG, "has 1024 bytes, at most 1023");
}

/* The file shrinks between the two steps. */
static void ramdisk_becomes_shorter(void **state)
{
    struct build_params p = {.kernel = linux_path, .ramdisk = ramdisk_path, .memory_kib = 48 << 10};
    struct failure why = {0};
    struct build *b = build_open(&p, &why);
    struct hv *hv = fake_start();
    struct build_result r;

    (void)state;
    assert_non_null(b);
    assert_int_equal(truncate(ramdisk_path, 5000), 0);
    assert_int_equal(build_run(b, hv, FAKE_DOMID, &r, &why), -1);
    assert_non_null(strstr(why.text, "became shorter"));
    assert_int_equal(fake.mapped_pages, 0);
    build_close(b);
    fake_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_linux),        cmocka_unit_test(builds_plain),
        cmocka_unit_test(mixes_page_sizes),    cmocka_unit_test(order_of_calls),
        cmocka_unit_test(every_call_fails),    cmocka_unit_test(claim_not_offered),
        cmocka_unit_test(machine_too_small),   cmocka_unit_test(bad_files),
        cmocka_unit_test(goes_on_after_a_gap), cmocka_unit_test(odd_memory),
        cmocka_unit_test(bad_parameters),      cmocka_unit_test(ramdisk_becomes_shorter),
    };

    return cmocka_run_group_tests(tests, write_files, remove_files);
}
