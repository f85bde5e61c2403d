/* SPDX-License-Identifier: MIT */
/*
 * Grants as a test wants them: raw entries in the domain's own table and one operation at a time,
 * with nothing checked on the way. References from GRANT_FIRST on are the test's; the kit's os.c
 * takes its own below.
 */
#ifndef TESTS_GUEST_GRANTS_H
#define TESTS_GUEST_GRANTS_H

#include "guest-abi/kit/kit.h"
#include <xen/grant_table.h>

#define GRANT_FIRST 256u

/* The first page of the table, mapped once. */
grant_entry_v1_t *grant_table(void);
/* Writes the entry: frame and domid first, then the flags. */
void grant_entry(grant_ref_t ref, domid_t domid, unsigned long mfn, unsigned flags);
/* The owner's end of it, as the ABI wants it: false while it is in use. */
bool grant_end(grant_ref_t ref);
/* The same as a check: good when it can be ended. */
bool check_grant_ends(const char *what, grant_ref_t ref);
/* `flags` to 0 whatever they are. */
void grant_revoke(grant_ref_t ref);

/* One element each. The answers are the element's status, or 1 when the whole call failed. */
int grant_map(gnttab_map_grant_ref_t *op);
int grant_map_at(void *va, domid_t domid, grant_ref_t ref, unsigned flags, grant_handle_t *handle);
int grant_unmap(uint64_t host_addr, uint64_t dev_addr, grant_handle_t handle);
int grant_copy(gnttab_copy_t *op);

/* The caller's own domain id. */
domid_t own_domid(void);

#endif
