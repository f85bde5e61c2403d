/* SPDX-License-Identifier: MIT
 *
 * Packs test kernels with the real libraries (their headers do not mix with the hypervisor's
 * lib/lib.h) for hv_boot.c.
 */
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include "hv_pack.h"

size_t pack_xz(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
    lzma_options_lzma options;
    lzma_filter filters[] = {
        {LZMA_FILTER_X86, NULL}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    size_t n = 0;

    lzma_lzma_preset(&options, 6);
    return lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, in, size, out, &n, room) ==
                   LZMA_OK
               ? n
               : 0;
}

size_t pack_zstd(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
    return ZSTD_compress(out, room, in, size, 3);
}

size_t pack_gzip(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = (uInt)room};

    deflateInit2(&z, 6, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return z.total_out;
}
