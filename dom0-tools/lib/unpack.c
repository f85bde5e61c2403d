/* SPDX-License-Identifier: MIT */
/*
 * unpack: see unpack.h.
 *
 * Each decoder is a loop "make room, decode a step" over one growing buffer, the sink. The sink may
 * hold one byte more than the limit, so that a stream of exactly `limit` bytes can still say that
 * it ends while a longer one is caught by that byte.
 */
#include "dom0-tools/lib/unpack.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define DECODER_MEMORY (256u << 20) /* what a decoder itself may take: dictionaries are 128 MiB */
#define DECODER_WINDOW 27           /* the same for zstd, as log2 */
#define FIRST_ROOM     (1u << 20)

struct sink {
    uint8_t *data;
    size_t used, room, limit;
};

static const struct {
    enum packing packing;
    const char *name;
    uint8_t magic[6];
    size_t n;
} formats[] = {
    {PACK_GZIP, "gzip", {0x1f, 0x8b}, 2},
    {PACK_XZ, "xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6},
    {PACK_ZSTD, "zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4},
    {PACK_LZMA, "lzma", {0x5d, 0, 0}, 3},
    {PACK_BZIP2, "bzip2", {'B', 'Z', 'h'}, 3},
    {PACK_LZO, "lzo", {0x89, 'L', 'Z', 'O'}, 4},
    {PACK_LZ4, "lz4", {0x02, 0x21, 0x4c, 0x18}, 4},
};
#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

enum packing unpack_detect(const uint8_t *in, size_t size)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (size >= formats[i].n && memcmp(in, formats[i].magic, formats[i].n) == 0)
            return formats[i].packing;
    return PACK_NONE;
}

const char *unpack_name(enum packing packing)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (formats[i].packing == packing)
            return formats[i].name;
    return "unknown";
}

/* Room for at least one byte more. */
static int sink_grow(struct sink *s, struct failure *why)
{
    size_t room = s->room ? s->room * 2 : FIRST_ROOM;
    uint8_t *data;

    if (s->used > s->limit)
        return fail(why, EFBIG, "it unpacks to more than the %zu MiB it may fill", s->limit >> 20);
    if (s->used < s->room)
        return 0;
    if (room > s->limit)
        room = s->limit + 1;
    data = realloc(s->data, room);
    if (!data)
        return fail(why, ENOMEM, "no memory here to unpack it: %zu MiB needed", room >> 20);
    s->data = data;
    s->room = room;
    return 0;
}

static int damaged(struct failure *why, const char *format)
{
    return fail(why, EINVAL, "its %s data is damaged", format);
}

static int cut_short(struct failure *why, const char *format)
{
    return fail(why, EINVAL, "its %s data ends too early: the file is truncated or damaged",
                format);
}

static int inflate_all(z_stream *z, const uint8_t *in, size_t size, struct sink *s,
                       struct failure *why)
{
    int state = Z_OK;

    while (state != Z_STREAM_END) {
        size_t room, give = size < (1u << 30) ? size : 1u << 30;

        if (sink_grow(s, why) < 0)
            return -1;
        room = s->room - s->used;
        if (room > (1u << 30))
            room = 1u << 30;
        z->next_in = (z_const Bytef *)in;
        z->avail_in = (uInt)give;
        z->next_out = s->data + s->used;
        z->avail_out = (uInt)room;
        state = inflate(z, Z_NO_FLUSH);
        in += give - z->avail_in;
        size -= give - z->avail_in;
        s->used += room - z->avail_out;
        if (state == Z_BUF_ERROR || (state == Z_OK && size == 0 && z->avail_out != 0))
            return cut_short(why, "gzip");
        if (state != Z_OK && state != Z_STREAM_END)
            return damaged(why, "gzip");
    }
    return 0;
}

static int unpack_gzip(const uint8_t *in, size_t size, struct sink *s, struct failure *why)
{
    z_stream z = {0};
    int result;

    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return fail(why, ENOMEM, "no memory here to unpack it");
    result = inflate_all(&z, in, size, s, why);
    inflateEnd(&z);
    return result;
}

