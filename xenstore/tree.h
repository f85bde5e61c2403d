/* SPDX-License-Identifier: MIT */
/*
 * The tree of nodes, copy-on-write. A root pointer is a whole version of the tree: who wants to
 * keep one takes a reference with node_get(), and from then on whoever changes the tree through
 * another root pointer copies the nodes from the root to the changed one and shares the rest. A
 * node with one reference whose ancestors have one too belongs to one version only and is changed
 * in place.
 *
 * Each change gives the node a fresh generation: of two versions of a tree, nodes at one path with
 * the same generation are the same in value, permissions and list of children's names. A child's
 * change leaves its parent's generation alone.
 *
 * Paths here are absolute, well-formed and given with their length; "/" has length 1. Depth is
 * bounded by the longest path (a name each two bytes), so recursion is too.
 */
#ifndef XENSTORE_TREE_H
#define XENSTORE_TREE_H

#include "xenstore/perms.h"

struct value {
    unsigned refs;
    uint32_t len;
    char bytes[];
};

struct node {
    unsigned refs;
    uint32_t children, room; /* in child[]: in use, and allocated */
    uint64_t generation;
    struct value *value; /* NULL: empty */
    struct perms *perms;
    struct node **child; /* in order of creation */
    uint32_t names_len;  /* of all children's names with their NULs */
    uint32_t hash;       /* of name */
    uint16_t name_len;
    char name[]; /* NUL-terminated */
};

/* Takes over the reference to value, which may be NULL, and to perms, also when it fails (NULL,
 * ENOMEM). */
struct node *node_new(const char *name, size_t len, struct value *value, struct perms *perms,
                      uint64_t generation);
struct node *node_get(struct node *n);
void node_put(struct node *n);
struct value *value_new(const char *bytes, size_t len); /* NULL with errno 0 when len is 0 */
void value_put(struct value *v);

struct node *tree_find(struct node *root, const char *path, size_t len);
/* The deepest node there is at or above path; *at is how much of the path is its own. */
struct node *tree_find_nearest(struct node *root, const char *path, size_t len, size_t *at);

/*
 * Changes. Each first makes the path of *root its own, which may fail with ENOMEM and then has
 * changed nothing that can be seen; the rest cannot fail. The node meant must exist. tree_attach()
 * takes over the reference to child, also when it fails. tree_detach() hands the removed node over
 * in *removed; path is not "/".
 */
int tree_set_value(struct node **root, const char *path, size_t len, struct value *value,
                   uint64_t generation);
int tree_set_perms(struct node **root, const char *path, size_t len, struct perms *perms,
                   uint64_t generation);
int tree_attach(struct node **root, const char *parent, size_t len, struct node *child,
                uint64_t generation);
int tree_detach(struct node **root, const char *path, size_t len, uint64_t generation,
                struct node **removed);
/* Puts child below a node that nobody else knows yet. Takes over the reference. */
int node_attach(struct node *parent, struct node *child);

/* Length of the parent's path: 1 for children of the root. */
size_t path_parent(const char *path, size_t len);
/* The last name in a path. */
const char *path_name(const char *path, size_t len, size_t *name_len);
/* Is a path at or below another? */
bool path_below(const char *path, size_t len, const char *above, size_t above_len);

/*
 * Visits n and all below, parents first, or last when leaves_first is set; path must have room for
 * XENSTORE_ABS_PATH_MAX + 1 bytes and holds the len bytes of n's own path at the start. parent is
 * NULL for n. A visit that returns WALK_SKIP keeps the walk out of the node's children; another
 * nonzero ends it.
 */
#define WALK_SKIP (-1)
typedef int node_visit(struct node *n, struct node *parent, const char *path, size_t len,
                       void *arg);
int tree_walk(struct node *n, char *path, size_t len, bool leaves_first, node_visit *visit,
              void *arg);

#endif
