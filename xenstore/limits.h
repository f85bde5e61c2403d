/* SPDX-License-Identifier: MIT */
/* The limits on what unprivileged domains may use: their defaults, names, and how they are set. */
#ifndef XENSTORE_LIMITS_H
#define XENSTORE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

/* Hold for unprivileged sessions only, but for path_max. */
struct limits {
    unsigned nodes;             /* owned by a domain */
    unsigned watches;           /* of a domain */
    unsigned transactions;      /* open at a time */
    unsigned outstanding;       /* events caused that others have not taken */
    unsigned transaction_nodes; /* used in one transaction */
    unsigned memory;            /* bytes of a domain's nodes, watches and transactions */
    unsigned node_size;         /* bytes of value, permissions and children's names */
    unsigned path_max;          /* bytes behind /local/domain/N/, or of any other path */
    unsigned permissions;       /* entries of one node */
};

#define LIMITS 9u
extern const struct limits default_limits;
extern const struct limit_info {
    const char *name, *what;
    size_t offset;
} limit_info[LIMITS];

unsigned *limit_value(struct limits *l, unsigned i);
/* false: no such name, or no fitting number. */
bool limit_set(struct limits *l, const char *name, const char *value);

#endif
