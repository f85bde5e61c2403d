/* SPDX-License-Identifier: MIT */
/* The wire's operations: what each body is answered, also of those that no honest client would
 * send. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/request.h"

static struct {
    uint32_t type;
    size_t len;
    char data[XENSTORE_PAYLOAD_MAX + 1];
    unsigned answers;
} got;

static void answer(struct request *r, uint32_t type, const void *data, size_t len)
{
    (void)r;
    assert_true(len <= XENSTORE_PAYLOAD_MAX);
    got.type = type;
    got.len = len;
    if (len > 0)
        memcpy(got.data, data, len);
    got.data[len] = '\0';
    got.answers++;
}

/* The body lies at the end of its own block, so that the sanitizer sees a byte read too many. */
static void ask(struct fake_session *s, uint32_t type, uint32_t tx, const void *body, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    struct request r = {
        .s = &s->s, .header = {type, 7, tx, (uint32_t)len}, .body = copy, .answer = answer};
    if (len > 0)
        memcpy(copy, body, len);
    got.answers = 0;
    request_run(&r);
    assert_int_equal(got.answers, 1);
    free(copy);
}

#define ASK(s, type, body)     ask(s, type, 0, body, sizeof(body))
#define ASK_RAW(s, type, body) ask(s, type, 0, body, sizeof(body) - 1)
#define IS(text)               is(text, sizeof(text) - 1)
#define FAILS(name)            fails(name)

static void is(const char *text, size_t len)
{
    assert_int_not_equal(got.type, XS_ERROR);
    assert_int_equal(got.len, len);
    assert_memory_equal(got.data, text, len);
}

static void fails(const char *name)
{
    assert_int_equal(got.type, XS_ERROR);
    assert_string_equal(got.data, name);
    assert_int_equal(got.len, strlen(name) + 1);
}

static void nodes(void **state)
{
    struct fake_session *s = fake_open(0);
    (void)state;
    ASK_RAW(s, XS_WRITE, "/t/a\0hello");
    IS("OK\0");
    ASK(s, XS_READ, "/t/a");
    IS("hello");
    ASK_RAW(s, XS_WRITE, "/t/b\0a\0b\0");
    ASK(s, XS_READ, "/t/b");
    IS("a\0b\0");
    ASK_RAW(s, XS_WRITE, "/t/c");
    FAILS("EINVAL");
    ASK_RAW(s, XS_READ, "/t/a");
    FAILS("EINVAL");
    ASK(s, XS_READ, "/t/a\0x");
    FAILS("EINVAL");
    ASK_RAW(s, XS_READ, "");
    FAILS("EINVAL");
    ASK(s, XS_READ, "");
    FAILS("EINVAL");
    ASK(s, XS_MKDIR, "/t/d/e");
    IS("OK\0");
    ASK(s, XS_DIRECTORY, "/t");
    IS("a\0b\0d\0");
    ASK(s, XS_DIRECTORY, "/t/a");
    IS("");
    ASK(s, XS_RM, "/t/zz");
    IS("OK\0");
    ASK(s, XS_RM, "/");
    FAILS("EINVAL");
    ASK(s, XS_SET_PERMS, "/t/a\0n0\0r1");
    IS("OK\0");
    ASK(s, XS_GET_PERMS, "/t/a");
    IS("n0\0r1\0");
    ASK_RAW(s, XS_SET_PERMS, "/t/a\0n0");
    FAILS("EINVAL");
    ASK(s, XS_SET_PERMS, "@releaseDomain\0n0\0r1");
    IS("OK\0");
    ASK(s, XS_GET_PERMS, "@releaseDomain");
    IS("n0\0r1\0");
    ASK(s, XS_SET_PERMS, "@foo\0n0");
    FAILS("EINVAL");
    ASK(s, XS_READ, "@releaseDomain");
    FAILS("EINVAL");
}

