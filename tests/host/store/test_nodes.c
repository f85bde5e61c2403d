/* SPDX-License-Identifier: MIT */
/* Nodes as domains may use them: permissions, ownership, quotas, and what a domain's death takes
 * along. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void owner_and_creation(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = fake_open(1), *h = fake_open(2);
    (void)state;
    assert_int_equal(do_write(dom0, NULL, "/local/domain/1", ""), 0);
    assert_int_equal(do_perms(dom0, NULL, "/local/domain/1", "n0 w1"), 0);
    assert_int_equal(do_write(g, NULL, "/local/domain/1/a/b", "x"), 0);
    /* the list is the parent's, the owner who made it */
    assert_string_equal(do_get_perms(g, "/local/domain/1/a"), "n1 w1");
    assert_string_equal(do_get_perms(dom0, "/local/domain/1/a/b"), "n1 w1");
    assert_string_equal(do_read(g, NULL, "/local/domain/1"), "<EACCES>");
    assert_string_equal(do_read(g, NULL, "/local/domain/1/a/b"), "x");
    assert_string_equal(do_read(h, NULL, "/local/domain/1/a/b"), "<EACCES>");
    assert_int_equal(do_write(h, NULL, "/local/domain/1/a/c", "x"), EACCES);
    /* dom0's nodes below belong to whom the parent belongs */
    assert_int_equal(do_write(dom0, NULL, "/local/domain/1/a/z", "x"), 0);
    assert_string_equal(do_get_perms(dom0, "/local/domain/1/a/z"), "n1 w1");
    assert_int_equal(account_find(&fake_store, 1)->nodes, 3);
}

static void missing_nodes_tell_only_who_may_know(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = fake_open(1);
    (void)state;
    assert_int_equal(do_write(dom0, NULL, "/secret", ""), 0);
    assert_int_equal(do_write(dom0, NULL, "/open", ""), 0);
    assert_int_equal(do_perms(dom0, NULL, "/open", "r0"), 0);
    assert_string_equal(do_read(g, NULL, "/secret/x"), "<EACCES>");
    assert_string_equal(do_read(g, NULL, "/open/x"), "<ENOENT>");
    assert_string_equal(do_read(g, NULL, "/open/x/y/z"), "<ENOENT>");
    assert_int_equal(do_rm(g, NULL, "/open/x"), EACCES);
    assert_int_equal(do_perms(g, NULL, "/open/x", "n1"), EACCES);
    assert_int_equal(do_rm(dom0, NULL, "/open/x"), 0);
    assert_int_equal(do_rm(dom0, NULL, "/open/x/y"), ENOENT);
    assert_int_equal(do_rm(dom0, NULL, "/"), EINVAL);
}

static void removal_asks_the_node_alone(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = fake_open(1);
    (void)state;
    assert_int_equal(do_write(dom0, NULL, "/a/b", ""), 0);
    assert_int_equal(do_write(dom0, NULL, "/a/b/c", ""), 0);
    assert_int_equal(do_perms(dom0, NULL, "/a/b", "n0 b1"), 0);
    assert_int_equal(do_rm(g, NULL, "/a/b/c"), EACCES);
    assert_int_equal(do_rm(g, NULL, "/a/b"), 0);
    assert_string_equal(do_list(dom0, NULL, "/a"), "");
}

static void only_dom0_changes_owners(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = fake_open(1);
    (void)state;
    fake_exists[2] = true;
    assert_int_equal(do_write(dom0, NULL, "/g", ""), 0);
    assert_int_equal(do_perms(dom0, NULL, "/g", "n1"), 0);
    assert_int_equal(do_perms(g, NULL, "/g", "n1 r2"), 0);
    assert_int_equal(do_perms(g, NULL, "/g", "n2"), EPERM);
    assert_int_equal(do_perms(g, NULL, "/g", "n0"), EPERM);
    assert_int_equal(do_perms(g, NULL, "/g", "n9"), ENOENT);
    assert_int_equal(do_perms(g, NULL, "/g", "n1 r2 r3 r4 r5"), 0);
    assert_int_equal(do_perms(g, NULL, "/g", "n1 r2 r3 r4 r5 r6"), ENOSPC);
    assert_int_equal(do_perms(dom0, NULL, "/g", "n9"), ENOENT); /* there is no such domain */
    assert_int_equal(do_perms(dom0, NULL, "/g", "n2"), 0);
    assert_int_equal(do_perms(g, NULL, "/g", "n1"), EACCES);
    assert_int_equal(account_find(&fake_store, 1)->nodes, 0);
    assert_int_equal(account_find(&fake_store, 2)->nodes, 1);
}

static void target_stands_in(void **state)
{
    struct fake_session *dom0 = fake_open(0), *model = fake_open(3);
    (void)state;
    fake_exists[1] = true;
    assert_int_equal(do_write(dom0, NULL, "/g", "v"), 0);
    assert_int_equal(do_perms(dom0, NULL, "/g", "n1"), 0);
    assert_string_equal(do_read(model, NULL, "/g"), "<EACCES>");
    model->s.who.target = 1;
    assert_string_equal(do_read(model, NULL, "/g"), "v");
    assert_int_equal(do_perms(model, NULL, "/g", "r1"), 0);
}

