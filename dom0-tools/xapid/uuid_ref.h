/* SPDX-License-Identifier: MIT */
/*
 * uuid_ref: references of objects that are nobody's but a VM's or the host's: its metrics, console,
 * disks, network cards, CPUs. Nothing is kept of them: the UUID is made from the owner's, the kind
 * and the name within it, so that it is the same tomorrow. (RFC 9562's version 8, by FNV-1a of 128
 * bits: not a secret, and nobody gains by a collision with his own objects.)
 */
#ifndef XAPID_UUID_REF_H
#define XAPID_UUID_REF_H

#include <stdint.h>

/* kind: "metrics", "vbd", ...; name may be "". ref receives the text. */
void uuid_ref(const uint8_t owner[16], const char *kind, const char *name, char ref[37]);

#endif
