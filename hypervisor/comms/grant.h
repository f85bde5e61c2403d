/* SPDX-License-Identifier: MIT
 *
 * Grant tables, version 1: a domain lets another map or copy single frames of its memory. The
 * table's frames are shared with the guest, which may write anything at any time: entries are read
 * once, atomically, and claimed by compare-and-exchange. LOCK_GRANT of the granting domain guards
 * active counts, of the mapping domain its maptrack.
 */
#pragma once

struct domain;

int grant_table_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack_frames);
/* Teardown, resumable: unmaps all the domain holds of others. 0 or -ERESTART. */
int grant_table_release_maps(struct domain *d);
void grant_table_free(struct domain *d); /* with the last reference */
/* Frame `n` of d's table for XENMEM_acquire_resource, growing it; MFN_NONE past the limit. */
mfn_t grant_table_frame(struct domain *d, uint32_t n);
void grant_dump(struct domain *d);

/* The array operation: op, guest array, count (a[0], a[1], a[2]). */
hcall_fn do_grant_table_op;
