/* SPDX-License-Identifier: MIT */
/*
 * Transactions. From its first use a transaction sees the version of the tree that was current then
 * (base) with its own changes (work), and notes each path it used. It commits when all those paths
 * still hold the same generation as in base, or still nothing; else EAGAIN, and nothing was done.
 * Where nobody else changed the tree meanwhile, committing is putting work in its place; else the
 * changed paths are carried over.
 */
#ifndef XENSTORE_TRANSACTION_H
#define XENSTORE_TRANSACTION_H

#include "xenstore/storage.h"

enum {
    TOUCH_USED = 0,
    TOUCH_CHANGED = 1, /* carried over on commit */
    TOUCH_EVENT = 2,   /* fires watches on commit, at the path and above */
    TOUCH_GONE = 4,    /* fires watches at this very path: removed with one above it */
};

struct touch {
    uint32_t hash, len;
    unsigned flags;
    char path[];
};

/* What commit adds to a domain's account. */
struct delta {
    uint16_t domid;
    int nodes;
    long bytes;
};

struct transaction {
    struct transaction *next;
    uint32_t id;
    struct node *base, *work; /* NULL until used */
    struct touch **list;      /* in order of first use */
    uint32_t *index;          /* hash table into list, 0: free, else position + 1 */
    unsigned n, room;         /* index has 2 * room */
    struct delta *delta;
    unsigned deltas;
    size_t bytes; /* charged to the session's account while it is open */
};

int transaction_start(struct session *s, uint32_t *id); /* ENOSPC, ENOMEM */
struct transaction *transaction_find(struct session *s, uint32_t id);
/* Ends and frees it. Commit: EAGAIN, ENOSPC, ENOMEM, and then nothing was done. */
int transaction_end(struct session *s, struct transaction *tx, bool commit);

/* Notes the use of a path, before it is looked at. ENOSPC, ENOMEM. tx may be NULL: nothing to note.
 */
int transaction_touch(struct session *s, struct transaction *tx, const char *path, size_t len,
                      unsigned flags);
/* The root to read or change: the transaction's, or the store's own when tx is NULL. */
struct node **transaction_root(struct storage *st, struct transaction *tx);
/* Counts nodes and bytes for their owner, at once or on commit. ENOMEM, only for a domain new to
 * it. */
int transaction_count(struct storage *st, struct transaction *tx, uint16_t owner, int nodes,
                      long bytes);
/* Nodes a domain would have. */
long transaction_nodes(struct storage *st, const struct transaction *tx, uint16_t domid);

#endif
