/* SPDX-License-Identifier: MIT */
/* RFC 1071 sums over IPv4's TCP and UDP; see netfront_csum.h. */
#include "frontends/netfront_csum.h"

enum {
    ETHERNET_HEADER = 14,
    VLAN_TAG = 4,
    IPV4_HEADER = 20,
    TYPE_VLAN = 0x8100,
    TYPE_IPV4 = 0x0800,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
};

static unsigned get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* Adds big-endian words; an odd last byte counts as a word's upper half. */
static uint32_t sum(uint32_t total, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        total += get16(data + i);
    if (len % 2 != 0)
        total += (uint32_t)data[len - 1] << 8;
    return total;
}

static unsigned fold(uint32_t total)
{
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    return ~total & 0xffff;
}

/* The transport's header within an unfragmented IPv4 packet of `len` bytes; NULL for anything else.
 */
static uint8_t *transport(uint8_t *ip, size_t len, size_t *segment)
{
    if (len < IPV4_HEADER || ip[0] >> 4 != 4)
        return NULL;
    size_t header = (size_t)(ip[0] & 15) * 4, whole = get16(ip + 2);
    bool fragment = (get16(ip + 6) & 0x3fff) != 0; /* more to come, or not the first */
    if (header < IPV4_HEADER || whole > len || whole < header || fragment)
        return NULL;
    *segment = whole - header;
    return ip + header;
}

bool netfront_fill_checksum(uint8_t *frame, size_t len)
{
    size_t at = ETHERNET_HEADER, segment;

    if (len < ETHERNET_HEADER + VLAN_TAG)
        return false;
    if (get16(frame + 12) == TYPE_VLAN)
        at += VLAN_TAG;
    if (get16(frame + at - 2) != TYPE_IPV4)
        return false;
    uint8_t *ip = frame + at, *header = transport(ip, len - at, &segment);
    if (header == NULL)
        return false;
    bool tcp = ip[9] == PROTOCOL_TCP;
    if ((!tcp && ip[9] != PROTOCOL_UDP) || segment < (tcp ? 20u : 8u))
        return false;
    uint8_t *checksum = header + (tcp ? 16 : 6);
    checksum[0] = checksum[1] = 0;
    uint32_t total = sum(0, ip + 12, 8) + ip[9] + (uint32_t)segment; /* the pseudo header */
    unsigned value = fold(sum(total, header, segment));
    if (value == 0 && !tcp)
        value = 0xffff; /* in UDP a zero means: none */
    checksum[0] = (uint8_t)(value >> 8);
    checksum[1] = (uint8_t)value;
    return true;
}
