/* SPDX-License-Identifier: MIT */
/* Open transactions: what they have used, what they would change in the accounts, and how they
 * commit. */
#include "xenstore/transaction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int transaction_start(struct session *s, uint32_t *id)
{
    if (!s->who.privileged && s->account->transactions >= s->st->limits.transactions)
        return ENOSPC;
    struct transaction *tx = calloc(1, sizeof(*tx));
    if (tx == NULL)
        return ENOMEM;
    do
        tx->id = ++s->last_tx;
    while (tx->id == 0 || transaction_find(s, tx->id) != NULL);
    tx->next = s->transactions;
    s->transactions = tx;
    s->account->transactions++;
    *id = tx->id;
    return 0;
}

struct transaction *transaction_find(struct session *s, uint32_t id)
{
    struct transaction *tx = s->transactions;
    while (tx != NULL && tx->id != id)
        tx = tx->next;
    return tx;
}

struct node **transaction_root(struct storage *st, struct transaction *tx)
{
    return tx == NULL ? &st->root : &tx->work;
}

static uint32_t touch_hash(const char *path, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)path[i]) * 16777619u;
    return h;
}

/* Where in the index a path is, or would be. */
static uint32_t *index_slot(const struct transaction *tx, const char *path, size_t len,
                            uint32_t hash)
{
    uint32_t size = tx->room * 2, at = hash & (size - 1);
    for (; tx->index[at] != 0; at = (at + 1) & (size - 1)) {
        const struct touch *t = tx->list[tx->index[at] - 1];
        if (t->hash == hash && t->len == len && memcmp(t->path, path, len) == 0)
            break;
    }
    return &tx->index[at];
}

static int grow(struct transaction *tx)
{
    unsigned room = tx->room == 0 ? 16 : tx->room * 2;
    uint32_t *index = calloc(room * 2, sizeof(*index));
    struct touch **list = realloc(tx->list, room * sizeof(*list));
    if (list != NULL)
        tx->list = list;
    if (index == NULL || list == NULL) {
        free(index);
        return ENOMEM;
    }
    free(tx->index);
    tx->index = index;
    tx->room = room;
    for (unsigned i = 0; i < tx->n; i++)
        *index_slot(tx, tx->list[i]->path, tx->list[i]->len, tx->list[i]->hash) = i + 1;
    return 0;
}

static void charge(struct session *s, struct transaction *tx, size_t bytes)
{
    tx->bytes += bytes;
    s->account->memory += bytes;
}

int transaction_touch(struct session *s, struct transaction *tx, const char *path, size_t len,
                      unsigned flags)
{
    if (tx == NULL)
        return 0;
    if (tx->n == tx->room && grow(tx) != 0)
        return ENOMEM;
    if (tx->base == NULL) {
        tx->base = node_get(s->st->root);
        tx->work = node_get(s->st->root);
    }
    uint32_t hash = touch_hash(path, len);
    uint32_t *slot = index_slot(tx, path, len, hash);
    if (*slot != 0) {
        tx->list[*slot - 1]->flags |= flags;
        return 0;
    }
    if (!s->who.privileged && (tx->n >= s->st->limits.transaction_nodes ||
                               s->account->memory + len > s->st->limits.memory))
        return ENOSPC;
    struct touch *t = malloc(sizeof(*t) + len + 1);
    if (t == NULL)
        return ENOMEM;
    *t = (struct touch){.hash = hash, .len = (uint32_t)len, .flags = flags};
    memcpy(t->path, path, len);
    t->path[len] = '\0';
    tx->list[tx->n++] = t;
    *slot = tx->n;
    charge(s, tx, sizeof(*t) + len);
    return 0;
}

static void account_add(struct account *a, int nodes, long bytes)
{
    a->nodes = (unsigned)((int)a->nodes + nodes);
    a->memory = (size_t)((long)a->memory + bytes);
}

int transaction_count(struct storage *st, struct transaction *tx, uint16_t owner, int nodes,
                      long bytes)
{
    struct account *a = account_get(st, owner);
    if (a == NULL)
        return ENOMEM;
    if (tx == NULL) {
        account_add(a, nodes, bytes);
        return 0;
    }
    unsigned i = 0;
    while (i < tx->deltas && tx->delta[i].domid != owner)
        i++;
    if (i == tx->deltas) {
        struct delta *list = realloc(tx->delta, (i + 1) * sizeof(*list));
        if (list == NULL)
            return ENOMEM;
        tx->delta = list;
        tx->delta[tx->deltas++] = (struct delta){.domid = owner};
    }
    tx->delta[i].nodes += nodes;
    tx->delta[i].bytes += bytes;
    return 0;
}

long transaction_nodes(struct storage *st, const struct transaction *tx, uint16_t domid)
{
    const struct account *a = account_find(st, domid);
    long nodes = a != NULL ? (long)a->nodes : 0;
    for (unsigned i = 0; tx != NULL && i < tx->deltas; i++)
        if (tx->delta[i].domid == domid)
            nodes += tx->delta[i].nodes;
    return nodes;
}

/* Has anybody changed what the transaction used? */
static bool conflicts(struct storage *st, const struct transaction *tx)
{
    if (tx->base == NULL || tx->base == st->root)
        return false;
    for (unsigned i = 0; i < tx->n; i++) {
        const struct touch *t = tx->list[i];
        const struct node *then = tree_find(tx->base, t->path, t->len);
        const struct node *now = tree_find(st->root, t->path, t->len);
        if (then != now && (then == NULL || now == NULL || then->generation != now->generation))
            return true;
    }
    return false;
}

