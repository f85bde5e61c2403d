/* SPDX-License-Identifier: MIT */
/*
 * xmlrpc: calls; see xmlrpc.h. The parser reports elements as they come (SAX); a stack of frames
 * holds the open ones. Every element must have a rule that lets it stand where it stands, and at
 * that place among its parent's children. Only VALUE (without children), the simple types, NAME and
 * METHOD_NAME hold text; there is one buffer, since none of them lies in another once VALUE's
 * whitespace is dropped. The first thing wrong is kept and ends the parsing.
 */
#include "dom0-tools/xapid/xmlrpc.h"

#include <errno.h>
#include <libxml/parser.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX (3 * XMLRPC_DEPTH_MAX + 3) /* value, array, data; or value, struct, member */

enum element {
    ROOT,
    METHOD_CALL,
    METHOD_NAME,
    PARAMS,
    PARAM,
    VALUE,
    STRING,
    INTEGER,
    BOOLEAN,
    DOUBLE,
    TIME,
    BASE64,
    ARRAY,
    DATA,
    STRUCT,
    MEMBER,
    NAME,
};

#define ANY_PLACE UINT32_MAX

static const struct rule {
    enum element parent;
    const char *tag;
    enum element element;
    uint32_t place; /* how many siblings come before it */
} rules[] = {
    {ROOT, "methodCall", METHOD_CALL, 0},
    {METHOD_CALL, "methodName", METHOD_NAME, 0},
    {METHOD_CALL, "params", PARAMS, 1},
    {PARAMS, "param", PARAM, ANY_PLACE},
    {PARAM, "value", VALUE, 0},
    {DATA, "value", VALUE, ANY_PLACE},
    {MEMBER, "name", NAME, 0},
    {MEMBER, "value", VALUE, 1},
    {ARRAY, "data", DATA, 0},
    {STRUCT, "member", MEMBER, ANY_PLACE},
    {VALUE, "string", STRING, 0},
    {VALUE, "int", INTEGER, 0},
    {VALUE, "i4", INTEGER, 0},
    {VALUE, "boolean", BOOLEAN, 0},
    {VALUE, "double", DOUBLE, 0},
    {VALUE, "dateTime.iso8601", TIME, 0},
    {VALUE, "base64", BASE64, 0},
    {VALUE, "array", ARRAY, 0},
    {VALUE, "struct", STRUCT, 0},
};

/* how many children an element must have had at its end, where that is not free */
static const uint32_t least_children[] = {
    [METHOD_CALL] = 1, [PARAM] = 1, [ARRAY] = 1, [MEMBER] = 2, [NAME] = 0};

struct frame {
    enum element element;
    uint32_t children;
    struct value *value; /* VALUE's and, being built, ARRAY's, STRUCT's and PARAMS' */
    char *name;          /* MEMBER's */
};

struct reader {
    xmlParserCtxtPtr parser;
    struct frame frames[FRAMES_MAX];
    size_t depth; /* frames in use; frames[0] is the ROOT */
    size_t values;
    char *text; /* of the innermost element */
    size_t text_length, text_room;
    struct xmlrpc_call call;
    int fault; /* enum xmlrpc_fault, or 0 */
    struct failure *why;
};

static struct frame *top(struct reader *r)
{
    return &r->frames[r->depth - 1];
}

static void __attribute__((format(printf, 3, 4)))
give_up(struct reader *r, int fault, const char *format, ...)
{
    va_list args;

    if (r->fault)
        return;
    r->fault = fault;
    r->why->error = EINVAL;
    va_start(args, format);
    vsnprintf(r->why->text, sizeof(r->why->text), format, args);
    va_end(args);
    xmlStopParser(r->parser);
}

static bool blank(const char *text, size_t n)
{
    return strspn(text, " \t\r\n") >= n;
}

static bool holds_text(const struct frame *f)
{
    switch (f->element) {
    case VALUE:
        return f->children == 0;
    case METHOD_NAME:
    case NAME:
    case STRING:
    case INTEGER:
    case BOOLEAN:
    case DOUBLE:
    case TIME:
    case BASE64:
        return true;
    default:
        return false;
    }
}

static void on_text(void *arg, const xmlChar *bytes, int length)
{
    struct reader *r = arg;
    size_t n = (size_t)length, need = r->text_length + n + 1;

    if (r->fault)
        return;
    if (!holds_text(top(r))) {
        for (size_t i = 0; i < n; i++)
            if (!strchr(" \t\r\n", bytes[i])) {
                give_up(r, XMLRPC_NOT_A_CALL, "there is text where only elements may be");
                return;
            }
        return;
    }
    if (need > r->text_room) {
        size_t room = need * 2;
        char *text = realloc(r->text, room);

        if (!text) {
            give_up(r, XMLRPC_INTERNAL, "out of memory");
            return;
        }
        r->text = text;
        r->text_room = room;
    }
    memcpy(r->text + r->text_length, bytes, n);
    r->text_length += n;
    r->text[r->text_length] = '\0';
}

