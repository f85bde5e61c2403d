/* SPDX-License-Identifier: MIT */
/*
 * Checksums that a backend left blank. Works on a private copy of the frame; what is not plain
 * IPv4 with a whole TCP or UDP segment is left as it is.
 */
#ifndef FRONTENDS_NETFRONT_CSUM_H
#define FRONTENDS_NETFRONT_CSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills in the TCP or UDP checksum; false when there is none in this frame. */
bool netfront_fill_checksum(uint8_t *frame, size_t len);

#endif
