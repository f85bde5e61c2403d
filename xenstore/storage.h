/* SPDX-License-Identifier: MIT */
/*
 * What the daemon keeps: the tree, the watches, what each domain uses, and who is connected.
 * Nothing here knows sockets, rings or Xen; those hang on the hooks at the end of struct storage
 * and in struct session. Single-threaded, so there are no locks.
 *
 * A session is one connection's side of the store: who asks, its watches and its transactions.
 * Functions return 0 or an errno that the wire can carry.
 */
#ifndef XENSTORE_STORAGE_H
#define XENSTORE_STORAGE_H

#include "xenstore/limits.h"
#include "xenstore/tree.h"
#include "xenstore/watch.h"
#include "xenstore/wire.h"

/* What a domain uses. Lives from its first mention to its death. */
struct account {
    struct account *next;
    uint16_t domid;
    unsigned nodes, watches, transactions, outstanding;
    size_t memory;
    struct session *session; /* its ring's, to be woken when outstanding falls; NULL without */
};

struct session {
    struct storage *st;
    struct subject who;
    struct account *account;
    char home[32]; /* "/local/domain/N" */
    size_t home_len;
    struct watch *watches, **watches_end; /* in order of registration */
    struct transaction *transactions;
    uint32_t last_tx;
    struct session *next;
    /* hook: queue an event; cause (may be NULL) has outstanding++ until it is taken. Must not free
     * sessions. */
    void (*deliver)(struct session *s, const char *path, const char *token, struct account *cause);
};

enum special_node { SPECIAL_INTRODUCE, SPECIAL_RELEASE, SPECIAL_NODES };

#define ACCOUNT_BUCKETS 256u

struct storage {
    struct node *root;
    uint64_t generation; /* the last one given */
    struct perms *special[SPECIAL_NODES];
    struct watch_table watches;
    struct limits limits;
    struct account *accounts[ACCOUNT_BUCKETS];
    struct session *sessions;
    /* hook: does a domain exist, so that it may own nodes? */
    bool (*domain_exists)(struct storage *st, uint16_t domid);
    /* hook: a session that waited for its account's outstanding events may go on */
    void (*wake)(struct session *s);
};

/* A tree of /, /tool and /tool/xenstored owned by dom0. ENOMEM. */
int storage_init(struct storage *st);
void storage_free(struct storage *st); /* all sessions are closed */

int session_open(struct session *s, struct storage *st, uint16_t domid);
void session_close(struct session *s);
void session_reset(struct session *s); /* its watches and transactions go */

struct account *account_find(struct storage *st, uint16_t domid);
struct account *account_get(struct storage *st, uint16_t domid); /* makes it; NULL: no memory */
void account_drop(struct storage *st, uint16_t domid);
void account_event_taken(struct storage *st, struct account *cause);

/*
 * A path as a client wrote it, made absolute in abs (XENSTORE_ABS_PATH_MAX + 1 bytes) and checked:
 * EINVAL. Names with
 * '@' first are let through when special is set.
 */
int session_path(const struct session *s, const char *path, bool special, char *abs, size_t *len);
/* Which special node a path names, or SPECIAL_NODES. */
enum special_node special_node(const char *path);

/* Nodes, as a session may use them; tx may be NULL. Paths are those of session_path(). */
struct transaction;
int node_read(struct session *s, struct transaction *tx, const char *path, size_t len,
              struct node **node);
int node_write(struct session *s, struct transaction *tx, const char *path, size_t len,
               const char *bytes, size_t n);
int node_mkdir(struct session *s, struct transaction *tx, const char *path, size_t len);
int node_remove(struct session *s, struct transaction *tx, const char *path, size_t len);
/* Takes over the reference to perms, also when it fails. */
int node_set_perms(struct session *s, struct transaction *tx, const char *path, size_t len,
                   struct perms *perms);
/* The same for a node that exists, without asking who may. */
int node_replace_perms(struct session *s, const char *path, size_t len, struct perms *perms);
int special_set_perms(struct session *s, enum special_node which, struct perms *perms);
void special_fire(struct storage *st, enum special_node which);

/* A domain is gone: its nodes with all below, and its entries in other nodes' permissions. ENOMEM.
 */
int storage_forget_domain(struct storage *st, uint16_t domid);
/* Entries for a domain that was not there when they were made are void. ENOMEM. */
int storage_void_entries(struct storage *st, uint16_t domid);
/* Is all as it must be? NULL, or a sentence that says what is not. */
const char *storage_check(struct storage *st);

#endif