static void drop_text(struct reader *r)
{
    r->text_length = 0;
    if (r->text)
        r->text[0] = '\0';
}

static const struct rule *rule_for(const struct frame *parent, const char *tag)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].parent == parent->element && !strcmp(rules[i].tag, tag) &&
            (rules[i].place == ANY_PLACE || rules[i].place == parent->children))
            return &rules[i];
    return NULL;
}

static void on_start(void *arg, const xmlChar *tag, const xmlChar **attributes)
{
    struct reader *r = arg;
    struct frame *parent = top(r);
    const struct rule *rule;

    (void)attributes;
    if (r->fault)
        return;
    rule = rule_for(parent, (const char *)tag);
    if (!rule || (parent->element == VALUE && r->text && !blank(r->text, r->text_length))) {
        give_up(r, XMLRPC_NOT_A_CALL, "element <%.40s> may not stand there", (const char *)tag);
        return;
    }
    if (r->depth == FRAMES_MAX || (rule->element == VALUE && ++r->values > XMLRPC_VALUES_MAX)) {
        give_up(r, XMLRPC_NOT_A_CALL, "more than %d values, or %d inside each other",
                XMLRPC_VALUES_MAX, XMLRPC_DEPTH_MAX);
        return;
    }
    parent->children++;
    drop_text(r);
    r->frames[r->depth++] = (struct frame){.element = rule->element};
    if (rule->element == STRUCT || rule->element == ARRAY || rule->element == PARAMS) {
        top(r)->value = rule->element == STRUCT ? value_struct() : value_array();
        if (!top(r)->value)
            give_up(r, XMLRPC_INTERNAL, "out of memory");
    }
}

/* The text without the blanks around it, as numbers and times are written. */
static const char *trimmed(struct reader *r, size_t *n)
{
    const char *s = r->text ? r->text : "";

    s += strspn(s, " \t\r\n");
    *n = strlen(s);
    while (*n && strchr(" \t\r\n", s[*n - 1]))
        --*n;
    return s;
}

/* Each: whether the text is of that type; *v is then NULL only when memory ran out. */
static bool integer_from(const char *s, size_t n, struct value **v)
{
    char text[24], *end;
    long long got;

    if (n == 0 || n >= sizeof(text))
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    got = strtoll(text, &end, 10);
    if (*end || got < INT32_MIN || got > INT32_MAX)
        return false;
    *v = value_i4((int32_t)got);
    return true;
}

static bool double_from(const char *s, size_t n, struct value **v)
{
    char text[64], *end;
    double d;

    if (n == 0 || n >= sizeof(text) || strspn(s, "0123456789+-.eE") < n)
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    d = strtod(text, &end);
    if (*end || !isfinite(d))
        return false;
    *v = value_double(d);
    return true;
}

