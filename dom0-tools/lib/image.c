/* SPDX-License-Identifier: MIT */
/*
 * image: see image.h. The bzImage header is described in the Linux x86 boot protocol: setup sectors
 * in real mode first, then the protected-mode code, which carries the payload at payload_offset.
 * The payload's last four bytes are its unpacked size; in gzip they are part of the format, the
 * other formats stop before them.
 */
#include "dom0-tools/lib/image.h"
#include "dom0-tools/lib/unpack.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SETUP_SECTS    0x1f1 /* u8, 0 means 4 */
#define BOOT_FLAG      0x1fe /* u16, 0xaa55 */
#define HEADER_MAGIC   0x202 /* "HdrS" */
#define BOOT_PROTOCOL  0x206 /* u16 */
#define PAYLOAD_OFFSET 0x248 /* u32, from the protected-mode code */
#define PAYLOAD_LENGTH 0x24c /* u32 */
#define HEADER_END     0x250
#define MAX_LAYERS     3

static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static bool is_elf(const uint8_t *p, size_t size)
{
    return size >= SELFMAG && memcmp(p, ELFMAG, SELFMAG) == 0;
}

static bool is_bzimage(const uint8_t *p, size_t size)
{
    return size >= HEADER_END && le16(p + BOOT_FLAG) == 0xaa55 &&
           memcmp(p + HEADER_MAGIC, "HdrS", 4) == 0;
}

/* Find the payload within the bzImage. */
static int find_payload(const uint8_t *file, size_t size, const uint8_t **payload, size_t *length,
                        struct failure *why)
{
    size_t sectors = file[SETUP_SECTS] ? file[SETUP_SECTS] : 4;
    size_t code = (sectors + 1) * 512;
    size_t offset = le32(file + PAYLOAD_OFFSET);

    *length = le32(file + PAYLOAD_LENGTH);
    if (le16(file + BOOT_PROTOCOL) < 0x0208)
        return fail(why, ENOTSUP,
                    "it is a bzImage of boot protocol %u.%02u, too old to say where "
                    "its payload is (2.08 does)",
                    file[BOOT_PROTOCOL + 1], file[BOOT_PROTOCOL]);
    if (code > size || offset > size - code || *length > size - code - offset)
        return fail(why, EINVAL,
                    "it is a bzImage cut short: its payload ends at byte %zu, the "
                    "file at %zu",
                    code + offset + *length, size);
    if (*length < 8)
        return fail(why, EINVAL, "it is a bzImage without a payload");
    *payload = file + code + offset;
    return 0;
}

/* Replace what the image points to by its unpacked form. */
static int peel(struct image *image, const uint8_t *in, size_t size, size_t expected, size_t limit,
                struct failure *why)
{
    uint8_t *out;
    size_t out_size;

    if (unpack(in, size, expected, limit, &out, &out_size, why) < 0)
        return -1;
    if (expected && out_size != expected) {
        free(out);
        return fail(why, EINVAL, "its payload is damaged: %zu bytes announced, %zu unpacked",
                    expected, out_size);
    }
    free(image->owned);
    image->owned = out;
    image->elf = out;
    image->elf_size = out_size;
    return 0;
}

static int peel_bzimage(struct image *image, size_t limit, struct failure *why)
{
    const uint8_t *payload = NULL;
    size_t length = 0;

    if (find_payload(image->elf, image->elf_size, &payload, &length, why) < 0)
        return -1;
    if (is_elf(payload, length)) {
        image->elf = payload;
        image->elf_size = length;
        return 0;
    }
    if (unpack_detect(payload, length) == PACK_NONE)
        return fail(why, EINVAL,
                    "it is a bzImage with a payload that is no kernel: damaged, or "
                    "packed in an unknown format");
    return peel(image, payload, length, le32(payload + length - 4), limit, why);
}

static int open_layers(struct image *image, size_t limit, struct failure *why)
{
    for (int layer = 0; layer < MAX_LAYERS; layer++) {
        int result;

        if (is_elf(image->elf, image->elf_size))
            return 0;
        if (is_bzimage(image->elf, image->elf_size))
            result = peel_bzimage(image, limit, why);
        else if (unpack_detect(image->elf, image->elf_size) != PACK_NONE)
            result = peel(image, image->elf, image->elf_size, 0, limit, why);
        else
            return fail(why, ENOEXEC, "it is not a kernel image: neither ELF nor bzImage");
        if (result < 0)
            return -1;
    }
    if (is_elf(image->elf, image->elf_size))
        return 0;
    return fail(why, ENOEXEC, "it is not a kernel image: packed too many times over");
}

int image_open(struct image *image, const uint8_t *file, size_t size, size_t limit,
               struct failure *why)
{
    *image = (struct image){.elf = file, .elf_size = size};
    if (size == 0)
        return fail(why, ENOEXEC, "it is empty");
    if (open_layers(image, limit, why) < 0) {
        image_close(image);
        return -1;
    }
    return 0;
}

void image_close(struct image *image)
{
    free(image->owned);
    *image = (struct image){0};
}
