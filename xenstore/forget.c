/* SPDX-License-Identifier: MIT */
/*
 * When a domain dies, what it owned and what it was allowed goes, lest the next domain of its
 * number find it: its nodes with all below, its entries in other nodes' permissions. When a domain
 * appears, entries made for its number before it was there are void for the same reason. The paths
 * are collected first, then worked on one by one as a session of dom0 would.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/storage.h"
#include "xenstore/transaction.h"

struct found {
    struct found *next;
    bool owned;
    size_t len;
    char path[];
};

struct search {
    uint16_t domid;
    bool owned; /* also what it owns, not only entries for it */
    struct found *first, **end;
};

static int look_at(struct node *n, struct node *parent, const char *path, size_t len, void *arg)
{
    struct search *search = arg;
    bool owned = search->owned && perms_owner(n->perms) == search->domid;
    if (!owned && !perms_name(n->perms, search->domid))
        return 0;
    struct found *f = malloc(sizeof(*f) + len + 1);
    if (f == NULL)
        return ENOMEM;
    *f = (struct found){.owned = owned, .len = len};
    memcpy(f->path, path, len + 1);
    *search->end = f;
    search->end = &f->next;
    return owned && parent != NULL ? WALK_SKIP : 0;
}

/* The list without the domain's entries, and without the domain as owner. */
static struct perms *cleaned(const struct perms *perms, uint16_t domid, bool owned)
{
    struct perms *p = perms_without(perms, domid);
    if (p != NULL && owned && perms_owner(p) == domid)
        p->entry[0].domid = 0;
    return p;
}

static int clean_up(struct session *dom0, const struct found *f, uint16_t domid)
{
    struct node *n = tree_find(dom0->st->root, f->path, f->len);
    if (n == NULL)
        return 0; /* went with one above */
    if (f->owned && f->len > 1)
        return node_remove(dom0, NULL, f->path, f->len);
    struct perms *perms = cleaned(n->perms, domid, f->owned);
    return perms == NULL ? ENOMEM : node_replace_perms(dom0, f->path, f->len, perms);
}

static int clean_special(struct storage *st, uint16_t domid, bool owned)
{
    for (int i = 0; i < SPECIAL_NODES; i++) {
        struct perms *perms = cleaned(st->special[i], domid, owned);
        if (perms == NULL)
            return ENOMEM;
        perms_put(st->special[i]);
        st->special[i] = perms;
    }
    return 0;
}

static int clean(struct storage *st, uint16_t domid, bool owned)
{
    char path[XENSTORE_ABS_PATH_MAX + 1] = "/";
    struct search search = {.domid = domid, .owned = owned, .end = &search.first};
    struct session dom0 = {.st = NULL};
    int err = session_open(&dom0, st, 0);
    if (err != 0)
        return err;
    err = tree_walk(st->root, path, 1, false, look_at, &search);
    while (search.first != NULL) {
        struct found *f = search.first;
        search.first = f->next;
        if (err == 0)
            err = clean_up(&dom0, f, domid);
        free(f);
    }
    session_close(&dom0);
    return err != 0 ? err : clean_special(st, domid, owned);
}

int storage_forget_domain(struct storage *st, uint16_t domid)
{
    return clean(st, domid, true);
}

int storage_void_entries(struct storage *st, uint16_t domid)
{
    return clean(st, domid, false);
}
