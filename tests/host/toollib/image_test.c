/* SPDX-License-Identifier: MIT */
/*
 * toollib_image: unpacking, and finding the ELF file within a kernel file. Good images come out
 * whole; cut, damaged, oversized and foreign ones end in one sentence and leak nothing.
 */
#include "dom0-tools/lib/image.h"
#include "make_image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LIMIT        (64u << 20)
#define PAYLOAD_AT   (2048u + 0x2cc) /* where make_bzimage() puts it, and what follows */
#define PAYLOAD_TAIL 104u

static const enum packing formats[] = {PACK_GZIP, PACK_XZ, PACK_ZSTD, PACK_LZMA};
#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

static struct blob wrap(enum packing packing)
{
    struct blob elf = make_elf(&linux_like), packed = make_packed(packing, elf.data, elf.size);
    struct blob bz = make_bzimage(&packed, packing, elf.size);

    free(elf.data);
    free(packed.data);
    return bz;
}

static void assert_is_elf(const struct image *i)
{
    struct blob elf = make_elf(&linux_like);

    assert_int_equal(i->elf_size, elf.size);
    assert_memory_equal(i->elf, elf.data, elf.size);
    free(elf.data);
}

static void assert_opens(const struct blob *b)
{
    struct failure why;
    struct image i;

    assert_int_equal(image_open(&i, b->data, b->size, LIMIT, &why), 0);
    assert_is_elf(&i);
    image_close(&i);
}

static void assert_fails(const struct blob *b, size_t limit, int error, const char *text)
{
    struct failure why = {0};
    struct image i;

    assert_int_equal(image_open(&i, b->data, b->size, limit, &why), -1);
    assert_int_equal(why.error, error);
    if (!strstr(why.text, text))
        fail_msg("'%s' does not contain '%s'", why.text, text);
    assert_null(i.owned);
}

static void plain_elf(void **state)
{
    struct blob elf = make_elf(&linux_like);

    (void)state;
    assert_opens(&elf);
    free(elf.data);
}

static void every_bzimage(void **state)
{
    (void)state;
    for (size_t f = 0; f < N_FORMATS; f++) {
        struct blob bz = wrap(formats[f]);

        assert_opens(&bz);
        free(bz.data);
    }
}

static void every_packed_elf(void **state)
{
    struct blob elf = make_elf(&linux_like);

    (void)state;
    for (size_t f = 0; f < N_FORMATS; f++) {
        struct blob packed = make_packed(formats[f], elf.data, elf.size);

        assert_opens(&packed);
        free(packed.data);
    }
    free(elf.data);
}

static void packed_bzimage(void **state)
{
    struct blob bz = wrap(PACK_XZ), packed = make_packed(PACK_GZIP, bz.data, bz.size);

    (void)state;
    assert_opens(&packed);
    free(bz.data);
    free(packed.data);
}

static void packed_four_times(void **state)
{
    struct blob b = make_elf(&linux_like);

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct blob packed = make_packed(PACK_GZIP, b.data, b.size);

        free(b.data);
        b = packed;
    }
    assert_fails(&b, LIMIT, ENOEXEC, "too many times");
    free(b.data);
}

static void every_truncation(void **state)
{
    (void)state;
    for (size_t f = 0; f < N_FORMATS; f++) {
        struct blob bz = wrap(formats[f]), elf = make_elf(&linux_like);
        struct blob packed = make_packed(formats[f], elf.data, elf.size);
        size_t full = packed.size;

        for (size_t cut = 0x250; cut < bz.size - 150; cut += bz.size / 40) {
            struct blob part = {malloc(cut), cut};

            memcpy(part.data, bz.data, cut);
            assert_fails(&part, LIMIT, EINVAL, "cut short");
            free(part.data);
        }
        for (packed.size = 20; packed.size < full; packed.size += full / 40 + 1) {
            struct blob part = {malloc(packed.size), packed.size};

            memcpy(part.data, packed.data, packed.size);
            assert_fails(&part, LIMIT, EINVAL, "too early");
            free(part.data);
        }
        free(bz.data);
        free(elf.data);
        free(packed.data);
    }
}

/* One wrong byte in the middle: xz and gzip notice by checksum, all by structure or size. */
static void damaged_payload(void **state)
{
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct blob bz = wrap(formats[f]);

        bz.data[PAYLOAD_AT + (bz.size - PAYLOAD_AT - PAYLOAD_TAIL) / 2] ^= 0xff;
        assert_fails(&bz, LIMIT, EINVAL, "damaged");
        free(bz.data);
    }
}

