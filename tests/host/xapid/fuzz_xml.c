/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a request's body, as libFuzzer calls it, and as damage_test.c does. Whatever comes
 * in, the answer is well-formed XML.
 */
#include "tests/host/xapid/fuzz_xml.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/xapid/classes.h"
#include "dom0-tools/xapid/session.h"
#include "dom0-tools/xapid/xmlrpc.h"

static void expect_well_formed(const char *text, size_t length)
{
    xmlDocPtr doc = text ? xmlReadMemory(text, (int)length, "answer", NULL, XML_PARSE_NONET) : NULL;

    if (!doc)
        abort();
    xmlFreeDoc(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct xmlrpc_call call;
    struct failure why;
    struct value *v;
    size_t n = 0;
    char *text;
    int fault;

    method_use_tables(classes);
    session_stop(); /* no delays */
    fault = xmlrpc_read((const char *)data, length, &call, &why);
    if (fault) {
        text = xmlrpc_write_fault(fault, why.text, &n);
    } else if (!strcmp(call.method, "test.pause")) {
        text = xmlrpc_write_response(call.params, &n);
        xmlrpc_call_free(&call);
    } else {
        v = method_dispatch(call.method, call.params, true);
        xmlrpc_call_free(&call);
        if (!v)
            abort();
        text = xmlrpc_write_response(v, &n);
        value_free(v);
    }
    expect_well_formed(text, n);
    free(text);
    return 0;
}
