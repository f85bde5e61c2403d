/* SPDX-License-Identifier: MIT */
/*
 * xmlrpc: calls read from XML, answers written as XML.
 *
 * Reading trusts nothing: libxml2 parses with neither DTD (any <!DOCTYPE is refused before its
 * first declaration), entities, nor network; the elements are held against a table of which may
 * stand where; depth and number of values are bounded. Nothing but values is kept of the text.
 *
 * Writing satisfies the pickiest of clients: no whitespace between elements, strings as bare
 * <value>text</value>. What a string holds that XML 1.0 cannot carry (control characters, invalid
 * UTF-8) becomes U+FFFD, so that what a guest calls itself never makes an answer unreadable.
 */
#ifndef XAPID_XMLRPC_H
#define XAPID_XMLRPC_H

#include <stddef.h>

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/xapid/value.h"

#define XMLRPC_DEPTH_MAX  32    /* values inside each other */
#define XMLRPC_VALUES_MAX 20000 /* in one call */
#define XMLRPC_METHOD_MAX 128   /* bytes of a method's name */

/* faultCode, by the convention that XML-RPC servers share */
enum xmlrpc_fault {
    XMLRPC_NOT_XML = -32700,
    XMLRPC_NOT_A_CALL = -32600,
    XMLRPC_INTERNAL = -32603,
};

struct xmlrpc_call {
    char *method;
    struct value *params; /* an array */
};

/* 0 with *call, which xmlrpc_call_free() ends; or an enum xmlrpc_fault with a sentence in *why.
 * length: at most INT_MAX. */
int xmlrpc_read(const char *text, size_t length, struct xmlrpc_call *call, struct failure *why);
void xmlrpc_call_free(struct xmlrpc_call *call);

/* malloc'ed text with *length bytes, NULL when memory ran out. */
char *xmlrpc_write_response(const struct value *v, size_t *length);
char *xmlrpc_write_fault(int code, const char *sentence, size_t *length);

#endif
