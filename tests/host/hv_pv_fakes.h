/* SPDX-License-Identifier: MIT
 *
 * What the fakes of hv_pv_fakes.c have seen: port accesses, and ends of domains.
 */
#pragma once

struct domain;

extern struct pv_seen {
    unsigned ins, outs, port, bytes, val, shutdowns;
} seen;

/* Takes a pretend domain's descriptor tables away, then the domain. */
void pv_domain_end(struct domain *d);
