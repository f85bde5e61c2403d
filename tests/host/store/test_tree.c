/* SPDX-License-Identifier: MIT */
/* The bare tree: versions that share and do not disturb each other, order, generations, paths. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct node *make(const char *name, uint64_t generation)
{
    static const struct perm entry = {0, PERM_NONE};
    struct node *n = node_new(name, strlen(name), NULL, perms_new(1, &entry), generation);
    assert_non_null(n);
    return n;
}

static void attach(struct node **root, const char *parent, const char *name, uint64_t generation)
{
    assert_int_equal(tree_attach(root, parent, strlen(parent), make(name, generation), generation),
                     0);
}

static struct node *find(struct node *root, const char *path)
{
    return tree_find(root, path, strlen(path));
}

static void set(struct node **root, const char *path, const char *text, uint64_t generation)
{
    assert_int_equal(
        tree_set_value(root, path, strlen(path), value_new(text, strlen(text)), generation), 0);
}

static void changes_in_place_when_alone(void **state)
{
    struct node *root = make("", 1), *before = root;
    (void)state;
    attach(&root, "/", "a", 2);
    struct node *a = find(root, "/a");
    set(&root, "/a", "x", 3);
    assert_ptr_equal(root, before);
    assert_ptr_equal(find(root, "/a"), a);
    node_put(root);
}

static void keeps_old_versions(void **state)
{
    struct node *root = make("", 1);
    (void)state;
    attach(&root, "/", "a", 2);
    attach(&root, "/a", "b", 3);
    attach(&root, "/", "c", 4);
    struct node *old = node_get(root);
    set(&root, "/a/b", "new", 5);
    assert_ptr_not_equal(root, old);
    assert_null(find(old, "/a/b")->value);
    assert_memory_equal(find(root, "/a/b")->value->bytes, "new", 3);
    assert_ptr_equal(find(root, "/c"), find(old, "/c")); /* shared */
    assert_int_equal(find(root, "/a")->generation, 3);   /* a child's value is not the parent's */
    node_put(old);
    assert_memory_equal(find(root, "/a/b")->value->bytes, "new", 3);
    node_put(root);
}

static void detaches_from_one_version_only(void **state)
{
    struct node *root = make("", 1), *removed;
    (void)state;
    attach(&root, "/", "a", 2);
    attach(&root, "/a", "b", 3);
    struct node *old = node_get(root);
    assert_int_equal(tree_detach(&root, "/a", 2, 9, &removed), 0);
    assert_null(find(root, "/a"));
    assert_int_equal(root->generation, 9);
    assert_int_equal(root->names_len, 0);
    assert_non_null(find(old, "/a/b"));
    assert_int_equal(old->generation, 2);
    node_put(removed);
    assert_non_null(find(old, "/a/b"));
    node_put(old);
    node_put(root);
}

