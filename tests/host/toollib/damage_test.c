/* SPDX-License-Identifier: MIT */
/*
 * toollib_damage: images that lie. Good images are damaged in many thousand reproducible ways, by
 * random bytes and by values that break arithmetic, and go the whole way to page tables under the
 * sanitizers; what is accepted must lie inside the domain. Also Debian's own kernel, where there is
 * one: whole, and cut.
 */
#include "dom0-tools/lib/elf_guest.h"
#include "dom0-tools/lib/image.h"
#include "fuzz_image.h"
#include "make_image.h"

#include <elf.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ROUNDS 6000u

static uint64_t seed;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static const uint64_t nasty[] = {
    0,
    1,
    3,
    0x7f,
    0xff,
    0xfff,
    0x1000,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0xfffffffc,
    0x100000000ull,
    0x7fffffffffffffffull,
    0x8000000000000000ull,
    0xffffffffffffffffull,
    0xfffffffffffff000ull,
    0xffffffff80000000ull,
    0xffff800000000000ull,
    0x0000800000000000ull,
};

/* Change 1 to 4 places among the first `reach` bytes. */
static void damage(uint8_t *data, size_t reach)
{
    for (uint64_t n = random64() % 4 + 1; n; n--) {
        uint64_t value = random64() % 3 ? nasty[random64() % (sizeof(nasty) / 8)] : random64();
        size_t width = (size_t)1 << random64() % 4, at = random64() % (reach - 8);

        if (random64() % 2)
            at &= ~(width - 1);
        memcpy(data + at, &value, width);
    }
}

/* Returns how many damaged ones could still be used. */
static unsigned damage_rounds(const struct blob *good, size_t reach, unsigned rounds)
{
    unsigned usable = 0;

    for (unsigned i = 0; i < rounds; i++) {
        size_t size = random64() % 8 ? good->size : random64() % good->size + 1;
        uint8_t *copy = malloc(size);

        seed += i;
        memcpy(copy, good->data, size);
        if (size > 16)
            damage(copy, size < reach ? size : reach);
        usable += fuzz_image_usable(copy, size);
        free(copy);
    }
    return usable;
}

/* The headers and the notes are where the lies are; the segments' bytes are left out. */
static struct blob small_elf(const struct spec *model)
{
    static struct spec_segment segments[4];
    struct spec s = *model;

    for (unsigned i = 0; i < s.n_segments; i++) {
        segments[i] = s.segments[i];
        segments[i].filesz = 64;
    }
    s.segments = segments;
    return make_elf(&s);
}

static void damaged_elf(void **state)
{
    const struct spec *models[] = {&linux_like, &plain_like};

    (void)state;
    for (size_t m = 0; m < 2; m++) {
        struct blob good = small_elf(models[m]);
        unsigned usable;

        seed = 0x9e3779b97f4a7c15ull + m;
        assert_true(fuzz_image_usable(good.data, good.size));
        usable = damage_rounds(&good, good.size, ROUNDS);
        assert_true(usable > 0 && usable < ROUNDS); /* neither all refused nor all taken */
        free(good.data);
    }
}

static void damaged_headers(void **state)
{
    struct blob good = small_elf(&plain_like);

    (void)state;
    seed = 1234567;
    damage_rounds(&good, sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr), ROUNDS);
    free(good.data);
}

static void damaged_packed(void **state)
{
    static const enum packing formats[] = {PACK_GZIP, PACK_XZ, PACK_ZSTD, PACK_LZMA};

    (void)state;
    for (size_t f = 0; f < 4; f++) {
        struct blob elf = small_elf(&plain_like);
        struct blob packed = make_packed(formats[f], elf.data, elf.size);
        struct blob bz = make_bzimage(&packed, formats[f], elf.size);

        seed = 42 + f;
        damage_rounds(&packed, packed.size, ROUNDS / 4);
        damage_rounds(&bz, bz.size, ROUNDS / 4);
        free(elf.data);
        free(packed.data);
        free(bz.data);
    }
}

/* ---- Debian's kernel ---- */

static struct blob read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    struct blob b = {0};

    if (!f)
        return b;
    fseek(f, 0, SEEK_END);
    b.size = (size_t)ftell(f);
    rewind(f);
    b.data = malloc(b.size);
    if (!b.data || fread(b.data, 1, b.size, f) != b.size)
        abort();
    fclose(f);
    return b;
}

/* BONSAI_TEST_KERNEL, /boot, then what a rig may have fetched. */
static struct blob find_kernel(void)
{
    const char *named = getenv("BONSAI_TEST_KERNEL"), *home = getenv("HOME");
    struct blob b = {0};
    char cached[512];
    glob_t found;

    if (named)
        return read_all(named);
    snprintf(cached, sizeof(cached), "%s/.cache/xen-reference/vmlinuz", home ? home : "");
    if (glob("/boot/vmlinuz-*-amd64", 0, NULL, &found) == 0) {
        b = read_all(found.gl_pathv[0]);
        globfree(&found);
    }
    return b.data ? b : read_all(cached);
}

static void debian_kernel(void **state)
{
    struct blob b = find_kernel();
    struct failure why = {0};
    struct elf_guest g;
    struct image image;
    struct elf e;

    (void)state;
    if (!b.data)
        skip();
    if (image_open(&image, b.data, b.size, 512u << 20, &why) < 0 ||
        elf_open(&e, image.elf, image.elf_size, &why) < 0 || elf_guest_read(&g, &e, &why) < 0)
        fail_msg("%s", why.text);
    assert_true(image.elf_size > 20u << 20);
    assert_string_equal(g.os, "linux");
    assert_int_equal(g.virt_base, 0xffffffff80000000ull);
    assert_int_equal(g.start, 0xffffffff81000000ull);
    assert_int_equal(g.init_p2m, 0x8000000000ull);
    assert_true(g.mod_start_pfn);
    image_close(&image);
    assert_int_equal(image_open(&image, b.data, b.size, 16u << 20, &why), -1);
    assert_non_null(strstr(why.text, "more than the 16 MiB"));
    b.data[b.size / 2] ^= 0x10;
    assert_int_equal(image_open(&image, b.data, b.size, 512u << 20, &why), -1);
    assert_non_null(strstr(why.text, "damaged"));
    assert_int_equal(image_open(&image, b.data, b.size / 3, 512u << 20, &why), -1);
    assert_non_null(strstr(why.text, "cut short"));
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_elf),
        cmocka_unit_test(damaged_headers),
        cmocka_unit_test(damaged_packed),
        cmocka_unit_test(debian_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
