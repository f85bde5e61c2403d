/* SPDX-License-Identifier: MIT */
/*
 * unpack: the compressed formats that kernels come in, from one buffer into a new one.
 *
 * Pure: no files, no hypervisor. The input is not trusted: whatever it holds, the result is the
 * unpacked bytes or an error, at most `limit` bytes are ever produced, and the decoders' own memory
 * is bounded too.
 */
#ifndef BONSAI_UNPACK_H
#define BONSAI_UNPACK_H

#include "dom0-tools/lib/failure.h"

#include <stddef.h>
#include <stdint.h>

enum packing {
    PACK_NONE, /* nothing that is known here */
    PACK_GZIP,
    PACK_XZ,
    PACK_ZSTD,
    PACK_LZMA,
    PACK_BZIP2, /* recognised, not unpacked */
    PACK_LZO,   /* recognised, not unpacked */
    PACK_LZ4,   /* recognised, not unpacked */
};

enum packing unpack_detect(const uint8_t *in, size_t size);
const char *unpack_name(enum packing packing);

/*
 * Unpack the first stream in `in`; bytes behind it are ignored. expected: a guess at the result's
 * size, 0 for none. *out is malloc'ed (the caller frees it). Errors: EINVAL damaged or cut short,
 * EFBIG more than limit, ENOTSUP a format we know but cannot unpack, ENOMEM.
 */
int unpack(const uint8_t *in, size_t size, size_t expected, size_t limit, uint8_t **out,
           size_t *out_size, struct failure *why);

#endif
