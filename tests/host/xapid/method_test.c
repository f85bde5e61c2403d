/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher: what it refuses before a handler runs, with which words, and what it makes of
 * handlers' answers. The rows are those of fake_classes.c.
 */
#include "tests/host/xapid/check.h"

#include "dom0-tools/xapid/classes.h"
#include "dom0-tools/xapid/session.h"

static char ref[SESSION_REF_BYTES];

static int log_in(void **state)
{
    (void)state;
    method_use_tables(classes);
    session_start("root", ref);
    return 0;
}

/* Dispatches and frees the parameters. The answer as XML, without the value and struct around. */
static char *call(const char *name, struct value *params)
{
    char *text;

    assert_true(value_complete(params));
    text = written(method_dispatch(name, params, false));
    value_free(params);
    return text;
}

static void expect_answer(const char *name, struct value *params, const char *status,
                          const char *member, const char *value)
{
    char want[2048], *got = call(name, params);

    snprintf(want, sizeof(want),
             "<value><struct><member><name>Status</name><value>%s</value></member>"
             "<member><name>%s</name>%s</member></struct></value>",
             status, member, value);
    assert_string_equal(got, want);
    free(got);
}

static void expect_success(const char *name, struct value *params, const char *value)
{
    expect_answer(name, params, "Success", "Value", value);
}

