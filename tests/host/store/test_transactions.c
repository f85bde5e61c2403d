/* SPDX-License-Identifier: MIT */
/*
 * Transactions: what one sees, what conflicts, what commits and which events that makes. The table
 * of conflicts is that of Xen's own daemon, but for reads of missing nodes, where ours is content
 * with the node still missing.
 */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct fake_session *a, *b;

static int setup(void **state)
{
    if (fake_setup(state) != 0)
        return -1;
    a = fake_open(0);
    b = fake_open(0);
    assert_int_equal(do_write(b, NULL, "/x/a", "0"), 0);
    assert_int_equal(do_write(b, NULL, "/x/b", "0"), 0);
    assert_int_equal(do_write(b, NULL, "/x/d/e", "0"), 0);
    return 0;
}

/* Steps of one letter and a path: r)ead w)rite l)ist m)kdir d)elete p)erms, g)et perms; blanks
 * between. */
static void steps(struct fake_session *s, struct transaction *tx, const char *text)
{
    char words[256], *rest;
    strcpy(words, text);
    for (char *w = strtok_r(words, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
        const char *path = w + 1;
        switch (w[0]) {
        case 'r':
            do_read(s, tx, path);
            break;
        case 'w':
            assert_int_equal(do_write(s, tx, path, "new"), 0);
            break;
        case 'l':
            do_list(s, tx, path);
            break;
        case 'm':
            assert_int_equal(do_mkdir(s, tx, path), 0);
            break;
        case 'd':
            assert_int_equal(do_rm(s, tx, path), 0);
            break;
        case 'p':
            assert_int_equal(do_perms(s, tx, path, "n0 r1"), 0);
            break;
        default:
            fail_msg("no step '%s'", w);
        }
    }
}

static void conflicts(void **state)
{
    static const struct {
        const char *inside, *other;
        int want;
    } cases[] = {
        {"", "w/x/a", 0},
        {"r/x/a", "w/x/b", 0},
        {"r/x/a", "w/x/a", EAGAIN},
        {"r/x/a w/x/b", "w/x/a", EAGAIN},
        {"w/x/a", "w/x/a", EAGAIN},
        {"w/x/a", "w/x/b", 0},
        {"r/x/a w/x/a", "w/x/a", EAGAIN},
        {"w/x/n", "w/x/m", EAGAIN},
        {"w/x/n", "w/x/n", EAGAIN},
        {"w/x/n", "w/x/b", 0},
        {"r/x/z w/x/b", "w/x/z", EAGAIN},
        {"r/x/z w/x/b", "w/x/y", 0},
        {"l/x w/x/b", "w/x/n", EAGAIN},
        {"l/x w/x/b", "w/x/a", 0},
        {"d/x/d", "w/x/d/e", EAGAIN},
        {"d/x/d", "w/x/a", 0},
        {"d/x/d", "w/x/d/f", EAGAIN},
        {"w/x/d/e", "d/x/d", EAGAIN},
        {"w/x/a", "d/x/a", EAGAIN},
        {"w/x/a", "p/x/a", EAGAIN},
        {"l/x", "p/x", EAGAIN},
        {"w/x/a", "d/x", EAGAIN},
        {"r/x/d/e", "d/x/d w/x/d/e", EAGAIN},
        {"d/x/a", "w/x/y", EAGAIN},
        {"d/x/a", "d/x/b", EAGAIN},
        {"d/x/zz", "w/x/y", EAGAIN},
        {"m/x/a", "w/x/a", EAGAIN},
        {"r/x/a w/x/b", "w/t/other", 0},
        {"w/x/d/n/m", "w/x/a w/t/q", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct transaction *tx = do_begin(a);
        steps(a, tx, cases[i].inside);
        steps(b, NULL, cases[i].other);
        int err = transaction_end(&a->s, tx, true);
        if (err != cases[i].want)
            fail_msg("'%s' against '%s': %d, not %d", cases[i].inside, cases[i].other, err,
                     cases[i].want);
        assert_null(storage_check(&fake_store));
        assert_int_equal(do_rm(b, NULL, "/x"), 0);
        assert_int_equal(do_rm(b, NULL, "/t"), 0);
        steps(b, NULL, "w/x/a w/x/b w/x/d/e");
    }
}

static void sees_its_own_and_a_snapshot(void **state)
{
    struct transaction *tx = do_begin(a);
    (void)state;
    assert_string_equal(do_read(a, tx, "/x/b"), "0");
    assert_int_equal(do_write(a, tx, "/x/a", "mine"), 0);
    assert_string_equal(do_read(a, tx, "/x/a"), "mine");
    assert_string_equal(do_read(b, NULL, "/x/a"), "0");
    assert_int_equal(do_write(b, NULL, "/x/c", "later"), 0);
    assert_string_equal(do_read(a, tx, "/x/c"), "<ENOENT>"); /* as it was at the first use */
    assert_int_equal(transaction_end(&a->s, tx, false), 0);
    assert_string_equal(do_read(a, NULL, "/x/a"), "0");
    /* what happened before the first use is no conflict */
    tx = do_begin(a);
    assert_int_equal(do_write(b, NULL, "/x/a", "1"), 0);
    assert_string_equal(do_read(a, tx, "/x/a"), "1");
    assert_int_equal(transaction_end(&a->s, tx, true), 0);
}

static void carries_over_a_moved_tree(void **state)
{
    struct transaction *tx = do_begin(a);
    (void)state;
    steps(a, tx, "d/x/d w/x/d/e/f/g w/x/d w/x/n/m p/x/b r/x/q/r w/x/q/r/s");
    steps(b, NULL,
          "w/t/unrelated"); /* so the versions differ, and changes are carried path by path */
    steps(a, tx, "d/x/n");
    assert_int_equal(transaction_end(&a->s, tx, true), 0);
    assert_string_equal(do_list(b, NULL, "/x"), "a b d q");
    assert_string_equal(do_list(b, NULL, "/x/d/e"), "f");
    assert_string_equal(do_read(b, NULL, "/x/d"), "new");
    assert_string_equal(do_read(b, NULL, "/x/d/e"), "");
    assert_string_equal(do_read(b, NULL, "/x/d/e/f/g"), "new");
    assert_string_equal(do_read(b, NULL, "/x/q/r/s"), "new");
    assert_string_equal(do_get_perms(b, "/x/b"), "n0 r1");
    assert_string_equal(do_read(b, NULL, "/t/unrelated"), "new");
}

static void events_on_commit(void **state)
{
    struct transaction *tx = do_begin(a);
    (void)state;
    assert_int_equal(do_watch(b, "/x", "w"), 0);
    assert_int_equal(do_watch(b, "/x/d/e", "deep"), 0);
    steps(a, tx, "r/x/m2 w/x/m1 w/x/m1 w/x/m2 d/x/d m/x/m3/m4 w/x/gone d/x/gone");
    assert_string_equal(fake_events(b), "");
    assert_int_equal(transaction_end(&a->s, tx, true), 0);
    assert_string_equal(fake_events(b), "/x/m2 w\n/x/m1 w\n/x/d w\n/x/d/e deep\n/x/m3/m4 w\n");
    tx = do_begin(a);
    steps(a, tx, "w/x/a");
    assert_int_equal(transaction_end(&a->s, tx, false), 0);
    assert_string_equal(fake_events(b), "");
}

static void quotas_hold_at_commit(void **state)
{
    struct fake_session *g = fake_open(1);
    struct transaction *t1, *t2;
    uint32_t id;
    (void)state;
    assert_int_equal(do_perms(a, NULL, "/x/a", "n1"), 0);
    assert_int_equal(do_perms(a, NULL, "/x/b", "n1"), 0);
    fake_store.limits.nodes = 5;
    t1 = do_begin(g);
    t2 = do_begin(g);
    steps(g, t1, "w/x/a/1 w/x/a/2 w/x/a/3");
    assert_int_equal(do_write(g, t1, "/x/a/4", ""), ENOSPC);
    steps(g, t2, "w/x/b/1 w/x/b/2 w/x/b/3");
    assert_int_equal(transaction_end(&g->s, t1, true), 0);
    assert_int_equal(transaction_end(&g->s, t2, true), ENOSPC);
    assert_int_equal(account_find(&fake_store, 1)->nodes, 5);
    for (unsigned i = 0; i < fake_store.limits.transactions; i++)
        assert_int_equal(transaction_start(&g->s, &id), 0);
    assert_int_equal(transaction_start(&g->s, &id), ENOSPC);
    session_reset(&g->s);
    assert_int_equal(account_find(&fake_store, 1)->transactions, 0);
    assert_int_equal(transaction_start(&g->s, &id), 0);
}

static void nodes_in_a_transaction_are_limited(void **state)
{
    struct fake_session *g = fake_open(1);
    struct transaction *tx = do_begin(g);
    char path[32];
    (void)state;
    assert_int_equal(do_perms(a, NULL, "/x/a", "n1"), 0);
    fake_store.limits.transaction_nodes = 50;
    for (int i = 0; i < 49; i++) {
        snprintf(path, sizeof(path), "/x/a/%d", i);
        assert_string_equal(do_read(g, tx, path), "<ENOENT>");
    }
    assert_string_equal(do_read(g, tx, "/x/a"), "0");
    assert_string_equal(do_read(g, tx, "/x/a/5"), "<ENOENT>"); /* not a new one */
    assert_string_equal(do_read(g, tx, "/x/a/50"), "<ENOSPC>");
    assert_int_equal(transaction_end(&g->s, tx, true), 0);
}

static void owners_that_die_meanwhile(void **state)
{
    struct transaction *tx = do_begin(a);
    (void)state;
    fake_exists[5] = true;
    assert_int_equal(do_perms(a, tx, "/x/a", "n5"), 0);
    fake_exists[5] = false;
    assert_int_equal(storage_forget_domain(&fake_store, 5), 0);
    account_drop(&fake_store, 5);
    assert_int_equal(transaction_end(&a->s, tx, true), EAGAIN);
    assert_string_equal(do_get_perms(a, "/x/a"), "n0");
}

/* Transactions and single changes by turns, against what should hold: an OK commit is all there. */
static void many_at_once(void **state)
{
    struct transaction *tx[8] = {NULL};
    char mark[8][16], path[32], value[16];
    unsigned committed = 0, conflicted = 0, seed = 7;
    (void)state;
    for (int step = 0; step < 20000; step++) {
        seed = seed * 1103515245 + 12345;
        unsigned i = (seed >> 16) % 8, k = (seed >> 20) % 5;
        snprintf(path, sizeof(path), "/x/p%u/q%u", k, (seed >> 24) % 3);
        if (tx[i] == NULL) {
            tx[i] = do_begin(a);
            snprintf(mark[i], sizeof(mark[i]), "%d", step);
        } else if (seed % 7 == 0) {
            snprintf(path, sizeof(path), "/x/mark%u", i);
            assert_int_equal(do_write(a, tx[i], path, mark[i]), 0);
            int err = transaction_end(&a->s, tx[i], true);
            tx[i] = NULL;
            assert_true(err == 0 || err == EAGAIN);
            committed += err == 0;
            conflicted += err != 0;
            assert_int_equal(strcmp(do_read(b, NULL, path), mark[i]) == 0, err == 0);
        } else if (seed % 11 == 0) {
            assert_true(do_rm(b, NULL, path) == 0 || do_rm(b, NULL, path) == ENOENT);
        } else if (seed % 5 == 0) {
            int err = do_rm(a, tx[i], path);
            assert_true(err == 0 || err == ENOENT);
        } else {
            snprintf(value, sizeof(value), "%d", step);
            assert_int_equal(
                do_write(seed % 3 == 0 ? b : a, seed % 3 == 0 ? NULL : tx[i], path, value), 0);
        }
    }
    assert_true(committed > 50 && conflicted > 50);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        T(conflicts),
        T(sees_its_own_and_a_snapshot),
        T(carries_over_a_moved_tree),
        T(events_on_commit),
        T(quotas_hold_at_commit),
        T(nodes_in_a_transaction_are_limited),
        T(owners_that_die_meanwhile),
        T(many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
