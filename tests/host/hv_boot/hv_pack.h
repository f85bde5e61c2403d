/* SPDX-License-Identifier: MIT
 *
 * Between hv_boot.c and hv_unpack.c: bytes packed, 0 when it failed.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

size_t pack_xz(const uint8_t *in, size_t size, uint8_t *out, size_t room);
size_t pack_zstd(const uint8_t *in, size_t size, uint8_t *out, size_t room);
size_t pack_gzip(const uint8_t *in, size_t size, uint8_t *out, size_t room);
