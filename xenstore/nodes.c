/* SPDX-License-Identifier: MIT */
/*
 * Nodes as sessions use them: permissions, quotas, events around the tree's plain changes.
 *
 * Who may what: a node is read, written or removed by who its own permissions let; one that does
 * not exist is created, or found missing, by whom the nearest existing node above lets write or
 * read. A new node takes over the permissions of the one above, and belongs to who made it, if that
 * is not dom0.
 *
 * Every function notes what it uses in the transaction, checks, counts, and changes the tree last.
 * Outside a transaction it then fires the watches; inside, commit does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/storage.h"
#include "xenstore/transaction.h"

static long node_bytes(const struct node *n)
{
    return (long)(sizeof(*n) + n->name_len + (n->value != NULL ? n->value->len : 0) +
                  n->perms->n * sizeof(struct perm));
}

static size_t quota_size(size_t value, size_t perms, size_t names)
{
    return value + perms * sizeof(struct perm) + names;
}

static size_t value_len(const struct node *n)
{
    return n->value != NULL ? n->value->len : 0;
}

static struct account *cause(const struct session *s)
{
    return s->who.privileged ? NULL : s->account;
}

/* May it own so many nodes and bytes more? */
static int quota(const struct session *s, const struct transaction *tx, int nodes, size_t bytes)
{
    const struct limits *l = &s->st->limits;
    if (s->who.privileged)
        return 0;
    if (nodes > 0 && transaction_nodes(s->st, tx, s->who.domid) + nodes > (long)l->nodes)
        return ENOSPC;
    return bytes > 0 && s->account->memory + bytes > l->memory ? ENOSPC : 0;
}

/* Finds the node, or the nearest above (*at < len then), and demands what permissions are wanted of
 * it. */
static int look_up(struct session *s, struct transaction *tx, const char *path, size_t len,
                   unsigned want, struct node **node, size_t *at)
{
    int err = transaction_touch(s, tx, path, len, TOUCH_USED);
    if (err != 0)
        return err;
    *node = tree_find_nearest(*transaction_root(s->st, tx), path, len, at);
    return (perms_of((*node)->perms, &s->who) & want) == want ? 0 : EACCES;
}

int node_read(struct session *s, struct transaction *tx, const char *path, size_t len,
              struct node **node)
{
    size_t at;
    int err = look_up(s, tx, path, len, PERM_READ, node, &at);
    return err == 0 && at < len ? ENOENT : err;
}

/* Fires a change of a node that exists now. */
static void fire_now(struct session *s, const char *path, size_t len, const struct perms *before)
{
    const struct node *n = tree_find(s->st->root, path, len);
    const struct node *parent = tree_find(s->st->root, path, path_parent(path, len));
    const struct change change = {
        .path = path, .len = len, .before = before, .now = n->perms, .parent = parent->perms};
    watch_fire(&s->st->watches, &change, cause(s));
}

/* The nodes from behind `at` to the path's end, as a chain nobody knows yet. Takes over value. */
static struct node *make_chain(struct session *s, const char *path, size_t len, size_t at,
                               struct value *value, struct perms *perms)
{
    struct node *below = NULL;
    uint64_t generation = s->st->generation;
    size_t end = len;
    while (end > at) {
        size_t name_len;
        const char *name = path_name(path, end, &name_len);
        struct node *n = node_new(name, name_len, value, perms_get(perms), generation);
        value = NULL;
        if (n == NULL || (below != NULL && node_attach(n, below) != 0)) {
            if (n == NULL)
                node_put(below);
            node_put(n);
            return NULL;
        }
        below = n;
        end = (size_t)(name - path) - 1;
    }
    return below;
}

