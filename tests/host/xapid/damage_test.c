/* SPDX-License-Identifier: MIT */
/*
 * Good calls with bytes changed, cut out and doubled: the fuzz target of fuzz_xml.c over some
 * thousand inputs, the same ones each time.
 */
#include "tests/host/xapid/check.h"
#include "tests/host/xapid/fuzz_xml.h"

static const char *const seeds[] = {
    "<?xml "
    "version='1.0'?>\n<methodCall><methodName>session.login_with_password</methodName><params>"
    "<param><value><string>root</string></value></param><param><value>x</value></param></params>"
    "</methodCall>",
    "<methodCall><methodName>test.echo</methodName><params><param><value><struct><member><name>a"
    "</name><value><array><data><value><i4>1</i4></value><value><boolean>1</boolean></value><value>"
    "<double>1.5</double></value><value><dateTime.iso8601>20260101T00:00:00</dateTime.iso8601>"
    "</value></data></array></value></member></struct></value></param></params></methodCall>",
    "<!DOCTYPE x [<!ENTITY a 'b'>]><methodCall><methodName>test.void</methodName><params><param>"
    "<value>&a;&lt;&#x41;<![CDATA[x]]><!-- c --></value></param></params></methodCall>",
    "<methodCall><methodName>test.hostile</methodName></methodCall>",
    "<methodCall><methodName>VM.get_record</methodName><params><param><value>\xc3\xa4</value></"
    "param>"
    "</params></methodCall>",
};

static uint32_t seed = 1;

static uint32_t below(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static size_t damage(uint8_t *data, size_t n)
{
    static const char odd[] = "<>&;\"'/\0\x01\xff\xc3]![%";
    size_t at = below((uint32_t)n), span = 1 + below(24);

    if (span > n - at)
        span = n - at;
    switch (below(4)) {
    case 0:
        data[at] = (uint8_t)odd[below(sizeof(odd) - 1)];
        return n;
    case 1:
        data[at] = (uint8_t)below(256);
        return n;
    case 2:
        memmove(data + at, data + at + span, n - at - span);
        return n - span;
    default:
        memmove(data + at + span, data + at, n - at);
        return n + span;
    }
}

static void damaged(void **state)
{
    uint8_t data[4096];

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        const char *s = seeds[round % COUNT(seeds)];
        size_t n = strlen(s);

        memcpy(data, s, n);
        for (unsigned k = below(4); k-- > 0 && n > 0;)
            n = damage(data, n);
        assert_int_equal(LLVMFuzzerTestOneInput(data, n), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
