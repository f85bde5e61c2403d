/* SPDX-License-Identifier: MIT */
/*
 * Values: building, looking, copying, and how each is written, byte by byte as the pickiest clients
 * want it.
 */
#include "tests/host/xapid/check.h"

static void leaves(void **state)
{
    (void)state;
    expect_written(value_string("a b"), "<value>a b</value>");
    expect_written(value_string(NULL), "<value></value>");
    expect_written(value_int(-9223372036854775807), "<value>-9223372036854775807</value>");
    expect_written(value_i4(-7), "<value><i4>-7</i4></value>");
    expect_written(value_boolean(true), "<value><boolean>1</boolean></value>");
    expect_written(value_boolean(false), "<value><boolean>0</boolean></value>");
    expect_written(value_double(0.25), "<value><double>0.25</double></value>");
    expect_written(value_double(1e-7), "<value><double>0.000000100</double></value>");
    expect_written(value_printf("%s/%d", "x", 3), "<value>x/3</value>");
    expect_written(value_time(86400),
                   "<value><dateTime.iso8601>19700102T00:00:00Z</dateTime.iso8601></value>");
    assert_null(value_double(1.0 / 0.0 * 0.0));
}

static void containers(void **state)
{
    struct value *s = value_struct(), *a = value_array();

    (void)state;
    value_push(a, value_string("x"));
    value_push(a, value_array());
    value_set(s, "Status", value_string("Success"));
    value_set(s, "<&>", a);
    assert_int_equal(value_count(s), 2);
    assert_string_equal(value_name(s, 0), "Status");
    assert_null(value_name(s, 2));
    assert_ptr_equal(value_get(s, "<&>"), a);
    assert_null(value_get(s, "none"));
    assert_null(value_get(a, "x"));
    expect_written(value_copy(s), "<value><struct><member><name>Status</name><value>Success</value>"
                                  "</member><member><name>&lt;&amp;&gt;</name><value><array><data>"
                                  "<value>x</value><value><array><data></data></array></value>"
                                  "</data></array></value></member></struct></value>");
    value_free(s);
}

static void missing_items(void **state)
{
    struct value *outer = value_array(), *inner = value_struct(), *copy;

    (void)state;
    value_set(inner, "x", NULL);
    value_push(outer, inner);
    assert_false(value_complete(outer));
    copy = value_copy(outer);
    assert_false(value_complete(copy));
    value_free(copy);
    value_free(outer);
    assert_false(value_complete(NULL));
    value_push(NULL, value_string("freed")); /* the sanitizer would tell */
    value_set(NULL, "x", value_string("freed"));
}

static void reading(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t n;
    } ints[] = {
        {"0", true, 0},     {"-5", true, -5},  {"9223372036854775807", true, INT64_MAX},
        {"", false, 0},     {"-", false, 0},   {"9223372036854775808", false, 0},
        {" 1", false, 0},   {"+1", false, 0},  {"1 ", false, 0},
        {"0x10", false, 0}, {"1.0", false, 0}, {"--1", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        struct value *v = value_string(ints[i].text);
        int64_t n = 0;

        assert_int_equal(value_as_int(v, &n), ints[i].good);
        assert_int_equal(n, ints[i].n);
        value_free(v);
    }
}

static void wrong_types(void **state)
{
    struct value *i = value_i4(3), *b = value_boolean(true), *s = value_string("1");
    int64_t n = 0;
    bool flag = false;
    double d = 0;

    (void)state;
    assert_true(value_as_int(i, &n) && n == 3);
    assert_true(value_as_double(i, &d));
    assert_true(value_as_boolean(b, &flag) && flag);
    assert_false(value_as_int(b, &n));
    assert_false(value_as_boolean(i, &flag));
    assert_false(value_as_boolean(s, &flag));
    assert_false(value_as_double(s, &d));
    assert_null(value_as_string(i));
    assert_null(value_as_string(NULL));
    assert_false(value_as_int(NULL, &n));
    value_free(i);
    value_free(b);
    value_free(s);
}

/* What a guest may call itself: every byte that XML cannot carry is replaced, one by one. */
static void hostile_text(void **state)
{
    (void)state;
#define R "\xef\xbf\xbd"
    expect_written(value_string("a\x01\x1f\x7f"), "<value>a" R R "\x7f</value>");
    expect_written(value_string("\t\n\r"), "<value>\t\n&#13;</value>");
    expect_written(value_string("]]><x a='\">&amp;"),
                   "<value>]]&gt;&lt;x a='\"&gt;&amp;amp;</value>");
    expect_written(value_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
                   "<value>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80</value>");
    expect_written(value_string("\xff\x80"), "<value>" R R "</value>");
    expect_written(value_string("\xc0\xaf"), "<value>" R R "</value>");             /* overlong */
    expect_written(value_string("\xed\xa0\x80"), "<value>" R R R "</value>");       /* surrogate */
    expect_written(value_string("\xef\xbf\xbf"), "<value>" R R R "</value>");       /* U+FFFF */
    expect_written(value_string("\xf4\x90\x80\x80"), "<value>" R R R R "</value>"); /* too high */
    expect_written(value_string("\xe2\x82"), "<value>" R R "</value>");             /* cut short */
    expect_written(value_string("\xe2"), "<value>" R "</value>");
#undef R
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves),       cmocka_unit_test(containers),
        cmocka_unit_test(reading),      cmocka_unit_test(wrong_types),
        cmocka_unit_test(hostile_text), cmocka_unit_test(missing_items),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