/* A guest with a home of its own. */
static struct fake_session *guest(struct fake_session *dom0, uint16_t domid)
{
    struct fake_session *g = fake_open(domid);
    char path[64], perms[16];
    snprintf(path, sizeof(path), "/home/%u", domid);
    snprintf(perms, sizeof(perms), "n%u", domid);
    assert_int_equal(do_write(dom0, NULL, path, ""), 0);
    assert_int_equal(do_perms(dom0, NULL, path, perms), 0);
    return g;
}

static void quota_of_nodes(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = guest(dom0, 1);
    char path[64];
    (void)state;
    fake_store.limits.nodes = 10;
    for (int i = 0; i < 9; i++) {
        snprintf(path, sizeof(path), "/home/1/%d", i);
        assert_int_equal(do_write(g, NULL, path, "v"), 0);
    }
    assert_int_equal(do_write(g, NULL, "/home/1/more", "v"), ENOSPC);
    assert_int_equal(do_write(g, NULL, "/home/1/0", "changed"), 0);
    assert_int_equal(do_write(dom0, NULL, "/home/1/more", "v"), 0); /* dom0 may overdraw it */
    assert_int_equal(do_rm(g, NULL, "/home/1/more"), 0);
    assert_int_equal(do_rm(g, NULL, "/home/1/0"), 0);
    assert_int_equal(do_write(g, NULL, "/home/1/a/b", "v"), ENOSPC); /* two at once, or none */
    assert_string_equal(do_read(g, NULL, "/home/1/a"), "<ENOENT>");
    assert_int_equal(do_write(g, NULL, "/home/1/a", "v"), 0);
    fake_store.limits.nodes = 0;
    assert_int_equal(do_rm(g, NULL, "/home/1/a"), 0);
    assert_int_equal(do_write(g, NULL, "/home/1/a", "v"), ENOSPC);
}

static void quota_of_sizes(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = guest(dom0, 1);
    char big[XENSTORE_PAYLOAD_MAX + 1], path[64];
    int err = 0, i;
    (void)state;
    memset(big, 'x', sizeof(big));
    big[2044] = '\0';
    assert_int_equal(do_write(g, NULL, "/home/1/v", big), 0);
    big[2044] = 'x';
    big[2045] = '\0';
    assert_int_equal(do_write(g, NULL, "/home/1/v", big), ENOSPC);
    assert_int_equal(do_write(g, NULL, "/home/1/w", big), ENOSPC);
    assert_int_equal(do_write(dom0, NULL, "/home/1/v", big), 0);
    /* names of children are part of their parent's size */
    for (i = 0; i < 1000 && err == 0; i++) {
        snprintf(path, sizeof(path), "/home/1/child-%04d", i);
        err = do_write(g, NULL, path, "");
    }
    assert_int_equal(err, ENOSPC);
    assert_in_range(i, 150, 190); /* 11 bytes each, of 2048 */
}

static void quota_of_memory(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = guest(dom0, 1);
    char big[1001], path[64];
    int err = 0, i;
    (void)state;
    memset(big, 'x', 1000);
    big[1000] = '\0';
    fake_store.limits.memory = 50000;
    for (i = 0; i < 1000 && err == 0; i++) {
        snprintf(path, sizeof(path), "/home/1/%d", i);
        err = do_write(g, NULL, path, big);
    }
    assert_int_equal(err, ENOSPC);
    assert_in_range(i, 20, 50);
    /* nor by transactions left open */
    struct transaction *tx = do_begin(g);
    assert_int_equal(do_write(g, tx, "/home/1/0", ""), 0);
    for (err = 0, i = 0; i < 2000 && err == 0; i++) {
        snprintf(path, sizeof(path), "/home/1/not-there-%d", i);
        const char *got = do_read(g, tx, path);
        err = strcmp(got, "<ENOENT>") == 0 ? 0 : strcmp(got, "<ENOSPC>") == 0 ? ENOSPC : EIO;
    }
    assert_int_equal(err, ENOSPC);
    assert_int_equal(transaction_end(&g->s, tx, false), 0);
    assert_int_equal(do_rm(dom0, NULL, "/home/1"), 0);
    assert_int_equal(account_find(&fake_store, 1)->memory, 0);
}

