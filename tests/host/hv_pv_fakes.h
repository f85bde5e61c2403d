/* SPDX-License-Identifier: MIT
 *
 * What the fakes of hv_pv_fakes.c have seen: port accesses, and ends of domains.
 */
#pragma once

extern struct pv_seen {
    unsigned ins, outs, port, bytes, val, shutdowns;
} seen;
