/* SPDX-License-Identifier: MIT */
/*
 * Calls in XML: what is taken, and what is refused with which fault.
 */
#include "tests/host/xapid/check.h"

static char text[1 << 20];

#define CALL(params) "<methodCall><methodName>a.b</methodName>" params "</methodCall>"
#define ONE(value)   CALL("<params><param>" value "</param></params>")

/* The first parameter of a call that must be good, written again. */
static void expect_param(const char *call_text, const char *param)
{
    struct xmlrpc_call call;
    struct failure why;
    int fault = xmlrpc_read(call_text, strlen(call_text), &call, &why);

    if (fault)
        fail_msg("%s: fault %d %s", call_text, fault, why.text);
    assert_string_equal(call.method, "a.b");
    assert_int_equal(value_count(call.params), 1);
    expect_written(value_copy(value_at(call.params, 0)), param);
    xmlrpc_call_free(&call);
}

static void types(void **state)
{
    (void)state;
    expect_param(ONE("<value>bare &lt;text&#62; <![CDATA[<x>]]></value>"),
                 "<value>bare &lt;text&gt; &lt;x&gt;</value>");
    expect_param(ONE("<value> <string> a </string> </value>"), "<value> a </value>");
    expect_param(ONE("<value></value>"), "<value></value>");
    expect_param(ONE("<value/>"), "<value></value>");
    expect_param(ONE("<value><string/></value>"), "<value></value>");
    expect_param(ONE("<value><int> -12 </int></value>"), "<value><i4>-12</i4></value>");
    expect_param(ONE("<value><i4>2147483647</i4></value>"), "<value><i4>2147483647</i4></value>");
    expect_param(ONE("<value><boolean>1</boolean></value>"), "<value><boolean>1</boolean></value>");
    expect_param(ONE("<value><double>-2.5e1</double></value>"),
                 "<value><double>-25</double></value>");
    expect_param(ONE("<value><dateTime.iso8601>20260102T03:04:05</dateTime.iso8601></value>"),
                 "<value><dateTime.iso8601>20260102T03:04:05</dateTime.iso8601></value>");
    expect_param(
        ONE("<value><array><data><value>1</value>\n<value>2</value></data></array></value>"),
        "<value><array><data><value>1</value><value>2</value></data></array></value>");
    expect_param(
        ONE("<value><struct><member>\n<name>k</name> <value>v</value></member></struct></value>"),
        "<value><struct><member><name>k</name><value>v</value></member></struct></value>");
    expect_param(
        ONE("<value><struct><member><name/><value>a<!-- c -->b</value></member></struct></value>"),
        "<value><struct><member><name></name><value>ab</value></member></struct></value>");
    expect_param("<?xml version='1.0' encoding='UTF-8'?>\n" ONE("<value>\xc3\xa4</value>") "\n",
                 "<value>\xc3\xa4</value>");
}

static void no_params(void **state)
{
    static const char *const calls[] = {CALL(""), CALL("<params/>"), CALL("<params> </params>")};
    struct xmlrpc_call call;
    struct failure why;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(xmlrpc_read(calls[i], strlen(calls[i]), &call, &why), 0);
        assert_int_equal(value_count(call.params), 0);
        xmlrpc_call_free(&call);
    }
}

static void expect_fault(const char *call_text, size_t n, int fault, const char *word)
{
    struct xmlrpc_call call;
    struct failure why = {.text = ""};
    int got = xmlrpc_read(call_text, n, &call, &why);

    if (got != fault || !strstr(why.text, word))
        fail_msg("%.200s: fault %d '%s', not %d '%s'", call_text, got, why.text, fault, word);
    assert_null(call.method);
    assert_null(call.params);
}