/* Notes all nodes to be made, and the one they hang from, whose list of children changes. */
static int touch_new(struct session *s, struct transaction *tx, const char *path, size_t len,
                     size_t at, unsigned *count)
{
    int err = transaction_touch(s, tx, path, at, TOUCH_USED);
    *count = 0;
    for (size_t i = at + 1; err == 0 && i <= len; i++)
        if (i == len || (path[i] == '/' && i > at)) {
            ++*count;
            err = transaction_touch(s, tx, path, i,
                                    TOUCH_CHANGED | (i == len ? (unsigned)TOUCH_EVENT : 0u));
        }
    return err;
}

/* May `count` nodes be made below `above`, the first `name` bytes long, the last with n bytes of
 * value? */
static int may_create(const struct session *s, const struct transaction *tx,
                      const struct node *above, unsigned count, size_t names, size_t name, size_t n)
{
    size_t each = sizeof(struct node) + above->perms->n * sizeof(struct perm);
    size_t limit = s->st->limits.node_size;
    int err = quota(s, tx, (int)count, count * each + names + n);
    if (err != 0 || s->who.privileged)
        return err;
    bool fits = quota_size(n, above->perms->n, 0) <= limit &&
                quota_size(value_len(above), above->perms->n, above->names_len + name + 1) <= limit;
    return fits ? 0 : ENOSPC;
}

/* The parent's list; but who makes the node owns it, if that is not dom0. */
static struct perms *inherited(const struct session *s, const struct node *above)
{
    if (s->who.privileged || perms_owner(above->perms) == s->who.domid)
        return perms_get(above->perms);
    return perms_with_owner(above->perms, s->who.domid);
}

static int attach_counted(struct session *s, struct transaction *tx, const char *path, size_t at,
                          struct node *chain, unsigned count)
{
    struct storage *st = s->st;
    uint16_t owner = perms_owner(chain->perms);
    long bytes = 0;
    for (const struct node *c = chain; c != NULL; c = c->children > 0 ? c->child[0] : NULL)
        bytes += node_bytes(c);
    if (transaction_count(st, tx, owner, (int)count, bytes) != 0) {
        node_put(chain);
        return ENOMEM;
    }
    int err = tree_attach(transaction_root(st, tx), path, at, chain, st->generation);
    if (err != 0)
        transaction_count(st, tx, owner, -(int)count, -bytes); /* is known by now: cannot fail */
    return err;
}

/* Makes the node, and those between it and `above`, whose path is the first `at` bytes. */
static int create(struct session *s, struct transaction *tx, const char *path, size_t len,
                  struct node *above, size_t at, const char *bytes, size_t n)
{
    unsigned count;
    size_t name = at == 1 ? 1 : at + 1, name_end = name;
    while (name_end < len && path[name_end] != '/')
        name_end++;
    int err = touch_new(s, tx, path, len, at, &count);
    if (err == 0)
        err = may_create(s, tx, above, count, len - at, name_end - name, n);
    if (err != 0)
        return err;
    struct perms *perms = inherited(s, above);
    struct value *value = value_new(bytes, n);
    if (perms == NULL || (value == NULL && n > 0)) {
        perms_put(perms);
        value_put(value);
        return ENOMEM;
    }
    s->st->generation++;
    struct node *chain = make_chain(s, path, len, at, value, perms);
    perms_put(perms);
    err = chain != NULL ? attach_counted(s, tx, path, at, chain, count) : ENOMEM;
    if (err == 0 && tx == NULL)
        fire_now(s, path, len, NULL);
    return err;
}

static int overwrite(struct session *s, struct transaction *tx, const char *path, size_t len,
                     const struct node *node, const char *bytes, size_t n)
{
    struct storage *st = s->st;
    long more = (long)n - (long)value_len(node);
    uint16_t owner = perms_owner(node->perms);
    if (!s->who.privileged && quota_size(n, node->perms->n, node->names_len) > st->limits.node_size)
        return ENOSPC;
    int err = quota(s, tx, 0, more > 0 ? (size_t)more : 0);
    if (err == 0)
        err = transaction_touch(s, tx, path, len, TOUCH_CHANGED | TOUCH_EVENT);
    if (err != 0)
        return err;
    struct value *value = value_new(bytes, n);
    if (value == NULL && n > 0)
        return ENOMEM;
    if (transaction_count(st, tx, owner, 0, more) != 0) {
        value_put(value);
        return ENOMEM;
    }
    err = tree_set_value(transaction_root(st, tx), path, len, value, ++st->generation);
    if (err != 0)
        transaction_count(st, tx, owner, 0, -more);
    else if (tx == NULL)
        fire_now(s, path, len, NULL);
    return err;
}