static void long_directories(void **state)
{
    struct fake_session *s = fake_open(0);
    char path[64], all[16384], *generation;
    size_t len = 0, offset = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(path, sizeof(path), "/many/child%05d", i);
        memcpy(all + len, path + 6, (size_t)n - 5);
        len += (size_t)n - 5;
        ask(s, XS_MKDIR, 0, path, (size_t)n + 1);
    }
    ASK(s, XS_DIRECTORY, "/many");
    FAILS("E2BIG");
    for (bool end = false; !end;) {
        char body[64] = "/many";
        size_t n = 6 + (size_t)sprintf(body + 6, "%zu", offset) + 1;
        ask(s, XS_DIRECTORY_PART, 0, body, n);
        assert_int_not_equal(got.type, XS_ERROR);
        generation = got.data;
        size_t part = got.len - strlen(generation) - 1;
        char *names = got.data + strlen(generation) + 1;
        end = part == 0 || names[part - 1] != '\0' || part == 1 || names[part - 2] == '\0';
        if (end && part > 0)
            part--;
        assert_true(offset + part <= len);
        assert_memory_equal(names, all + offset, part);
        offset += part;
    }
    assert_int_equal(offset, len);
    ASK(s, XS_DIRECTORY_PART,
        "/many\0"
        "99999999999999999999999");
    FAILS("EINVAL");
    ASK(s, XS_DIRECTORY_PART, "/many\0-1");
    FAILS("EINVAL");
    ASK(s, XS_DIRECTORY_PART, "/many");
    FAILS("EINVAL");
}

static void transactions(void **state)
{
    struct fake_session *s = fake_open(0), *other = fake_open(0);
    (void)state;
    ASK(s, XS_TRANSACTION_START, "");
    IS("1\0");
    ASK_RAW(s, XS_TRANSACTION_START, "");
    IS("2\0");
    ask(s, XS_TRANSACTION_START, 1, "", 1);
    FAILS("EBUSY");
    ask(s, XS_READ, 9, "/", 2);
    FAILS("ENOENT");
    ask(other, XS_READ, 1, "/", 2);
    FAILS("ENOENT");
    ask(s, XS_TRANSACTION_END, 1, "X", 2);
    FAILS("EINVAL");
    ask(s, XS_TRANSACTION_END, 1, "T", 1);
    FAILS("EINVAL");
    ask(s, XS_TRANSACTION_END, 0, "T", 2);
    FAILS("ENOENT");
    ask(s, XS_WRITE, 1, "/tx\0in", 6);
    IS("OK\0");
    ask(s, XS_READ, 0, "/tx", 4);
    FAILS("ENOENT");
    ask(s, XS_WATCH, 99, "/tx\0t", 6); /* pays no heed */
    IS("OK\0");
    assert_string_equal(fake_events(s), "/tx t\n");
    ask(s, XS_TRANSACTION_END, 1, "T", 2);
    IS("OK\0");
    ask(s, XS_RESET_WATCHES, 2, "", 1); /* ends the transaction it is in */
    IS("OK\0");
    ask(s, XS_TRANSACTION_END, 2, "T", 2);
    FAILS("ENOENT");
}

static void guests_may_not(void **state)
{
    struct fake_session *g = fake_open(1);
    (void)state;
    ASK(g, XS_INTRODUCE,
        "1\0"
        "2\0"
        "3");
    FAILS("EACCES");
    ASK(g, XS_RELEASE, "1");
    FAILS("EACCES");
    ASK(g, XS_CONTROL, "check");
    FAILS("EACCES");
    ASK(g, XS_SET_TARGET,
        "1\0"
        "0");
    FAILS("EACCES");
    ASK(g, XS_RESUME, "1");
    FAILS("EACCES");
    ASK(g, XS_SET_PERMS, "@releaseDomain\0n1");
    FAILS("EACCES");
    ASK(g, XS_GET_PERMS, "@releaseDomain");
    FAILS("EACCES");
    ASK(g, XS_IS_DOMAIN_INTRODUCED, "0");
    FAILS("EACCES");
    ASK(g, XS_RM, "/");
    FAILS("EACCES");
    ASK(g, XS_GET_DOMAIN_PATH, "7");
    IS("/local/domain/7\0");
}