static int lzma_all(lzma_stream *l, struct sink *s, const char *format, struct failure *why)
{
    lzma_ret state = LZMA_OK;

    while (state != LZMA_STREAM_END) {
        size_t room;

        if (sink_grow(s, why) < 0)
            return -1;
        room = s->room - s->used;
        l->next_out = s->data + s->used;
        l->avail_out = room;
        state = lzma_code(l, LZMA_RUN);
        s->used += room - l->avail_out;
        if (state == LZMA_MEMLIMIT_ERROR)
            return fail(why, EFBIG, "unpacking its %s data takes more than %u MiB of memory",
                        format, DECODER_MEMORY >> 20);
        if (state == LZMA_BUF_ERROR || (state == LZMA_OK && !l->avail_in && l->avail_out))
            return cut_short(why, format);
        if (state == LZMA_MEM_ERROR)
            return fail(why, ENOMEM, "no memory here to unpack it");
        if (state != LZMA_OK && state != LZMA_STREAM_END)
            return damaged(why, format);
    }
    return 0;
}

static int unpack_lzma(const uint8_t *in, size_t size, enum packing packing, struct sink *s,
                       struct failure *why)
{
    lzma_stream l = LZMA_STREAM_INIT;
    lzma_ret state;
    int result;

    if (packing == PACK_XZ)
        state = lzma_stream_decoder(&l, DECODER_MEMORY, 0);
    else
        state = lzma_alone_decoder(&l, DECODER_MEMORY);
    if (state != LZMA_OK)
        return fail(why, ENOMEM, "no memory here to unpack it");
    l.next_in = in;
    l.avail_in = size;
    result = lzma_all(&l, s, unpack_name(packing), why);
    lzma_end(&l);
    return result;
}

static int zstd_all(ZSTD_DStream *z, const uint8_t *data, size_t size, struct sink *s,
                    struct failure *why)
{
    ZSTD_inBuffer in = {data, size, 0};
    size_t more = 1;

    while (more != 0) {
        ZSTD_outBuffer out;

        if (sink_grow(s, why) < 0)
            return -1;
        out = (ZSTD_outBuffer){s->data, s->room, s->used};
        more = ZSTD_decompressStream(z, &out, &in);
        s->used = out.pos;
        if (ZSTD_isError(more))
            return damaged(why, "zstd");
        if (more != 0 && in.pos == in.size && out.pos < out.size)
            return cut_short(why, "zstd");
    }
    return 0;
}

static int unpack_zstd(const uint8_t *in, size_t size, struct sink *s, struct failure *why)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    int result;

    if (!z)
        return fail(why, ENOMEM, "no memory here to unpack it");
    ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, DECODER_WINDOW);
    result = zstd_all(z, in, size, s, why);
    ZSTD_freeDStream(z);
    return result;
}

static int unpack_into(struct sink *s, const uint8_t *in, size_t size, struct failure *why)
{
    enum packing packing = unpack_detect(in, size);

    switch (packing) {
    case PACK_GZIP:
        return unpack_gzip(in, size, s, why);
    case PACK_XZ:
    case PACK_LZMA:
        return unpack_lzma(in, size, packing, s, why);
    case PACK_ZSTD:
        return unpack_zstd(in, size, s, why);
    case PACK_BZIP2:
    case PACK_LZO:
    case PACK_LZ4:
        return fail(why, ENOTSUP,
                    "it is packed with %s, which is not supported (gzip, xz, lzma and zstd are)",
                    unpack_name(packing));
    case PACK_NONE:
        break;
    }
    return fail(why, EINVAL, "it is packed in no format known here");
}

int unpack(const uint8_t *in, size_t size, size_t expected, size_t limit, uint8_t **out,
           size_t *out_size, struct failure *why)
{
    struct sink s = {.limit = limit};

    *out = NULL;
    *out_size = 0;
    if (expected > limit)
        return fail(why, EFBIG, "it unpacks to %zu MiB, more than the %zu MiB it may fill",
                    expected >> 20, limit >> 20);
    if (expected) {
        s.room = expected + 1;
        s.data = malloc(s.room);
        if (!s.data)
            return fail(why, ENOMEM, "no memory here to unpack it: %zu MiB needed", expected >> 20);
    }
    if (unpack_into(&s, in, size, why) < 0) {
        free(s.data);
        return -1;
    }
    if (s.used > limit) {
        free(s.data);
        return fail(why, EFBIG, "it unpacks to more than the %zu MiB it may fill", limit >> 20);
    }
    *out = s.data;
    *out_size = s.used;
    return 0;
}