int node_write(struct session *s, struct transaction *tx, const char *path, size_t len,
               const char *bytes, size_t n)
{
    struct node *node;
    size_t at;
    int err = look_up(s, tx, path, len, PERM_WRITE, &node, &at);
    if (err != 0)
        return err;
    return at < len ? create(s, tx, path, len, node, at, bytes, n)
                    : overwrite(s, tx, path, len, node, bytes, n);
}

int node_mkdir(struct session *s, struct transaction *tx, const char *path, size_t len)
{
    struct node *node;
    size_t at;
    int err = look_up(s, tx, path, len, PERM_WRITE, &node, &at);
    return err == 0 && at < len ? create(s, tx, path, len, node, at, NULL, 0) : err;
}

/* A subtree on its way out. */
struct removal {
    struct session *s;
    struct transaction *tx;
    const struct perms *parent; /* of the removed root's parent */
    const struct node *root;
};

static int touch_removed(struct node *n, struct node *parent, const char *path, size_t len,
                         void *arg)
{
    struct removal *r = arg;
    (void)parent;
    int err = transaction_touch(r->s, r->tx, path, len,
                                TOUCH_CHANGED | (n == r->root ? TOUCH_EVENT : TOUCH_GONE));
    /* makes known the owner to the transaction: counting cannot fail afterwards */
    return err != 0 ? err : transaction_count(r->s->st, r->tx, perms_owner(n->perms), 0, 0);
}

static int count_removed(struct node *n, struct node *parent, const char *path, size_t len,
                         void *arg)
{
    struct removal *r = arg;
    (void)parent, (void)path, (void)len;
    return transaction_count(r->s->st, r->tx, perms_owner(n->perms), -1, -node_bytes(n));
}

static int fire_removed(struct node *n, struct node *parent, const char *path, size_t len,
                        void *arg)
{
    struct removal *r = arg;
    const struct change change = {.path = path,
                                  .len = len,
                                  .exact = n != r->root,
                                  .before = n->perms,
                                  .parent = parent != NULL ? parent->perms : r->parent};
    watch_fire(&r->s->st->watches, &change, cause(r->s));
    return 0;
}

static int remove_existing(struct session *s, struct transaction *tx, const char *path, size_t len,
                           struct node *node)
{
    char buffer[XENSTORE_ABS_PATH_MAX + 1];
    size_t parent_len = path_parent(path, len);
    struct removal r = {.s = s, .tx = tx, .root = node};
    struct node *removed;
    memcpy(buffer, path, len + 1);
    int err = tx != NULL ? tree_walk(node, buffer, len, false, touch_removed, &r) : 0;
    if (err == 0)
        err = tree_detach(transaction_root(s->st, tx), path, len, ++s->st->generation, &removed);
    if (err != 0)
        return err;
    r.root = removed;
    r.parent = tree_find(*transaction_root(s->st, tx), path, parent_len)->perms;
    tree_walk(removed, buffer, len, false, count_removed, &r);
    if (tx == NULL)
        tree_walk(removed, buffer, len, true, fire_removed, &r);
    node_put(removed);
    return 0;
}

int node_remove(struct session *s, struct transaction *tx, const char *path, size_t len)
{
    struct node *node;
    size_t at;
    int err = look_up(s, tx, path, len, PERM_WRITE, &node, &at);
    if (err == 0 && len == 1)
        err = EINVAL; /* the root stays */
    if (err == 0)
        err = transaction_touch(s, tx, path, path_parent(path, len), TOUCH_USED);
    if (err != 0)
        return err;
    if (at == len)
        return remove_existing(s, tx, path, len, node);
    return at == path_parent(path, len) ? 0 : ENOENT;
}