static void death_takes_its_own(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = guest(dom0, 1), *h = guest(dom0, 2);
    (void)state;
    assert_int_equal(do_write(g, NULL, "/home/1/a/b", "v"), 0);
    assert_int_equal(do_write(dom0, NULL, "/home/1/a/b/of-dom0", "v"), 0);
    assert_int_equal(do_perms(dom0, NULL, "/home/1/a/b/of-dom0", "n0"), 0);
    assert_int_equal(do_perms(h, NULL, "/home/2", "n2 r1 w5"), 0);
    assert_int_equal(do_perms(dom0, NULL, "/tool", "n0 r1 r2"), 0);
    assert_int_equal(do_watch(dom0, "/home/1", "t"), 0);
    fake_close(g);
    fake_exists[1] = false;
    assert_int_equal(storage_forget_domain(&fake_store, 1), 0);
    account_drop(&fake_store, 1);
    assert_null(account_find(&fake_store, 1));
    assert_string_equal(do_list(dom0, NULL, "/home"), "2");
    assert_string_equal(do_get_perms(dom0, "/home/2"), "n2 w5");
    assert_string_equal(do_get_perms(dom0, "/tool"), "n0 r2");
    assert_string_equal(fake_events(dom0), "/home/1 t\n");
}

static void the_root_survives_its_owner(void **state)
{
    struct fake_session *dom0 = fake_open(0);
    (void)state;
    fake_exists[1] = true;
    assert_int_equal(do_perms(dom0, NULL, "/", "r1 w1"), 0);
    assert_int_equal(storage_forget_domain(&fake_store, 1), 0);
    assert_string_equal(do_get_perms(dom0, "/"), "r0");
    assert_string_equal(do_list(dom0, NULL, "/"), "tool");
}

static void rights_given_before_birth_are_void(void **state)
{
    struct fake_session *dom0 = fake_open(0);
    (void)state;
    assert_int_equal(do_perms(dom0, NULL, "/tool", "n0 b7 r8"), 0);
    assert_int_equal(storage_void_entries(&fake_store, 7), 0);
    assert_string_equal(do_get_perms(dom0, "/tool"), "n0 r8");
}

static void paths(void **state)
{
    struct fake_session *dom0 = fake_open(0), *g = fake_open(12);
    char abs[XENSTORE_ABS_PATH_MAX + 1], longest[XENSTORE_ABS_PATH_MAX + 10];
    size_t len;
    static const char *const bad[] = {"",     "/a/",  "//",    "/a//b", "a//b", "/a b",
                                      "/a.b", "/a:b", "/\xc3", "a/",    "/a\n", "@x"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(session_path(&dom0->s, bad[i], false, abs, &len), EINVAL);
    assert_int_equal(session_path(&dom0->s, "@x", true, abs, &len), 0);
    assert_int_equal(session_path(&dom0->s, "/", false, abs, &len), 0);
    assert_int_equal(session_path(&g->s, "data", false, abs, &len), 0);
    assert_string_equal(abs, "/local/domain/12/data");
    /* '..' and likenesses of its home lead nowhere */
    assert_int_equal(session_path(&g->s, "../1/data", false, abs, &len), EINVAL);
    assert_int_equal(session_path(&g->s, "local/domain/0", false, abs, &len), 0);
    assert_string_equal(abs, "/local/domain/12/local/domain/0");
    memset(longest, 'a', sizeof(longest));
    longest[2048] = '\0';
    assert_int_equal(session_path(&g->s, longest, false, abs, &len), 0);
    longest[2048] = 'a';
    longest[2049] = '\0';
    assert_int_equal(session_path(&g->s, longest, false, abs, &len), EINVAL);
    longest[0] = '/';
    longest[2049] = 'a';
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(session_path(&dom0->s, longest, false, abs, &len), EINVAL);
    memcpy(longest, "/local/domain/7/", 16);
    longest[16 + 2048] = '\0';
    assert_int_equal(session_path(&dom0->s, longest, false, abs, &len), 0);
}

static void permission_lists(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        bool good;
    } lists[] = {{"n0", 3, true},      {"n0", 2, false},         {"n0\0r1", 6, true},
                 {"x0", 3, false},     {"n", 2, false},          {"", 1, false},
                 {"", 0, false},       {"n-1", 4, false},        {"n65534", 7, true},
                 {"n65535", 7, false}, {"n0 r1", 6, false},      {"n99999999999", 13, false},
                 {"n0\0\0", 4, false}, {"b12\0w0\0r1", 10, true}};
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        char text[32];
        struct perms *p = perms_parse(lists[i].text, lists[i].len);
        assert_int_equal(p != NULL, lists[i].good);
        if (p == NULL)
            continue;
        assert_int_equal(perms_format(p, text, sizeof(text)), lists[i].len);
        assert_memory_equal(text, lists[i].text, lists[i].len);
        assert_int_equal(perms_format(p, text, 1), lists[i].len); /* writes nothing behind */
        perms_put(p);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        T(owner_and_creation),
        T(missing_nodes_tell_only_who_may_know),
        T(removal_asks_the_node_alone),
        T(only_dom0_changes_owners),
        T(target_stands_in),
        T(quota_of_nodes),
        T(quota_of_sizes),
        T(quota_of_memory),
        T(death_takes_its_own),
        T(the_root_survives_its_owner),
        T(rights_given_before_birth_are_void),
        T(paths),
        T(permission_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
