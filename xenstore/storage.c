/* SPDX-License-Identifier: MIT */
/* The store as a whole: its first nodes, sessions, what domains use, and how a path is read. */
#include "xenstore/storage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/transaction.h"

/* A node of dom0's own, below a path. */
static struct node *first_node(struct storage *st, const char *name)
{
    static const struct perm dom0 = {.domid = 0, .access = PERM_NONE};
    struct perms *perms = perms_new(1, &dom0);
    if (perms == NULL || transaction_count(st, NULL, 0, 1, 0) != 0) {
        perms_put(perms);
        return NULL;
    }
    return node_new(name, strlen(name), NULL, perms, ++st->generation);
}

int storage_init(struct storage *st)
{
    static const struct perm dom0 = {.domid = 0, .access = PERM_NONE};
    *st = (struct storage){.limits = default_limits};
    struct node *root = first_node(st, ""), *tool = first_node(st, "tool");
    struct node *own = first_node(st, "xenstored");
    if (root == NULL || tool == NULL || own == NULL) {
        node_put(root);
        node_put(tool);
        node_put(own);
        return ENOMEM;
    }
    st->root = root;
    if (node_attach(tool, own) != 0) {
        node_put(tool);
        return ENOMEM;
    }
    if (node_attach(root, tool) != 0)
        return ENOMEM;
    for (int i = 0; i < SPECIAL_NODES; i++)
        if ((st->special[i] = perms_new(1, &dom0)) == NULL)
            return ENOMEM;
    return 0;
}

void storage_free(struct storage *st)
{
    node_put(st->root);
    st->root = NULL;
    for (int i = 0; i < SPECIAL_NODES; i++)
        perms_put(st->special[i]);
    for (unsigned i = 0; i < ACCOUNT_BUCKETS; i++)
        while (st->accounts[i] != NULL) {
            struct account *a = st->accounts[i];
            st->accounts[i] = a->next;
            free(a);
        }
    watch_table_free(&st->watches);
}

struct account *account_find(struct storage *st, uint16_t domid)
{
    struct account *a = st->accounts[domid % ACCOUNT_BUCKETS];
    while (a != NULL && a->domid != domid)
        a = a->next;
    return a;
}

struct account *account_get(struct storage *st, uint16_t domid)
{
    struct account *a = account_find(st, domid);
    if (a != NULL || (a = calloc(1, sizeof(*a))) == NULL)
        return a;
    a->domid = domid;
    a->next = st->accounts[domid % ACCOUNT_BUCKETS];
    st->accounts[domid % ACCOUNT_BUCKETS] = a;
    return a;
}

void account_drop(struct storage *st, uint16_t domid)
{
    struct account **at = &st->accounts[domid % ACCOUNT_BUCKETS];
    while (*at != NULL && (*at)->domid != domid)
        at = &(*at)->next;
    struct account *a = *at;
    /* kept while events it caused wait in others' queues: it is a few bytes, and its number's next
     * owner's */
    if (a == NULL || a->outstanding > 0 || a->session != NULL || a->nodes > 0)
        return;
    *at = a->next;
    free(a);
}

void account_event_taken(struct storage *st, struct account *cause)
{
    if (cause == NULL)
        return;
    cause->outstanding--;
    if (cause->session != NULL && cause->outstanding + 1 == st->limits.outstanding &&
        st->wake != NULL)
        st->wake(cause->session);
}

int session_open(struct session *s, struct storage *st, uint16_t domid)
{
    struct account *account = account_get(st, domid);
    if (account == NULL)
        return ENOMEM;
    s->st = st;
    s->who = (struct subject){.domid = domid, .target = DOMID_NOBODY, .privileged = domid == 0};
    s->account = account;
    s->home_len = (size_t)snprintf(s->home, sizeof(s->home), "/local/domain/%u", domid);
    s->watches = NULL;
    s->watches_end = &s->watches;
    s->transactions = NULL;
    s->last_tx = 0;
    s->next = st->sessions;
    st->sessions = s;
    if (domid != 0)
        account->session = s;
    return 0;
}

