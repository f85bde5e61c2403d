/* SPDX-License-Identifier: MIT */
/* Watches: which see what, in which order, under which name, who may, and how many. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sees_at_and_below(void **state)
{
    struct fake_session *a = fake_open(0), *b = fake_open(0);
    (void)state;
    assert_int_equal(do_watch(a, "/t", "tok"), 0);
    assert_int_equal(do_watch(a, "/t", "tok"), EEXIST);
    assert_int_equal(do_watch(a, "/t", "tok2"), 0);
    assert_int_equal(do_write(b, NULL, "/t/w", "v1"), 0);
    assert_string_equal(fake_events(a), "/t/w tok\n/t/w tok2\n");
    assert_int_equal(do_write(b, NULL, "/t/w", "v1"), 0); /* the same value */
    assert_string_equal(fake_events(a), "/t/w tok\n/t/w tok2\n");
    assert_int_equal(watch_remove(&a->s, "/t", 2, "tok2"), 0);
    assert_int_equal(watch_remove(&a->s, "/t", 2, "tok2"), ENOENT);
    assert_int_equal(do_mkdir(b, NULL, "/t/w"), 0); /* is there */
    assert_string_equal(fake_events(a), "");
    assert_int_equal(do_mkdir(b, NULL, "/t/n/m"), 0); /* nested: one, for the deepest */
    assert_string_equal(fake_events(a), "/t/n/m tok\n");
    assert_int_equal(do_perms(b, NULL, "/t/w", "n0 r1"), 0);
    assert_string_equal(fake_events(a), "/t/w tok\n");
    assert_int_equal(do_rm(b, NULL, "/t/none"), 0);
    assert_int_equal(do_write(b, NULL, "/tt", ""), 0); /* a likeness */
    assert_string_equal(fake_events(a), "");
    assert_int_equal(do_rm(b, NULL, "/t"), 0);
    assert_string_equal(fake_events(a), "/t tok\n");
}

static void order_is_that_of_registration(void **state)
{
    struct fake_session *a = fake_open(0);
    (void)state;
    assert_int_equal(do_watch(a, "/p/z/y", "1"), 0);
    assert_int_equal(do_watch(a, "/", "2"), 0);
    assert_int_equal(do_watch(a, "/p/z", "3"), 0);
    assert_int_equal(do_watch(a, "/p", "4"), 0);
    assert_int_equal(do_watch(a, "/p/z/y/x", "5"), 0);
    assert_int_equal(do_watch(a, "/p/z/y/x/nothere", "6"), 0);
    assert_int_equal(do_write(a, NULL, "/p/z/y/x/w", ""), 0);
    assert_string_equal(fake_events(a), "/p/z/y/x/w 1\n/p/z/y/x/w 2\n/p/z/y/x/w 3\n/p/z/y/x/w 4\n"
                                        "/p/z/y/x/w 5\n");
    /* a subtree goes: below it each watched node for itself, leaves first */
    assert_int_equal(do_rm(a, NULL, "/p/z"), 0);
    assert_string_equal(fake_events(a), "/p/z/y/x 5\n/p/z/y 1\n/p/z 2\n/p/z 3\n/p/z 4\n");
}

static void relative_names(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = fake_open(3);
    (void)state;
    assert_int_equal(do_write(dom0, NULL, "/local/domain/3/data", ""), 0);
    assert_int_equal(do_perms(dom0, NULL, "/local/domain/3/data", "n3"), 0);
    assert_int_equal(watch_add(&g->s, "/local/domain/3/data", 20, "rel", true), 0);
    assert_int_equal(do_watch(g, "/local/domain/3", "abs"), 0);
    assert_int_equal(do_write(dom0, NULL, "/local/domain/3/data/x", ""), 0);
    assert_string_equal(fake_events(g), "data/x rel\n/local/domain/3/data/x abs\n");
}

static void guests_see_what_they_may_read(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = fake_open(1);
    (void)state;
    assert_int_equal(do_watch(g, "/", "all"), 0);
    assert_int_equal(do_write(dom0, NULL, "/secret/x", ""), 0);
    assert_int_equal(do_rm(dom0, NULL, "/secret"), 0);
    assert_string_equal(fake_events(g), "");
    assert_int_equal(do_mkdir(dom0, NULL, "/open"), 0);
    assert_int_equal(do_perms(dom0, NULL, "/open", "r0"), 0); /* may now */
    assert_int_equal(do_write(dom0, NULL, "/open/child", ""), 0);
    assert_int_equal(do_perms(dom0, NULL, "/open/child", "n0"), 0); /* may before, and its parent */
    assert_string_equal(fake_events(g), "/open all\n/open/child all\n/open/child all\n");
    assert_int_equal(do_perms(dom0, NULL, "/open", "n0"), 0); /* might before */
    assert_int_equal(do_write(dom0, NULL, "/open/child", "s"), 0);
    assert_string_equal(fake_events(g), "/open all\n");
    assert_int_equal(do_perms(dom0, NULL, "/open/child", "n0 r1"), 0);
    fake_events(g);
    assert_int_equal(do_rm(dom0, NULL, "/open"),
                     0); /* may read the child that goes, not its parent */
    assert_string_equal(fake_events(g), "");
    assert_int_equal(do_watch(g, "/open/child", "one"), 0);
    assert_int_equal(do_write(dom0, NULL, "/open/child", ""), 0);
    assert_int_equal(do_perms(dom0, NULL, "/open/child", "n0 r1"), 0);
    fake_events(g);
    assert_int_equal(do_rm(dom0, NULL, "/open"), 0);
    assert_string_equal(fake_events(g), "/open/child one\n");
}