static void keeps_the_order_of_creation(void **state)
{
    struct node *root = make("", 1), *removed;
    char name[16];
    (void)state;
    for (int i = 9; i >= 0; i--) {
        snprintf(name, sizeof(name), "n%d", i);
        attach(&root, "/", name, 2);
    }
    assert_int_equal(tree_detach(&root, "/n5", 3, 3, &removed), 0);
    node_put(removed);
    attach(&root, "/", "n5", 4);
    static const char *const want[] = {"n9", "n8", "n7", "n6", "n4", "n3", "n2", "n1", "n0", "n5"};
    assert_int_equal(root->children, 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_string_equal(root->child[i]->name, want[i]);
    node_put(root);
}

static void finds_the_nearest(void **state)
{
    struct node *root = make("", 1);
    size_t at;
    (void)state;
    attach(&root, "/", "a", 2);
    assert_ptr_equal(tree_find_nearest(root, "/a/b/c", 6, &at), find(root, "/a"));
    assert_int_equal(at, 2);
    assert_ptr_equal(tree_find_nearest(root, "/x/y", 4, &at), root);
    assert_int_equal(at, 1);
    assert_ptr_equal(tree_find_nearest(root, "/", 1, &at), root);
    assert_int_equal(at, 1);
    assert_null(find(root, "/ab"));
    node_put(root);
}

static void takes_paths_apart(void **state)
{
    size_t len;
    (void)state;
    assert_int_equal(path_parent("/a/bc", 5), 2);
    assert_int_equal(path_parent("/a", 2), 1);
    assert_string_equal(path_name("/a/bc", 5, &len), "bc");
    assert_int_equal(len, 2);
    assert_true(path_below("/a/b", 4, "/a", 2));
    assert_true(path_below("/a", 2, "/a", 2));
    assert_true(path_below("/a", 2, "/", 1));
    assert_false(path_below("/ab", 3, "/a", 2));
    assert_false(path_below("@release", 8, "/", 1));
}

/* As deep as a path can be: no recursion may run out of stack. */
static void is_as_deep_as_paths_are_long(void **state)
{
    char path[XENSTORE_ABS_PATH_MAX + 1] = "/", buffer[XENSTORE_ABS_PATH_MAX + 1] = "/";
    struct node *root = make("", 1);
    size_t len = 1;
    (void)state;
    while (len + 2 <= XENSTORE_ABS_PATH_MAX) {
        assert_int_equal(tree_attach(&root, path, len, make("d", 2), 2), 0);
        len = len == 1 ? 0 : len;
        memcpy(path + len, "/d", 3);
        len += 2;
    }
    struct node *old = node_get(root);
    assert_int_equal(tree_set_value(&root, path, len, value_new("x", 1), 3), 0);
    assert_int_equal(len, XENSTORE_ABS_PATH_MAX);
    assert_null(tree_find(old, path, len)->value);
    assert_non_null(tree_find(root, path, len)->value);
    node_put(old);
    memcpy(buffer, "/", 2);
    node_put(root);
}

static int visit(struct node *n, struct node *parent, const char *path, size_t len, void *arg)
{
    char *text = arg;
    (void)n;
    assert_int_equal(strlen(path), len);
    strcat(text, path);
    strcat(text, parent == NULL ? "! " : " ");
    return strcmp(path, "/a/skip") == 0 ? WALK_SKIP : 0;
}

static void walks_both_ways(void **state)
{
    char path[XENSTORE_ABS_PATH_MAX + 1] = "/a", text[256] = "";
    struct node *root = make("", 1);
    (void)state;
    attach(&root, "/", "a", 2);
    attach(&root, "/a", "b", 2);
    attach(&root, "/a/b", "c", 2);
    attach(&root, "/a", "skip", 2);
    attach(&root, "/a/skip", "e", 2);
    assert_int_equal(tree_walk(find(root, "/a"), path, 2, false, visit, text), 0);
    assert_string_equal(text, "/a! /a/b /a/b/c /a/skip ");
    text[0] = '\0';
    tree_walk(find(root, "/a/b"), strcpy(path, "/a/b"), 4, true, visit, text);
    assert_string_equal(text, "/a/b/c /a/b! ");
    node_put(root);
}

/* Random changes to many versions at once, against a model that is a plain list of paths and
 * values. */
enum { VERSIONS = 6, PATHS = 40 };
struct model {
    char value[PATHS][16]; /* "" : no such node */
};

static const char *model_path(int i)
{
    static char path[32];
    if (i < 8)
        snprintf(path, sizeof(path), "/%c", 'a' + i);
    else
        snprintf(path, sizeof(path), "/%c/%c", 'a' + i % 8, 'a' + i / 8);
    return path;
}

static void change(struct node **root, struct model *m, int i, uint64_t generation)
{
    const char *path = model_path(i);
    size_t name_len, len = strlen(path);
    bool there = find(*root, path) != NULL;
    char value[16];
    if (there && rand() % 3 == 0) {
        struct node *removed;
        assert_int_equal(tree_detach(root, path, len, generation, &removed), 0);
        node_put(removed);
        m->value[i][0] = '\0';
        for (int k = 8; i < 8 && k < PATHS; k++)
            if (k % 8 == i)
                m->value[k][0] = '\0';
        return;
    }
    if (!there && i >= 8 && m->value[i % 8][0] == '\0')
        return; /* no parent */
    if (!there)
        assert_int_equal(tree_attach(root, path, path_parent(path, len),
                                     make(path_name(path, len, &name_len), generation), generation),
                         0);
    snprintf(value, sizeof(value), "%d", rand() % 100000);
    set(root, path, value, generation);
    strcpy(m->value[i], value);
}

static void versions_agree_with_a_model(void **state)
{
    struct node *root[VERSIONS];
    struct model model[VERSIONS] = {0};
    (void)state;
    srand(1);
    for (int v = 0; v < VERSIONS; v++)
        root[v] = make("", 1);
    for (uint64_t step = 2; step < 20000; step++) {
        int v = rand() % VERSIONS, w = rand() % VERSIONS;
        if (rand() % 20 == 0 && v != w) {
            node_put(root[v]);
            root[v] = node_get(root[w]);
            model[v] = model[w];
        }
        change(&root[v], &model[v], rand() % PATHS, step);
        int i = rand() % PATHS;
        const struct node *n = find(root[w], model_path(i));
        assert_int_equal(n != NULL, model[w].value[i][0] != '\0');
        if (n != NULL)
            assert_memory_equal(n->value->bytes, model[w].value[i], n->value->len);
    }
    for (int v = 0; v < VERSIONS; v++)
        node_put(root[v]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_in_place_when_alone),
        cmocka_unit_test(keeps_old_versions),
        cmocka_unit_test(detaches_from_one_version_only),
        cmocka_unit_test(keeps_the_order_of_creation),
        cmocka_unit_test(finds_the_nearest),
        cmocka_unit_test(takes_paths_apart),
        cmocka_unit_test(is_as_deep_as_paths_are_long),
        cmocka_unit_test(walks_both_ways),
        cmocka_unit_test(versions_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