/* Quotas and the owner's existence. Asking for the others makes known that they are there, or not.
 */
static int may_set(struct session *s, const struct perms *now, const struct perms *perms)
{
    struct storage *st = s->st;
    if (!s->who.privileged && perms->n > st->limits.permissions)
        return ENOSPC;
    if (perms_owner(perms) != perms_owner(now)) {
        if (perms_owner(perms) != 0 && !st->domain_exists(st, perms_owner(perms)))
            return ENOENT;
        if (!s->who.privileged)
            return EPERM;
    }
    for (uint32_t i = 1; i < perms->n; i++)
        if (perms->entry[i].domid != 0)
            st->domain_exists(st, perms->entry[i].domid);
    return 0;
}

/* Moves a node from one owner's account to another's. Back again it cannot fail. */
static int move_count(struct storage *st, struct transaction *tx, uint16_t from, long bytes,
                      uint16_t to, long new_bytes)
{
    int err = transaction_count(st, tx, to, 1, new_bytes);
    if (err == 0 && (err = transaction_count(st, tx, from, -1, -bytes)) != 0)
        transaction_count(st, tx, to, -1, -new_bytes);
    return err;
}

static int replace_perms(struct session *s, struct transaction *tx, const char *path, size_t len,
                         struct perms *perms)
{
    struct storage *st = s->st;
    const struct node *node = tree_find(*transaction_root(st, tx), path, len);
    uint16_t from = perms_owner(node->perms), to = perms_owner(perms);
    long bytes = node_bytes(node);
    long new_bytes = bytes + ((long)perms->n - (long)node->perms->n) * (long)sizeof(struct perm);
    int err = transaction_touch(s, tx, path, len, TOUCH_CHANGED | TOUCH_EVENT);
    if (err == 0)
        err = move_count(st, tx, from, bytes, to, new_bytes);
    if (err != 0)
        return err;
    struct perms *before = perms_get(node->perms);
    err = tree_set_perms(transaction_root(st, tx), path, len, perms_get(perms), ++st->generation);
    if (err != 0)
        move_count(st, tx, to, new_bytes, from, bytes);
    else if (tx == NULL)
        fire_now(s, path, len, before);
    perms_put(before);
    return err;
}

static int set_perms(struct session *s, struct transaction *tx, const char *path, size_t len,
                     struct perms *perms)
{
    struct node *node;
    size_t at;
    int err = look_up(s, tx, path, len, PERM_OWNER, &node, &at);
    if (err == 0 && at < len)
        return ENOENT;
    if (err == 0)
        err = may_set(s, node->perms, perms);
    /* a domain that was new to the store may have had entries made void: look again */
    node = tree_find(*transaction_root(s->st, tx), path, len);
    if (err == 0 && !s->who.privileged &&
        quota_size(value_len(node), perms->n, node->names_len) > s->st->limits.node_size)
        return ENOSPC;
    if (err != 0)
        return err;
    return replace_perms(s, tx, path, len, perms);
}

int node_set_perms(struct session *s, struct transaction *tx, const char *path, size_t len,
                   struct perms *perms)
{
    int err = set_perms(s, tx, path, len, perms);
    perms_put(perms);
    return err;
}

int node_replace_perms(struct session *s, const char *path, size_t len, struct perms *perms)
{
    int err = replace_perms(s, NULL, path, len, perms);
    perms_put(perms);
    return err;
}

int special_set_perms(struct session *s, enum special_node which, struct perms *perms)
{
    struct perms **now = &s->st->special[which];
    int err = (perms_of(*now, &s->who) & PERM_OWNER) != 0 ? may_set(s, *now, perms) : EACCES;
    if (err != 0) {
        perms_put(perms);
        return err;
    }
    perms_put(*now);
    *now = perms;
    return 0;
}