static void special_ones(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = fake_open(1);
    static const struct perm list[] = {{0, PERM_NONE}, {1, PERM_READ}};
    (void)state;
    assert_int_equal(do_watch(dom0, "@releaseDomain", "r"), 0);
    assert_int_equal(do_watch(dom0, "/", "root"), 0);
    assert_int_equal(do_watch(g, "@releaseDomain", "r"), 0);
    special_fire(&fake_store, SPECIAL_RELEASE);
    special_fire(&fake_store, SPECIAL_INTRODUCE);
    assert_string_equal(fake_events(dom0), "@releaseDomain r\n");
    assert_string_equal(fake_events(g), "");
    assert_int_equal(special_set_perms(&g->s, SPECIAL_RELEASE, perms_new(2, list)), EACCES);
    assert_int_equal(special_set_perms(&dom0->s, SPECIAL_RELEASE, perms_new(2, list)), 0);
    special_fire(&fake_store, SPECIAL_RELEASE);
    assert_string_equal(fake_events(g), "@releaseDomain r\n");
}

static void quota_and_tokens(void **state)
{
    struct fake_session *g = fake_open(1);
    char token[XENSTORE_PAYLOAD_MAX], path[32];
    (void)state;
    memset(token, 't', sizeof(token));
    token[XENSTORE_PAYLOAD_MAX - 2 - 2048 - 20 + 1] =
        '\0'; /* with the longest path there is, a byte too many */
    assert_int_equal(do_watch(g, "/a", token), E2BIG);
    token[XENSTORE_PAYLOAD_MAX - 2 - 2048 - 20] = '\0';
    assert_int_equal(do_watch(g, "/a", token), 0);
    watch_remove_all(&g->s);
    assert_int_equal(g->s.account->memory, 0);
    for (unsigned i = 0; i < 128; i++) {
        snprintf(path, sizeof(path), "/%u", i);
        assert_int_equal(do_watch(g, path, "t"), 0);
    }
    assert_int_equal(do_watch(g, "/more", "t"), ENOSPC);
    assert_int_equal(do_watch(g, "/5", "t"), EEXIST);
    assert_int_equal(watch_remove(&g->s, "/5", 2, "t"), 0);
    assert_int_equal(do_watch(g, "/more", "t"), 0);
    session_reset(&g->s);
    assert_int_equal(fake_store.watches.points, 0);
    assert_int_equal(g->s.account->watches, 0);
}

/* Random registrations and changes against the plain rule. */
static void agrees_with_the_rule(void **state)
{
    static const char *const paths[] = {"/",    "/a",     "/a/b",   "/a/b/c", "/a/bc", "/ab",
                                        "/a/c", "/a/c/d", "/b/c/d", "/b",     "/b/c",  "/b/cc"};
    enum { PATHS = sizeof(paths) / sizeof(paths[0]), WATCHES = 30 };
    struct fake_session *a = fake_open(0);
    struct {
        int path;
        char token[16];
    } list[WATCHES];
    int n = 0, serial = 0;
    char want[4096];
    (void)state;
    srand(3);
    for (int step = 0; step < 5000; step++) {
        int p = rand() % PATHS, i = n > 0 ? rand() % n : 0;
        if (n < WATCHES && rand() % 2 == 0) {
            list[n].path = p;
            snprintf(list[n].token, sizeof(list[n].token), "%d", serial++);
            assert_int_equal(do_watch(a, paths[p], list[n].token), 0);
            n++;
        } else if (n > 0 && rand() % 3 == 0) {
            const char *path = paths[list[i].path];
            assert_int_equal(watch_remove(&a->s, path, strlen(path), list[i].token), 0);
            memmove(&list[i], &list[i + 1], (size_t)(n - i - 1) * sizeof(list[0]));
            n--;
        }
        p = rand() % PATHS;
        want[0] = '\0';
        for (i = 0; i < n; i++)
            if (path_below(paths[p], strlen(paths[p]), paths[list[i].path],
                           strlen(paths[list[i].path])))
                sprintf(want + strlen(want), "%s %s\n", paths[p], list[i].token);
        assert_int_equal(do_write(a, NULL, paths[p], ""), 0);
        assert_string_equal(fake_events(a), want);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        T(sees_at_and_below),    T(order_is_that_of_registration),
        T(relative_names),       T(guests_see_what_they_may_read),
        T(special_ones),         T(quota_and_tokens),
        T(agrees_with_the_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
