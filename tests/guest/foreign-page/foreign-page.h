/* SPDX-License-Identifier: MIT */
/* The parts of this test: by page tables, by grants, by the calls that take a domain's id. */
#ifndef FOREIGN_PAGE_H
#define FOREIGN_PAGE_H

#include "tests/guest/lib/check.h"
#include "tests/guest/lib/frames.h"
#include "tests/guest/lib/grants.h"

struct domains {
    const char *name;
    domid_t id;
};
/* Ids that are not this domain's: dom0, those that mean something else, one that nobody has. */
#define NR_OTHERS 7u
extern const struct domains others[NR_OTHERS];

/* "WHAT, WHO"; good until the next. */
const char *with(const char *what, const char *who);

void by_grants(void *page, void *va);
void by_domain_ids(void *page);

#endif
