/* SPDX-License-Identifier: MIT */
/* What these tests share: a value as it is written. */
#ifndef TESTS_XAPID_CHECK_H
#define TESTS_XAPID_CHECK_H

#include "tests/host/xl/check.h"
#include "dom0-tools/xapid/value.h"
#include "dom0-tools/xapid/xmlrpc.h"

/* The XML of the value alone; the caller frees it. Takes the value over. */
static inline char *written(struct value *v)
{
    static const char head[] = "<?xml version=\"1.0\"?><methodResponse><params><param>";
    static const char tail[] = "</param></params></methodResponse>";
    size_t n;
    char *text;

    assert_true(value_complete(v));
    text = xmlrpc_write_response(v, &n);
    value_free(v);
    assert_non_null(text);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(text, head, sizeof(head) - 1);
    assert_string_equal(text + n - (sizeof(tail) - 1), tail);
    text[n - (sizeof(tail) - 1)] = '\0';
    memmove(text, text + sizeof(head) - 1, strlen(text + sizeof(head) - 1) + 1);
    return text;
}

static inline void expect_written(struct value *v, const char *text)
{
    char *got = written(v);

    assert_string_equal(got, text);
    free(got);
}

#endif