static void refused(void **state)
{
    static const struct {
        const char *text;
        int fault;
        const char *word;
    } cases[] = {
        {"", XMLRPC_NOT_XML, ""},
        {"hello", XMLRPC_NOT_XML, ""},
        {"<methodCall>", XMLRPC_NOT_XML, ""},
        {"<a/>", XMLRPC_NOT_A_CALL, "<a>"},
        {"<methodResponse/>", XMLRPC_NOT_A_CALL, "methodResponse"},
        {"<methodCall/>", XMLRPC_NOT_A_CALL, "not complete"},
        {"<methodCall><params/></methodCall>", XMLRPC_NOT_A_CALL, "<params>"},
        {"<methodCall><methodName/></methodCall>", XMLRPC_NOT_A_CALL, "name"},
        {CALL("<params/><params/>"), XMLRPC_NOT_A_CALL, "<params>"},
        {CALL("text"), XMLRPC_NOT_A_CALL, "text"},
        {CALL("<params><param/></params>"), XMLRPC_NOT_A_CALL, "<param> is not complete"},
        {ONE("<value/><value/>"), XMLRPC_NOT_A_CALL, "<value>"},
        {ONE("<string>x</string>"), XMLRPC_NOT_A_CALL, "<string>"},
        {ONE("<value>x<int>1</int></value>"), XMLRPC_NOT_A_CALL, "<int>"},
        {ONE("<value><int>1</int>x</value>"), XMLRPC_NOT_A_CALL, "text"},
        {ONE("<value><int>1</int><int>1</int></value>"), XMLRPC_NOT_A_CALL, "<int>"},
        {ONE("<value><int></int></value>"), XMLRPC_NOT_A_CALL, "<int>"},
        {ONE("<value><int>2147483648</int></value>"), XMLRPC_NOT_A_CALL, "<int>"},
        {ONE("<value><int>1x</int></value>"), XMLRPC_NOT_A_CALL, "<int>"},
        {ONE("<value><boolean>2</boolean></value>"), XMLRPC_NOT_A_CALL, "<boolean>"},
        {ONE("<value><boolean>true</boolean></value>"), XMLRPC_NOT_A_CALL, "<boolean>"},
        {ONE("<value><double>nan</double></value>"), XMLRPC_NOT_A_CALL, "<double>"},
        {ONE("<value><double>0x10</double></value>"), XMLRPC_NOT_A_CALL, "<double>"},
        {ONE("<value><double>1e999</double></value>"), XMLRPC_NOT_A_CALL, "<double>"},
        {ONE("<value><dateTime.iso8601>now</dateTime.iso8601></value>"), XMLRPC_NOT_A_CALL, "date"},
        {ONE("<value><nil/></value>"), XMLRPC_NOT_A_CALL, "<nil>"},
        {ONE("<value><i8>1</i8></value>"), XMLRPC_NOT_A_CALL, "<i8>"},
        {ONE("<value><array/></value>"), XMLRPC_NOT_A_CALL, "<array> is not complete"},
        {ONE("<value><struct><member><name>x</name></member></struct></value>"), XMLRPC_NOT_A_CALL,
         "<member>"},
        {ONE("<value><struct><member><value>x</value><name>x</name></member></struct></value>"),
         XMLRPC_NOT_A_CALL, "<value>"},
        {ONE("<value>\x01</value>"), XMLRPC_NOT_XML, ""},
        {ONE("<value>&#0;</value>"), XMLRPC_NOT_XML, ""},
        {ONE("<value>&#1;</value>"), XMLRPC_NOT_XML, ""},
        {ONE("<value>\xff\xfe</value>"), XMLRPC_NOT_XML, ""},
        {ONE("<value>&nbsp;</value>"), XMLRPC_NOT_XML, ""},
        {ONE("<value>x</value>") "<more/>", XMLRPC_NOT_XML, ""},
        {"<?xml version='1.0' encoding='ISO-8859-1'?>" ONE("<value>\xe4</value>"), XMLRPC_NOT_XML,
         ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_fault(cases[i].text, strlen(cases[i].text), cases[i].fault, cases[i].word);
    expect_fault("<methodCall>\0</methodCall>", 26, XMLRPC_NOT_XML, "");
}

/* No declaration is even read: neither bombs nor files of the host. */
static void document_types(void **state)
{
    static const char *const cases[] = {
        "<!DOCTYPE methodCall>" CALL(""),
        "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]>" ONE("<value>&a;</value>"),
        "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" ONE("<value>&a;</value>"),
        "<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'>" CALL(""),
        "<!DOCTYPE x [<!ENTITY % p SYSTEM 'file:///dev/zero'> %p;]>" CALL(""),
        "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
        "<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
        "]>" ONE("<value>&f;&f;&f;&f;&f;&f;</value>"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_fault(cases[i], strlen(cases[i]), XMLRPC_NOT_A_CALL, "document type");
}

/* BEFORE, then n times OPEN, CORE, n times CLOSE, then AFTER. */
static size_t nest(unsigned n, const char *open, const char *core, const char *close)
{
    char *at = stpcpy(text, "<methodCall><methodName>a.b</methodName><params><param><value>");

    for (unsigned i = 0; i < n; i++)
        at = stpcpy(at, open);
    at = stpcpy(at, core);
    for (unsigned i = 0; i < n; i++)
        at = stpcpy(at, close);
    at = stpcpy(at, "</value></param></params></methodCall>");
    return (size_t)(at - text);
}

static void limits(void **state)
{
    static const char *const arrays[] = {"<array><data><value>", "</value></data></array>"};
    static const char *const structs[] = {"<struct><member><name>n</name><value>",
                                          "</value></member></struct>"};
    struct xmlrpc_call call;
    struct failure why;
    size_t n;
    char *at;

    (void)state;
    n = nest(XMLRPC_DEPTH_MAX - 1, arrays[0], "x", arrays[1]);
    assert_int_equal(xmlrpc_read(text, n, &call, &why), 0);
    xmlrpc_call_free(&call);
    n = nest(XMLRPC_DEPTH_MAX, arrays[0], "x", arrays[1]);
    expect_fault(text, n, XMLRPC_NOT_A_CALL, "inside each other");
    n = nest(XMLRPC_DEPTH_MAX, structs[0], "x", structs[1]);
    expect_fault(text, n, XMLRPC_NOT_A_CALL, "inside each other");
    n = nest(5000, arrays[0], "x", arrays[1]);
    expect_fault(text, n, XMLRPC_NOT_A_CALL, "inside each other");

    at = stpcpy(text, "<methodCall><methodName>a.b</methodName><params><param><value>"
                      "<array><data>");
    for (unsigned i = 0; i < XMLRPC_VALUES_MAX; i++)
        at = stpcpy(at, "<value/>");
    at = stpcpy(at, "</data></array></value></param></params></methodCall>");
    expect_fault(text, (size_t)(at - text), XMLRPC_NOT_A_CALL, "values");

    memset(text, 'm', sizeof(text));
    memcpy(text, "<methodCall><methodName>", 24);
    at = stpcpy(text + 24 + XMLRPC_METHOD_MAX + 1, "</methodName></methodCall>");
    expect_fault(text, (size_t)(at - text), XMLRPC_NOT_A_CALL, "name");
}

/* A long string is whole, however the parser cuts it into pieces. */
static void long_text(void **state)
{
    struct xmlrpc_call call;
    struct failure why;
    const char *got;
    char *at = stpcpy(text, "<methodCall><methodName>a.b</methodName><params><param><value>");
    size_t length = sizeof(text) - 200;

    (void)state;
    memset(at, 'x', length);
    at = stpcpy(at + length, "</value></param></params></methodCall>");
    assert_int_equal(xmlrpc_read(text, (size_t)(at - text), &call, &why), 0);
    got = value_as_string(value_at(call.params, 0));
    assert_int_equal(strlen(got), length);
    assert_int_equal(strspn(got, "x"), length);
    xmlrpc_call_free(&call);
}

static void faults(void **state)
{
    size_t n;
    char *got = xmlrpc_write_fault(XMLRPC_NOT_XML, "a<b", &n);

    (void)state;
    assert_string_equal(
        got, "<?xml version=\"1.0\"?><methodResponse><fault><value><struct><member><name>faultCode"
             "</name><value><i4>-32700</i4></value></member><member><name>faultString</name>"
             "<value>a&lt;b</value></member></struct></value></fault></methodResponse>");
    assert_int_equal(n, strlen(got));
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),          cmocka_unit_test(no_params), cmocka_unit_test(refused),
        cmocka_unit_test(document_types), cmocka_unit_test(limits),    cmocka_unit_test(long_text),
        cmocka_unit_test(faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