static void no_such_operation(void **state)
{
    static const uint32_t types[] = {15, 16, 20, 23, 24, 25, 26, 27, 500, 65535, UINT32_MAX};
    struct fake_session *s = fake_open(0);
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        ask(s, types[i], 77, "0", 2);
        FAILS("ENOSYS");
    }
}

static void control(void **state)
{
    struct fake_session *s = fake_open(0);
    (void)state;
    ASK(s, XS_CONTROL, "check");
    IS("OK\0");
    ASK_RAW(s, XS_CONTROL, "check");
    FAILS("EINVAL");
    ASK(s, XS_CONTROL, "check\0x");
    FAILS("EINVAL");
    ASK(s, XS_CONTROL, "bogus");
    FAILS("EINVAL");
    ASK(s, XS_CONTROL,
        "quota\0set\0nodes\0"
        "17");
    IS("OK\0");
    assert_int_equal(fake_store.limits.nodes, 17);
    ASK(s, XS_CONTROL, "quota\0set\0nodes\0-1");
    FAILS("EINVAL");
    ASK(s, XS_CONTROL,
        "quota\0set\0path-max\0"
        "100000");
    FAILS("EINVAL");
    ASK(s, XS_CONTROL,
        "quota\0set\0bogus\0"
        "1");
    FAILS("EINVAL");
    ASK(s, XS_CONTROL,
        "quota\0"
        "9");
    FAILS("ENOENT");
    ASK(s, XS_CONTROL, "quota");
    assert_non_null(strstr(got.data, "nodes            :       17 "));
}

/* Bodies of dice, from dom0 and a guest, that know just enough to get past the first check. */
static void dice(void **state)
{
    static const char *const pieces[] = {"/",      "/local/domain/1",
                                         "/tool",  "a",
                                         "n0",     "r1",
                                         "0",      "1",
                                         "T",      "F",
                                         "@x",     "",
                                         "-",      "//",
                                         "w1",     "@releaseDomain",
                                         "set",    "quota",
                                         "memory", "b"};
    struct fake_session *s[2] = {fake_open(0), fake_open(1)};
    (void)state;
    srand(11);
    assert_int_equal(do_write(s[0], NULL, "/local/domain/1", ""), 0);
    assert_int_equal(do_perms(s[0], NULL, "/local/domain/1", "n1"), 0);
    for (int step = 0; step < 30000; step++) {
        char body[XENSTORE_PAYLOAD_MAX];
        size_t len = 0;
        uint32_t type = (uint32_t)rand() % 24;
        for (int n = rand() % 5; n > 0; n--) {
            const char *p = pieces[(size_t)rand() % (sizeof(pieces) / sizeof(pieces[0]))];
            size_t part = strlen(p) + (rand() % 8 != 0);
            memcpy(body + len, p, part);
            len += part;
        }
        if (rand() % 50 == 0)
            for (len = (size_t)rand() % sizeof(body), type = XS_WRITE; rand() % 20 != 0;)
                body[(size_t)rand() % sizeof(body)] = (char)rand();
        if (type == XS_CONTROL && rand() % 4 != 0)
            continue; /* logs */
        ask(s[rand() % 2], type, rand() % 3 == 0 ? (uint32_t)rand() % 40 : 0, body, len);
        s[0]->events[0] = s[1]->events[0] = '\0';
        if (step % 1000 == 0)
            assert_null(storage_check(&fake_store));
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        T(nodes),          T(long_directories),  T(transactions),
        T(guests_may_not), T(no_such_operation), T(control),
        T(dice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