static unsigned depth(const struct touch *t)
{
    unsigned n = 0;
    for (uint32_t i = 0; i + 1 < t->len; i++)
        n += t->path[i] == '/';
    return t->len > 1 ? n : 0;
}

struct step {
    const struct touch *touch;
    unsigned depth, order;
};

static int compare_steps(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* Makes one path in the version *root what it is in the transaction's work. */
static int carry_path(struct storage *st, struct node **root, const struct transaction *tx,
                      const char *path, size_t len)
{
    struct node *want = tree_find(tx->work, path, len), *have = tree_find(*root, path, len);
    size_t parent = path_parent(path, len);
    if (want == NULL && have != NULL) {
        struct node *removed;
        if (tree_detach(root, path, len, ++st->generation, &removed) != 0)
            return ENOMEM;
        node_put(removed);
        return 0;
    }
    if (want == NULL || (have != NULL && want->generation == have->generation))
        return 0;
    if (want->value != NULL)
        want->value->refs++;
    perms_get(want->perms);
    if (have == NULL) {
        struct node *n =
            node_new(want->name, want->name_len, want->value, want->perms, want->generation);
        return n == NULL ? ENOMEM : tree_attach(root, path, parent, n, ++st->generation);
    }
    if (tree_set_value(root, path, len, want->value, want->generation) != 0) {
        perms_put(want->perms);
        return ENOMEM;
    }
    return tree_set_perms(root, path, len, want->perms, want->generation);
}

/* The new version of the tree: work itself, or the current one with the changes; parents before
 * children. */
static int new_root(struct storage *st, const struct transaction *tx, struct node **root)
{
    if (tx->base == st->root) {
        *root = node_get(tx->work);
        return 0;
    }
    struct step *steps = malloc((tx->n + 1) * sizeof(*steps));
    unsigned n = 0;
    int err = steps == NULL ? ENOMEM : 0;
    for (unsigned i = 0; err == 0 && i < tx->n; i++)
        if (tx->list[i]->flags & TOUCH_CHANGED)
            steps[n++] = (struct step){tx->list[i], depth(tx->list[i]), i};
    *root = node_get(st->root);
    if (n > 0)
        qsort(steps, n, sizeof(*steps), compare_steps);
    for (unsigned i = 0; err == 0 && i < n; i++)
        err = carry_path(st, root, tx, steps[i].touch->path, steps[i].touch->len);
    free(steps);
    if (err != 0)
        node_put(*root);
    return err;
}

static void fire(struct session *s, const struct touch *t, struct node *before, struct node *after)
{
    const struct node *old = tree_find(before, t->path, t->len);
    const struct node *now = tree_find(after, t->path, t->len);
    size_t len = path_parent(t->path, t->len);
    const struct node *parent = tree_find(after, t->path, len);
    if (old == NULL && now == NULL)
        return; /* came and went */
    if (old != NULL && now != NULL && old->generation == now->generation)
        return; /* a change that was refused */
    if (parent == NULL)
        parent = tree_find(before, t->path, len);
    const struct change change = {.path = t->path,
                                  .len = t->len,
                                  .exact = (t->flags & TOUCH_EVENT) == 0,
                                  .before = old != NULL ? old->perms : NULL,
                                  .now = now != NULL ? now->perms : NULL,
                                  .parent = parent != NULL ? parent->perms : NULL};
    watch_fire(&s->st->watches, &change, s->who.privileged ? NULL : s->account);
}

/* Are the owners still there, and within their quota? After this the accounts exist. */
static int may_count(struct session *s, const struct transaction *tx)
{
    struct storage *st = s->st;
    for (unsigned i = 0; i < tx->deltas; i++) {
        const struct delta *d = &tx->delta[i];
        if (d->nodes > 0 && d->domid != 0 && !st->domain_exists(st, d->domid))
            return EAGAIN; /* it died meanwhile */
        if (account_get(st, d->domid) == NULL)
            return ENOMEM;
        if (!s->who.privileged && d->nodes > 0 &&
            transaction_nodes(st, tx, d->domid) > (long)st->limits.nodes)
            return ENOSPC;
    }
    return 0;
}

static int commit(struct session *s, struct transaction *tx)
{
    struct storage *st = s->st;
    struct node *root, *before = st->root;
    if (conflicts(st, tx))
        return EAGAIN;
    if (tx->base == NULL)
        return 0; /* was never used */
    int err = may_count(s, tx);
    if (err == 0)
        err = new_root(st, tx, &root);
    if (err != 0)
        return err;
    /* commit */
    st->root = root;
    for (unsigned i = 0; i < tx->deltas; i++)
        account_add(account_find(st, tx->delta[i].domid), tx->delta[i].nodes, tx->delta[i].bytes);
    for (unsigned i = 0; i < tx->n; i++)
        if (tx->list[i]->flags & (TOUCH_EVENT | TOUCH_GONE))
            fire(s, tx->list[i], before, root);
    node_put(before);
    return 0;
}

int transaction_end(struct session *s, struct transaction *tx, bool do_commit)
{
    int err = do_commit ? commit(s, tx) : 0;
    struct transaction **at = &s->transactions;
    while (*at != tx)
        at = &(*at)->next;
    *at = tx->next;
    s->account->transactions--;
    s->account->memory -= tx->bytes;
    for (unsigned i = 0; i < tx->n; i++)
        free(tx->list[i]);
    free(tx->list);
    free(tx->index);
    free(tx->delta);
    node_put(tx->base);
    node_put(tx->work);
    free(tx);
    return err;
}
