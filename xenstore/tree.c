/* SPDX-License-Identifier: MIT */
/*
 * Nodes, versions of the tree, and the copy-on-write between them. See tree.h for what a version
 * is.
 *
 * Children are looked up by walking the array and comparing hashes: the lists are short, or, where
 * long, still one cache line a few children. A child's list keeps the order of creation, which
 * clients see.
 */
#include "xenstore/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/wire.h"

static uint32_t name_hash(const char *name, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h;
}

struct value *value_new(const char *bytes, size_t len)
{
    errno = 0;
    if (len == 0)
        return NULL;
    struct value *v = malloc(sizeof(*v) + len);
    if (v == NULL)
        return NULL;
    v->refs = 1;
    v->len = (uint32_t)len;
    memcpy(v->bytes, bytes, len);
    return v;
}

void value_put(struct value *v)
{
    if (v != NULL && --v->refs == 0)
        free(v);
}

struct node *node_new(const char *name, size_t len, struct value *value, struct perms *perms,
                      uint64_t generation)
{
    struct node *n = calloc(1, sizeof(*n) + len + 1);
    if (n == NULL) {
        value_put(value);
        perms_put(perms);
        errno = ENOMEM;
        return NULL;
    }
    n->refs = 1;
    n->generation = generation;
    n->value = value;
    n->perms = perms;
    n->name_len = (uint16_t)len;
    n->hash = name_hash(name, len);
    memcpy(n->name, name, len);
    return n;
}

struct node *node_get(struct node *n)
{
    n->refs++;
    return n;
}

void node_put(struct node *n)
{
    if (n == NULL || --n->refs > 0)
        return;
    for (uint32_t i = 0; i < n->children; i++)
        node_put(n->child[i]);
    value_put(n->value);
    perms_put(n->perms);
    free(n->child);
    free(n);
}

/* Position of a child in its parent's array; children when there is none. */
static uint32_t child_index(const struct node *n, const char *name, size_t len)
{
    uint32_t hash = name_hash(name, len), i;
    for (i = 0; i < n->children; i++) {
        const struct node *c = n->child[i];
        if (c->hash == hash && c->name_len == len && memcmp(c->name, name, len) == 0)
            break;
    }
    return i;
}

/* Steps over one name: *at is behind it afterwards. Returns its length, 0 at the path's end. */
static size_t next_name(const char *path, size_t len, size_t *at, const char **name)
{
    size_t from = *at;
    while (from < len && path[from] == '/')
        from++;
    *name = path + from;
    size_t end = from;
    while (end < len && path[end] != '/')
        end++;
    *at = end;
    return end - from;
}

struct node *tree_find_nearest(struct node *root, const char *path, size_t len, size_t *at)
{
    struct node *n = root;
    size_t pos = 0, name_len;
    const char *name;
    *at = 1;
    while ((name_len = next_name(path, len, &pos, &name)) > 0) {
        uint32_t i = child_index(n, name, name_len);
        if (i == n->children)
            break;
        n = n->child[i];
        *at = pos;
    }
    return n;
}

struct node *tree_find(struct node *root, const char *path, size_t len)
{
    size_t at;
    struct node *n = tree_find_nearest(root, path, len, &at);
    return at == len ? n : NULL;
}

static struct node *node_copy(const struct node *from)
{
    struct node *n = malloc(sizeof(*n) + from->name_len + 1u);
    if (n == NULL)
        return NULL;
    memcpy(n, from, sizeof(*n) + from->name_len + 1u);
    n->refs = 1;
    n->room = n->children;
    n->child = NULL;
    if (n->children > 0 && (n->child = malloc(n->children * sizeof(*n->child))) == NULL) {
        free(n);
        return NULL;
    }
    for (uint32_t i = 0; i < n->children; i++)
        n->child[i] = node_get(from->child[i]);
    if (n->value != NULL)
        n->value->refs++;
    perms_get(n->perms);
    return n;
}

/* Makes the node in a slot belong to this version alone. */
static struct node *slot_own(struct node **slot)
{
    if ((*slot)->refs == 1)
        return *slot;
    struct node *n = node_copy(*slot);
    if (n == NULL)
        return NULL;
    (*slot)->refs--;
    *slot = n;
    return n;
}

