/* SPDX-License-Identifier: MIT */
/*
 * Want of memory: every allocation of an operation is made to fail in turn. It must answer ENOMEM,
 * leave the tree and the accounts as they were, and succeed when memory is there again.
 */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long fail_at = -1; /* allocations until one fails; -1: none does */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

static bool fails(void)
{
    if (fail_at < 0 || fail_at-- > 0)
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m)
{
    return fails() ? NULL : __real_calloc(n, m);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

static struct fake_session *dom0, *g;
static struct node *kept; /* a version held, so that every change copies */

static int dump_node(struct node *n, struct node *parent, const char *path, size_t len, void *arg)
{
    char *text = arg, perms[64];
    size_t p = perms_format(n->perms, perms, sizeof(perms));
    (void)parent, (void)len;
    text += strlen(text);
    text += sprintf(text, "%s=%.*s ", path, n->value != NULL ? (int)n->value->len : 0,
                    n->value != NULL ? n->value->bytes : "");
    for (size_t i = 0; i < p; i++)
        *text++ = perms[i] == '\0' ? ',' : perms[i];
    *text++ = '\n';
    *text = '\0';
    return 0;
}

static void dump(char *text)
{
    char path[XENSTORE_ABS_PATH_MAX + 1] = "/";
    text[0] = '\0';
    tree_walk(fake_store.root, path, 1, false, dump_node, text);
    for (unsigned d = 0; d < 8; d++) {
        const struct account *a = account_find(&fake_store, (uint16_t)d);
        if (a != NULL) /* bytes of an open transaction may have grown */
            sprintf(text + strlen(text), "%u: %u %u %u\n", d, a->nodes, a->watches,
                    a->transactions);
    }
}

static int setup(void **state)
{
    if (fake_setup(state) != 0)
        return -1;
    dom0 = fake_open(0);
    g = fake_open(1);
    fake_exists[2] = true;
    assert_int_equal(do_write(dom0, NULL, "/x/a/b/c", "1"), 0);
    assert_int_equal(do_write(dom0, NULL, "/x/d", "2"), 0);
    assert_int_equal(do_perms(dom0, NULL, "/x/a", "n1 r2"), 0);
    assert_int_equal(do_perms(dom0, NULL, "/x/a/b/c", "n2"), 0);
    kept = node_get(fake_store.root);
    return 0;
}

static int teardown(void **state)
{
    node_put(kept);
    return fake_teardown(state);
}

static struct transaction *tx;

static int write_nested(void)
{
    return do_write(g, NULL, "/x/a/n/m/o", "value");
}

static int overwrite(void)
{
    return do_write(dom0, NULL, "/x/a/b/c", "value");
}

static int remove_tree(void)
{
    return do_rm(dom0, NULL, "/x/a");
}

static int set_perms(void)
{
    return do_perms(dom0, NULL, "/x/a/b/c", "n1 r2");
}

static int watch(void)
{
    int err = do_watch(g, "/x/a", "token");
    return err;
}

static int start_transaction(void)
{
    uint32_t id;
    int err = transaction_start(&g->s, &id);
    if (err == 0)
        assert_int_equal(transaction_end(&g->s, transaction_find(&g->s, id), false), 0);
    return err;
}

static int in_transaction_write(void)
{
    return do_write(g, tx, "/x/a/n/m/o", "value");
}

static int in_transaction_remove(void)
{
    return do_rm(dom0, tx, "/x/a");
}

static void run(int (*operation)(void), bool changes)
{
    static char before[16384], after[16384];
    int err = ENOMEM;
    long n;
    node_put(kept);
    kept = node_get(fake_store.root);
    dump(before);
    for (n = 0; err != 0; n++) {
        assert_true(n < 1000);
        fail_at = n;
        err = operation();
        fail_at = -1;
        assert_true(err == 0 || err == ENOMEM);
        assert_null(storage_check(&fake_store));
        dump(after);
        if (err != 0)
            assert_string_equal(after, before);
    }
    assert_true(n > 1); /* at least one did fail */
    assert_int_equal(strcmp(before, after) != 0, changes);
}

static void operations(void **state)
{
    (void)state;
    run(watch, true);
    run(write_nested, true);
    run(overwrite, true);
    run(set_perms, true);
    run(remove_tree, true);
    run(start_transaction, false);
}

static void transactions(void **state)
{
    (void)state;
    tx = do_begin(g);
    run(in_transaction_write, false);
    assert_int_equal(transaction_end(&g->s, tx, true), 0);
    assert_string_equal(do_read(g, NULL, "/x/a/n/m/o"), "value");
    tx = do_begin(dom0);
    run(in_transaction_remove, false);
    assert_int_equal(transaction_end(&dom0->s, tx, true), 0);
    assert_string_equal(do_list(dom0, NULL, "/x"), "d");
}

/* A commit that must carry paths over: fails whole, so each try needs its own transaction. */
static void commits(void **state)
{
    static char before[16384], after[16384];
    int err = ENOMEM;
    (void)state;
    for (long n = 0; err != 0; n++) {
        assert_true(n < 1000);
        struct transaction *t = do_begin(dom0);
        assert_int_equal(do_write(dom0, t, "/x/new/deep", "v"), 0);
        assert_int_equal(do_write(dom0, t, "/x/a", "v"), 0);
        assert_int_equal(do_perms(dom0, t, "/x/a", "n2 r1"), 0);
        assert_int_equal(do_rm(dom0, t, "/x/a/b"), 0);
        assert_int_equal(do_write(dom0, NULL, "/elsewhere", "v"), 0);
        dump(before);
        fail_at = n;
        err = transaction_end(&dom0->s, t, true);
        fail_at = -1;
        assert_true(err == 0 || err == ENOMEM);
        assert_null(storage_check(&fake_store));
        dump(after);
        for (char *p = before; err != 0 && (p = strstr(p, " 1\n")) != NULL;)
            p[1] = '0'; /* its own is closed now */
        for (char *p = after; err != 0 && (p = strstr(p, " 1\n")) != NULL;)
            p[1] = '0';
        if (err != 0)
            assert_string_equal(after, before);
    }
    assert_string_equal(do_read(dom0, NULL, "/x/new/deep"), "v");
    assert_string_equal(do_get_perms(dom0, "/x/a"), "n2 r1");
    assert_string_equal(do_list(dom0, NULL, "/x/a"), "");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {T(operations), T(transactions), T(commits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