void session_reset(struct session *s)
{
    watch_remove_all(s);
    while (s->transactions != NULL)
        transaction_end(s, s->transactions, false); /* an abort cannot fail */
}

void session_close(struct session *s)
{
    session_reset(s);
    struct session **at = &s->st->sessions;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (s->account->session == s)
        s->account->session = NULL;
}

static bool path_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '/' || c == '_' || c == '@';
}

static bool well_formed(const char *path, size_t len)
{
    if (len == 0 || (len > 1 && path[len - 1] == '/'))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!path_char(path[i]) || (path[i] == '/' && i + 1 < len && path[i + 1] == '/'))
            return false;
    return true;
}

/* The part of an absolute path that counts for path_max. */
static size_t counted_length(const char *path, size_t len)
{
    static const char prefix[] = "/local/domain/";
    size_t at = sizeof(prefix) - 1;
    if (len <= at || memcmp(path, prefix, at) != 0)
        return len;
    size_t digits = at;
    while (digits < len && path[digits] >= '0' && path[digits] <= '9')
        digits++;
    return digits > at && digits < len && path[digits] == '/' ? len - digits - 1 : len;
}

int session_path(const struct session *s, const char *path, bool special, char *abs, size_t *len)
{
    size_t n = strlen(path), home = 0;
    bool is_special = path[0] == '@';
    if (!well_formed(path, n) || (is_special && !special))
        return EINVAL;
    if (path[0] != '/' && !is_special) {
        home = s->home_len + 1;
        memcpy(abs, s->home, s->home_len);
        abs[s->home_len] = '/';
    }
    if (home + n > XENSTORE_ABS_PATH_MAX)
        return EINVAL;
    memcpy(abs + home, path, n + 1);
    *len = home + n;
    return counted_length(abs, *len) > s->st->limits.path_max ? EINVAL : 0;
}

static const char *const special_names[SPECIAL_NODES] = {
    [SPECIAL_INTRODUCE] = "@introduceDomain",
    [SPECIAL_RELEASE] = "@releaseDomain",
};

enum special_node special_node(const char *path)
{
    enum special_node which = 0;
    while (which < SPECIAL_NODES && strcmp(path, special_names[which]) != 0)
        which++;
    return which;
}

void special_fire(struct storage *st, enum special_node which)
{
    const struct change change = {.path = special_names[which],
                                  .len = strlen(special_names[which]),
                                  .now = st->special[which]};
    watch_fire(&st->watches, &change, NULL);
}

/* Sums of what the tree holds, against what the accounts say. */
struct audit {
    struct storage *st;
    unsigned nodes[DOMID_NOBODY];
    const char *fault;
};

static int audit_node(struct node *n, struct node *parent, const char *path, size_t len, void *arg)
{
    struct audit *audit = arg;
    uint32_t names = 0;
    for (uint32_t i = 0; i < n->children; i++)
        names += n->child[i]->name_len + 1u;
    if (names != n->names_len)
        audit->fault = "a node's length of its children's names is wrong";
    else if (parent != NULL && tree_find(audit->st->root, path, len) != n)
        audit->fault = "a node is not found by its path";
    else if (n->generation > audit->st->generation)
        audit->fault = "a node is of a generation not yet given";
    audit->nodes[perms_owner(n->perms)]++;
    return audit->fault != NULL;
}

const char *storage_check(struct storage *st)
{
    char path[XENSTORE_ABS_PATH_MAX + 1] = "/";
    struct audit *audit = calloc(1, sizeof(*audit));
    if (audit == NULL)
        return "no memory for the check";
    audit->st = st;
    tree_walk(st->root, path, 1, false, audit_node, audit);
    for (unsigned d = 0; audit->fault == NULL && d < DOMID_NOBODY; d++) {
        const struct account *a = account_find(st, (uint16_t)d);
        if (audit->nodes[d] != (a != NULL ? a->nodes : 0))
            audit->fault = "a domain's count of nodes is wrong";
    }
    const char *fault = audit->fault;
    free(audit);
    return fault;
}