/* Makes all nodes along an existing path this version's own; the last one, or NULL with ENOMEM. */
static struct node *tree_own(struct node **root, const char *path, size_t len)
{
    struct node *n = slot_own(root);
    size_t pos = 0, name_len;
    const char *name;
    while (n != NULL && (name_len = next_name(path, len, &pos, &name)) > 0) {
        uint32_t i = child_index(n, name, name_len);
        assert(i < n->children);
        n = slot_own(&n->child[i]);
    }
    if (n == NULL)
        errno = ENOMEM;
    return n;
}

int tree_set_value(struct node **root, const char *path, size_t len, struct value *value,
                   uint64_t generation)
{
    struct node *n = tree_own(root, path, len);
    if (n == NULL) {
        value_put(value);
        return ENOMEM;
    }
    value_put(n->value);
    n->value = value;
    n->generation = generation;
    return 0;
}

int tree_set_perms(struct node **root, const char *path, size_t len, struct perms *perms,
                   uint64_t generation)
{
    struct node *n = tree_own(root, path, len);
    if (n == NULL) {
        perms_put(perms);
        return ENOMEM;
    }
    perms_put(n->perms);
    n->perms = perms;
    n->generation = generation;
    return 0;
}

int node_attach(struct node *parent, struct node *child)
{
    if (parent->children == parent->room) {
        uint32_t room = parent->room < 4 ? 4 : parent->room * 2;
        struct node **list = realloc(parent->child, room * sizeof(*list));
        if (list == NULL) {
            node_put(child);
            return ENOMEM;
        }
        parent->child = list;
        parent->room = room;
    }
    parent->child[parent->children++] = child;
    parent->names_len += child->name_len + 1u;
    return 0;
}

int tree_attach(struct node **root, const char *parent, size_t len, struct node *child,
                uint64_t generation)
{
    struct node *n = tree_own(root, parent, len);
    if (n == NULL) {
        node_put(child);
        return ENOMEM;
    }
    if (node_attach(n, child) != 0)
        return ENOMEM;
    n->generation = generation;
    return 0;
}

int tree_detach(struct node **root, const char *path, size_t len, uint64_t generation,
                struct node **removed)
{
    struct node *parent = tree_own(root, path, path_parent(path, len));
    size_t name_len;
    const char *name = path_name(path, len, &name_len);
    if (parent == NULL)
        return ENOMEM;
    uint32_t i = child_index(parent, name, name_len);
    assert(i < parent->children);
    *removed = parent->child[i];
    parent->children--;
    memmove(&parent->child[i], &parent->child[i + 1],
            (parent->children - i) * sizeof(*parent->child));
    parent->names_len -= (*removed)->name_len + 1u;
    parent->generation = generation;
    return 0;
}

size_t path_parent(const char *path, size_t len)
{
    while (len > 1 && path[len - 1] != '/')
        len--;
    return len > 1 ? len - 1 : 1;
}

const char *path_name(const char *path, size_t len, size_t *name_len)
{
    size_t from = len;
    while (from > 0 && path[from - 1] != '/')
        from--;
    *name_len = len - from;
    return path + from;
}

bool path_below(const char *path, size_t len, const char *above, size_t above_len)
{
    if (above_len == 1)
        return path[0] == '/';
    return len >= above_len && memcmp(path, above, above_len) == 0 &&
           (len == above_len || path[above_len] == '/');
}

struct walk {
    char *path;
    bool leaves_first;
    node_visit *visit;
    void *arg;
};

static int walk(const struct walk *w, struct node *n, struct node *parent, size_t len)
{
    int rc = w->leaves_first ? 0 : w->visit(n, parent, w->path, len, w->arg);
    if (rc == WALK_SKIP)
        return 0;
    for (uint32_t i = 0; rc == 0 && i < n->children; i++) {
        struct node *c = n->child[i];
        size_t at = len == 1 ? 0 : len;
        assert(at + 1 + c->name_len <= XENSTORE_ABS_PATH_MAX);
        w->path[at] = '/';
        memcpy(w->path + at + 1, c->name, c->name_len + 1u);
        rc = walk(w, c, n, at + 1 + c->name_len);
        w->path[len] = '\0';
    }
    return rc == 0 && w->leaves_first ? w->visit(n, parent, w->path, len, w->arg) : rc;
}

int tree_walk(struct node *n, char *path, size_t len, bool leaves_first, node_visit *visit,
              void *arg)
{
    const struct walk w = {path, leaves_first, visit, arg};
    return walk(&w, n, NULL, len);
}
