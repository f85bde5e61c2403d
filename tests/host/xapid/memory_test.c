/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out: each allocation of a call's reading, dispatching and writing fails once.
 * The call then ends in a fault, in no answer at all, or in INTERNAL_ERROR; never in a wrong
 * answer.
 */
#include "tests/host/xapid/check.h"

#include "dom0-tools/xapid/classes.h"
#include "dom0-tools/xapid/session.h"

static long left = -1; /* allocations until one fails; -1: none does */
static bool ran_out;

static bool fails(void)
{
    if (left < 0 || left-- > 0)
        return false;
    ran_out = true;
    left = -1;
    return true;
}

/* the linker's names: what --wrap makes of our objects' calls */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
    return fails() ? NULL : __real_strndup(s, n);
}

/* The answer's text, or NULL; *fault is set where the call could not even be read. */
static char *answer(const char *text, int *fault)
{
    struct xmlrpc_call call;
    struct failure why;
    struct value *v;
    size_t n;
    char *got;

    *fault = xmlrpc_read(text, strlen(text), &call, &why);
    if (*fault)
        return NULL;
    v = method_dispatch(call.method, call.params, true);
    xmlrpc_call_free(&call);
    if (!v)
        return NULL;
    got = xmlrpc_write_response(v, &n);
    value_free(v);
    return got;
}

/* Fails allocation after allocation until the call no longer comes to them. */
static void exhaust(const char *text)
{
    int fault;
    char *whole = answer(text, &fault), *got;
    long n = 0;

    assert_non_null(whole);
    for (;; n++) {
        left = n;
        ran_out = false;
        got = answer(text, &fault);
        left = -1;
        if (!ran_out)
            break;
        if (fault)
            assert_int_equal(fault, XMLRPC_INTERNAL);
        if (got && strcmp(got, whole) != 0)
            if (!strstr(got, "INTERNAL_ERROR"))
                fail_msg("allocation %ld of %s: %s", n, text, got);
        free(got);
    }
    assert_true(n > 10);
    assert_string_equal(got, whole);
    free(got);
    free(whole);
}

#define PARAM(value) "<param><value>" value "</value></param>"
#define CALL(name, params) \
    "<methodCall><methodName>" name "</methodName><params>" params "</params></methodCall>"

static void calls(void **state)
{
    (void)state;
    method_use_tables(classes);
    exhaust(CALL("test.echo", PARAM("<struct><member><name>a</name><value><array><data>"
                                    "<value>x</value><value><i4>1</i4></value><value><boolean>1"
                                    "</boolean></value><value><double>1</double></value></data>"
                                    "</array></value></member></struct>")));
    exhaust(CALL("system.listMethods", ""));
    exhaust(CALL("VM.fly", PARAM("x")));
    exhaust(CALL("VM.get_all", ""));
    exhaust(CALL("VM.get_all", PARAM("no session")));
    exhaust(CALL("VM.get_all", PARAM("<i4>1</i4>")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