/* words: code and parameters, ended by NULL */
static void expect_failure(const char *name, struct value *params, const char *const *words)
{
    char value[1024], *at = stpcpy(value, "<value><array><data>");

    for (; *words; words++)
        at += sprintf(at, "<value>%s</value>", *words);
    stpcpy(at, "</data></array></value>");
    expect_answer(name, params, "Failure", "ErrorDescription", value);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* An array of these values. */
static struct value *list(unsigned n, ...)
{
    struct value *v = value_array();
    va_list args;

    va_start(args, n);
    while (n-- > 0)
        value_push(v, va_arg(args, struct value *));
    va_end(args);
    return v;
}

static struct value *str(const char *text)
{
    return value_string(text);
}

static void unknown(void **state)
{
    (void)state;
    expect_failure("VM.fly", list(1, str(ref)), WORDS("MESSAGE_METHOD_UNKNOWN", "VM.fly"));
    expect_failure("VM", list(0), WORDS("MESSAGE_METHOD_UNKNOWN", "VM"));
    expect_failure("<b>", list(0), WORDS("MESSAGE_METHOD_UNKNOWN", "&lt;b&gt;"));
}

static void counts(void **state)
{
#define MISMATCH "MESSAGE_PARAMETER_COUNT_MISMATCH"
    (void)state;
    expect_failure("test.void", list(0), WORDS(MISMATCH, "test.void", "1", "0"));
    expect_failure("test.void", list(2, str(ref), str("")), WORDS(MISMATCH, "test.void", "1", "2"));
    expect_failure("test.echo", list(0), WORDS(MISMATCH, "test.echo", "1", "0"));
    expect_failure("VM.start", list(2, str(ref), str("x")), WORDS(MISMATCH, "VM.start", "3", "2"));
    expect_failure("VM.start",
                   list(5, str(ref), str("x"), value_boolean(0), value_boolean(0), str("more")),
                   WORDS(MISMATCH, "VM.start", "4", "5"));
    expect_failure("VM.start", list(3, str(ref), str("x"), value_boolean(0)),
                   WORDS("HANDLE_INVALID", "VM", "x"));
    expect_failure("VM.start", list(4, str(ref), str("x"), value_boolean(0), value_boolean(0)),
                   WORDS("HANDLE_INVALID", "VM", "x"));
#undef MISMATCH
}

static void sessions(void **state)
{
    (void)state;
    expect_failure("test.void", list(1, str("x")), WORDS("SESSION_INVALID", "x"));
    expect_failure("test.void", list(1, str("")), WORDS("SESSION_INVALID", ""));
    expect_failure("test.void", list(1, value_i4(1)), WORDS("FIELD_TYPE_ERROR", "session_id"));
    expect_failure("test.void", list(1, value_array()), WORDS("FIELD_TYPE_ERROR", "session_id"));
    expect_success("test.void", list(1, str(ref)), "<value></value>");
}

static void types(void **state)
{
    static const char all[] =
        "<value><struct><member><name>string</name><value>s</value></member>"
        "<member><name>int</name><value>%d</value></member>"
        "<member><name>boolean</name><value><boolean>1</boolean></value>"
        "</member><member><name>double</name><value><double>%s</double></value>"
        "</member><member><name>has</name><value><i4>%d</i4></value></member>"
        "<member><name>time</name><value>%s</value></member></struct></value>";
    char want[1024];

    (void)state;
    snprintf(want, sizeof(want), all, 12, "0", 0, "");
    expect_success("test.types", list(4, str(ref), str("s"), str("12"), value_boolean(true)), want);
    snprintf(want, sizeof(want), all, -1, "2.5", 1, "19700101T00:00:00Z");
    expect_success("test.types",
                   list(6, str(ref), str("s"), value_i4(-1), value_boolean(true), value_double(2.5),
                        value_time(0)),
                   want);
}

static void wrong_types(void **state)
{
    (void)state;
    expect_failure("test.types", list(4, str(ref), value_i4(1), str("1"), value_boolean(true)),
                   WORDS("FIELD_TYPE_ERROR", "text"));
    expect_failure("test.types", list(4, str(ref), str(""), str("one"), value_boolean(true)),
                   WORDS("FIELD_TYPE_ERROR", "number"));
    expect_failure("test.types", list(4, str(ref), str(""), str("1"), str("true")),
                   WORDS("FIELD_TYPE_ERROR", "flag"));
    expect_failure("test.types", list(4, str(ref), str(""), str("1"), value_i4(1)),
                   WORDS("FIELD_TYPE_ERROR", "flag"));
    expect_failure("test.types",
                   list(5, str(ref), str(""), str("1"), value_boolean(true), str("1.5")),
                   WORDS("FIELD_TYPE_ERROR", "real"));
    expect_failure(
        "test.types",
        list(6, str(ref), str(""), str("1"), value_boolean(true), value_double(1), str("now")),
        WORDS("FIELD_TYPE_ERROR", "when"));
    expect_failure("test.containers", list(3, str(ref), value_struct(), value_struct()),
                   WORDS("FIELD_TYPE_ERROR", "list"));
    expect_failure("test.containers", list(3, str(ref), value_array(), value_array()),
                   WORDS("FIELD_TYPE_ERROR", "record"));
    expect_success("test.containers", list(3, str(ref), value_array(), value_struct()),
                   "<value></value>");
}

static void answers(void **state)
{
    (void)state;
    expect_success("test.echo", list(1, list(1, str("x"))),
                   "<value><array><data><value>x</value></data></array></value>");
    expect_failure("test.twice", list(1, str(ref)),
                   WORDS("OPERATION_NOT_ALLOWED", "root", "second"));
    expect_failure("test.no_memory", list(0), WORDS("INTERNAL_ERROR", "out of memory"));
}

static void listed(void **state)
{
    char *open = call("system.listMethods", list(0));
    char *host = call("host.list_methods", list(1, str(ref)));

    (void)state;
    assert_string_equal(open, host);
    assert_non_null(strstr(open, "<value>session.login_with_password</value>"));
    assert_non_null(strstr(open, "<value>VM.start</value>"));
    free(open);
    free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown),     cmocka_unit_test(counts),  cmocka_unit_test(sessions),
        cmocka_unit_test(types),       cmocka_unit_test(answers), cmocka_unit_test(listed),
        cmocka_unit_test(wrong_types),
    };

    return cmocka_run_group_tests(tests, log_in, NULL);
}
