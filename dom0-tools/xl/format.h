/* SPDX-License-Identifier: MIT */
/*
 * The lines that scripts read: column widths and letters of xl's tables, as pure functions of what
 * is shown, so that a test can hold them against what Xen's xl prints. Manual: docs/man/xl.1.
 */
#ifndef BONSAI_XL_FORMAT_H
#define BONSAI_XL_FORMAT_H

#include "dom0-tools/lib/hv.h"

#include <stdio.h>

enum { LIST_VERBOSE = 1, LIST_CONTEXT = 2, LIST_CPUPOOL = 4, LIST_NUMA = 8 };

void format_list_header(FILE *out, unsigned int columns);
/* name NULL: it has none; pool: the pool's name, nodes: the NUMA nodes it prefers. */
void format_list_row(FILE *out, const struct hv_dominfo *d, const char *name, unsigned int columns,
                     const char *pool, const char *nodes);

/* "0-3,7", "all" when all n bits are set, "none" when none is. size bounds text. */
void format_bitmap(const uint8_t *bits, unsigned int n, char *text, size_t size);

/* "1 day,  0:00:31" */
void format_uptime(uint64_t seconds, char *text, size_t size);
/* "pv hvm hap ..." of HV_CAP_* bits. */
void format_capabilities(uint32_t capabilities, char *text, size_t size);

struct block_row {
    unsigned int id, backend, handle, state;
    int evtchn, ring_ref; /* -1: not there */
    const char *path;
};
void format_block_header(FILE *out);
void format_block_row(FILE *out, const struct block_row *r);

struct network_row {
    unsigned int id, backend, state, handle;
    const char *mac;
    int evtchn, tx_ref, rx_ref; /* -1: not there */
    const char *path;
};
void format_network_header(FILE *out);
void format_network_row(FILE *out, const struct network_row *r);

#endif
