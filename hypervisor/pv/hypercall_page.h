/* SPDX-License-Identifier: MIT
 *
 * The page of hypercall stubs that older kernels, NetBSD and small guests ask for.
 */
#pragma once

struct domain;

/* Fills a frame of d's, which must be writable; 0, -EINVAL. */
int hypercall_page_write(struct domain *d, mfn_t m);