static void wrong_size_announced(void **state)
{
    struct blob elf = make_elf(&linux_like), packed = make_packed(PACK_ZSTD, elf.data, elf.size);
    struct blob less = make_bzimage(&packed, PACK_ZSTD, elf.size - 1);
    struct blob more = make_bzimage(&packed, PACK_ZSTD, elf.size + 1);
    struct blob huge = make_bzimage(&packed, PACK_ZSTD, 0xffffffff);

    (void)state;
    assert_fails(&less, LIMIT, EINVAL, "announced");
    assert_fails(&more, LIMIT, EINVAL, "announced");
    assert_fails(&huge, LIMIT, EFBIG, "4095 MiB");
    free(elf.data);
    free(packed.data);
    free(less.data);
    free(more.data);
    free(huge.data);
}

/* 48 MiB of zeroes in a few KiB, with a limit of 1 MiB. */
static void bomb(void **state)
{
    size_t size = 48u << 20;
    uint8_t *zeroes = calloc(1, size);

    (void)state;
    for (size_t f = 0; f < N_FORMATS; f++) {
        struct blob packed = make_packed(formats[f], zeroes, size);

        assert_true(packed.size < 100000);
        assert_fails(&packed, 1u << 20, EFBIG, "more than the 1 MiB");
        free(packed.data);
    }
    free(zeroes);
}

static void exactly_the_limit(void **state)
{
    struct blob elf = make_elf(&linux_like);

    (void)state;
    for (size_t f = 0; f < N_FORMATS; f++) {
        struct blob packed = make_packed(formats[f], elf.data, elf.size);
        struct failure why;
        struct image i;

        assert_int_equal(image_open(&i, packed.data, packed.size, elf.size, &why), 0);
        assert_is_elf(&i);
        image_close(&i);
        assert_fails(&packed, elf.size - 1, EFBIG, "more than");
        free(packed.data);
    }
    free(elf.data);
}

static void not_a_kernel(void **state)
{
    struct blob text = {(uint8_t *)"#!/bin/sh\necho this is no kernel at all\n", 40};
    struct blob empty = {(uint8_t *)"", 0}, byte = {(uint8_t *)"\x1f", 1};

    (void)state;
    assert_fails(&text, LIMIT, ENOEXEC, "neither ELF nor bzImage");
    assert_fails(&empty, LIMIT, ENOEXEC, "empty");
    assert_fails(&byte, LIMIT, ENOEXEC, "neither");
}

static void formats_not_supported(void **state)
{
    struct blob bzip2 = {(uint8_t *)"BZh91AY&SY0123456789", 20};
    struct blob lz4 = {(uint8_t *)"\x02\x21\x4c\x18_0123456789", 15};
    struct blob lzo = {(uint8_t *)"\x89LZO\0\r\n\x1a\n0123456789", 19};

    (void)state;
    assert_fails(&bzip2, LIMIT, ENOTSUP, "packed with bzip2");
    assert_fails(&lz4, LIMIT, ENOTSUP, "packed with lz4");
    assert_fails(&lzo, LIMIT, ENOTSUP, "packed with lzo");
}

static void old_boot_protocol(void **state)
{
    struct blob bz = wrap(PACK_XZ);

    (void)state;
    bz.data[0x206] = 7;
    assert_fails(&bz, LIMIT, ENOTSUP, "protocol 2.07");
    free(bz.data);
}

/* Offsets at the edge of 32 bits must not wrap anywhere. */
static void payload_outside(void **state)
{
    static const uint32_t values[] = {0xffffffff, 0x80000000, 0x7fffffff, 0xfffff800};
    struct blob bz = wrap(PACK_XZ);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct blob copy = {malloc(bz.size), bz.size};

        memcpy(copy.data, bz.data, bz.size);
        memcpy(copy.data + 0x248, &values[i], 4);
        assert_fails(&copy, LIMIT, EINVAL, "cut short");
        memcpy(copy.data, bz.data, bz.size);
        memcpy(copy.data + 0x24c, &values[i], 4);
        assert_fails(&copy, LIMIT, EINVAL, "cut short");
        free(copy.data);
    }
    memset(bz.data + 0x24c, 0, 4);
    assert_fails(&bz, LIMIT, EINVAL, "without a payload");
    free(bz.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_elf),
        cmocka_unit_test(every_bzimage),
        cmocka_unit_test(every_packed_elf),
        cmocka_unit_test(packed_bzimage),
        cmocka_unit_test(packed_four_times),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(damaged_payload),
        cmocka_unit_test(wrong_size_announced),
        cmocka_unit_test(bomb),
        cmocka_unit_test(exactly_the_limit),
        cmocka_unit_test(not_a_kernel),
        cmocka_unit_test(formats_not_supported),
        cmocka_unit_test(old_boot_protocol),
        cmocka_unit_test(payload_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
