/* SPDX-License-Identifier: MIT */
/*
 * References made from others; see uuid_ref.h.
 */
#include "dom0-tools/xapid/uuid_ref.h"
#include "dom0-tools/lib/guest_config.h"

#include <string.h>

typedef unsigned __int128 hash;

#define FNV_OFFSET (((hash)UINT64_C(0x6c62272e07bb0142) << 64) | UINT64_C(0x62b821756295c58d))
#define FNV_PRIME  (((hash)UINT64_C(0x0000000001000000) << 64) | UINT64_C(0x000000000000013b))

static hash add(hash h, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * FNV_PRIME;
    return h;
}

void uuid_ref(const uint8_t owner[16], const char *kind, const char *name, char ref[37])
{
    hash h = add(FNV_OFFSET, owner, 16);
    uint8_t uuid[16];

    /* with their NULs, which keep the two apart */
    h = add(h, kind, strlen(kind) + 1);
    h = add(h, name, strlen(name) + 1);
    /* the last bytes have not reached the upper half yet */
    h = add(h, (const uint8_t[16]){0}, 16);
    for (int i = 0; i < 16; i++)
        uuid[i] = (uint8_t)(h >> (8 * (15 - i)));
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80); /* version 8, variant 1 */
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    uuid_format(uuid, ref);
}