static bool time_from(const char *s, size_t n, struct value **v)
{
    static const char shape[] = "00000000T00:00:00Z";

    if (n != sizeof(shape) - 1 && n != sizeof(shape) - 2)
        return false;
    for (size_t i = 0; i < n; i++)
        if (shape[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
            return false;
    *v = value_text_of(VALUE_TIME, s, n);
    return true;
}

static bool boolean_from(const char *s, size_t n, struct value **v)
{
    if (n != 1 || (*s != '0' && *s != '1'))
        return false;
    *v = value_boolean(*s == '1');
    return true;
}

/* The leaf that has just ended. */
static bool leaf(struct reader *r, enum element element, struct value **v)
{
    size_t n;
    const char *s = trimmed(r, &n);

    switch (element) {
    case INTEGER:
        return integer_from(s, n, v);
    case BOOLEAN:
        return boolean_from(s, n, v);
    case DOUBLE:
        return double_from(s, n, v);
    case TIME:
        return time_from(s, n, v);
    case BASE64:
        *v = value_text_of(VALUE_BASE64, s, n);
        return true;
    default:
        *v = value_string(r->text);
        return true;
    }
}

/* A value is whole: hand it to the array, struct or parameter that it lies in. */
static void place_value(struct reader *r, struct value *v)
{
    switch (top(r)->element) {
    case PARAM: /* below it are PARAMS */
        value_push(r->frames[r->depth - 2].value, v);
        break;
    case DATA: /* below it is ARRAY */
        value_push(r->frames[r->depth - 2].value, v);
        break;
    case MEMBER: /* below it is STRUCT */
        value_set(r->frames[r->depth - 2].value, top(r)->name, v);
        break;
    default:
        abort(); /* the rules let a VALUE stand nowhere else */
    }
}

static void take_method_name(struct reader *r)
{
    size_t n;
    const char *s = trimmed(r, &n);

    if (n == 0 || n > XMLRPC_METHOD_MAX) {
        give_up(r, XMLRPC_NOT_A_CALL, "a method's name has 1 to %d bytes", XMLRPC_METHOD_MAX);
        return;
    }
    r->call.method = strndup(s, n);
    if (!r->call.method)
        give_up(r, XMLRPC_INTERNAL, "out of memory");
}

static void end_leaf(struct reader *r, enum element element, const char *tag)
{
    struct value *v = NULL;

    if (!leaf(r, element, &v))
        give_up(r, XMLRPC_NOT_A_CALL, "what <%.40s> holds is not of that type", tag);
    else if (!v)
        give_up(r, XMLRPC_INTERNAL, "out of memory");
    top(r)->value = v; /* VALUE's frame */
}

static void on_end(void *arg, const xmlChar *tag)
{
    struct reader *r = arg;
    struct frame f;

    if (r->fault)
        return;
    f = *top(r);
    if ((size_t)f.element < sizeof(least_children) / sizeof(least_children[0]) &&
        f.children < least_children[f.element]) {
        give_up(r, XMLRPC_NOT_A_CALL, "element <%.40s> is not complete", (const char *)tag);
        return;
    }
    r->depth--;
    switch (f.element) {
    case METHOD_NAME:
        take_method_name(r);
        break;
    case NAME:
        top(r)->name = strdup(r->text ? r->text : "");
        if (!top(r)->name)
            give_up(r, XMLRPC_INTERNAL, "out of memory");
        break;
    case MEMBER:
        free(f.name);
        break;
    case VALUE:
        place_value(r, f.children ? f.value : value_string(r->text));
        break;
    case ARRAY:
    case STRUCT:
        top(r)->value = f.value;
        break;
    case PARAMS:
        r->call.params = f.value;
        break;
    case STRING:
    case INTEGER:
    case BOOLEAN:
    case DOUBLE:
    case TIME:
    case BASE64:
        end_leaf(r, f.element, (const char *)tag);
        break;
    default:
        break;
    }
    drop_text(r);
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *public, const xmlChar *system)
{
    (void)name, (void)public, (void)system;
    give_up(arg, XMLRPC_NOT_A_CALL, "a document type declaration is not allowed");
}

static void on_parser_message(void *arg, const char *format, ...)
{
    (void)arg, (void)format; /* the last one is asked for at the end */
}

/* Without a final newline. */
static void tell_parser_error(struct reader *r)
{
    const xmlError *e = xmlCtxtGetLastError(r->parser);
    const char *text = e && e->message ? e->message : "it is not well-formed";

    give_up(r, e && e->code == XML_ERR_NO_MEMORY ? XMLRPC_INTERNAL : XMLRPC_NOT_XML,
            "line %d: %.*s", e ? e->line : 1, (int)strcspn(text, "\n"), text);
}

static void parse(struct reader *r, const char *text, size_t length)
{
    int status = xmlParseChunk(r->parser, text, (int)length, 1);

    if (!r->fault && status)
        tell_parser_error(r);
    if (!r->fault && !r->call.method)
        give_up(r, XMLRPC_NOT_XML, "there is no document");
    if (!r->fault && !r->call.params) /* <params> may be left out */
        r->call.params = value_array();
    if (!r->fault && !value_complete(r->call.params))
        give_up(r, XMLRPC_INTERNAL, "out of memory");
}

static void free_reader(struct reader *r)
{
    while (r->depth > 0) {
        r->depth--;
        free(r->frames[r->depth].name);
        value_free(r->frames[r->depth].value);
    }
    free(r->text);
    xmlFreeParserCtxt(r->parser);
}

int xmlrpc_read(const char *text, size_t length, struct xmlrpc_call *call, struct failure *why)
{
    xmlSAXHandler sax = {.startElement = on_start,
                         .endElement = on_end,
                         .characters = on_text,
                         .cdataBlock = on_text,
                         .internalSubset = on_doctype,
                         .warning = on_parser_message,
                         .error = on_parser_message,
                         .fatalError = on_parser_message};
    struct reader r = {.depth = 1, .why = why}; /* frames[0] is ROOT */

    r.parser = xmlCreatePushParserCtxt(&sax, &r, NULL, 0, NULL);
    if (!r.parser) {
        fail(why, ENOMEM, "out of memory");
        return XMLRPC_INTERNAL;
    }
    /* UTF-8 whatever the declaration says: no converters are loaded for a stranger */
    xmlCtxtUseOptions(r.parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
    parse(&r, text, length);
    free_reader(&r);
    *call = r.call;
    if (r.fault)
        xmlrpc_call_free(call);
    return r.fault;
}

void xmlrpc_call_free(struct xmlrpc_call *call)
{
    free(call->method);
    value_free(call->params);
    *call = (struct xmlrpc_call){0};
}
