/* SPDX-License-Identifier: MIT */
/* xmlrpc: answers; see xmlrpc.h. */
#include "dom0-tools/xapid/xmlrpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* The length of the UTF-8 sequence that s begins with, 0 if it is none or XML cannot carry the
 * character. s ends with NUL, so that looking one byte ahead is always allowed. */
static size_t xml_char(const unsigned char *s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80             ? 1
               : (s[0] & 0xe0) == 0xc0 ? 2
               : (s[0] & 0xf0) == 0xe0 ? 3
               : (s[0] & 0xf8) == 0xf0 ? 4
                                       : 0;
    uint32_t c;

    if (n == 1)
        return s[0] >= 0x20 || s[0] == '\t' || s[0] == '\n' || s[0] == '\r';
    if (n == 0)
        return 0;
    c = s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff)
        return 0;
    return n;
}

static void write_text(FILE *f, const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = xml_char(s);

        if (n == 0)
            fputs(REPLACEMENT, f);
        else if (*s == '<')
            fputs("&lt;", f);
        else if (*s == '>')
            fputs("&gt;", f);
        else if (*s == '&')
            fputs("&amp;", f);
        else if (*s == '\r') /* a reader would make it a newline */
            fputs("&#13;", f);
        else
            fwrite(s, 1, n, f);
        s += n ? n : 1;
    }
}

/* XML-RPC allows no exponent. */
static void write_double(FILE *f, double d)
{
    char text[32];

    snprintf(text, sizeof(text), "%.15g", d);
    if (strchr(text, 'e'))
        fprintf(f, "%.9f", d);
    else
        fputs(text, f);
}

static void write_value(FILE *f, const struct value *v);

static void write_items(FILE *f, const struct value *v)
{
    bool named = value_kind(v) == VALUE_STRUCT;

    fputs(named ? "<struct>" : "<array><data>", f);
    for (size_t i = 0; i < value_count(v); i++) {
        if (named) {
            fputs("<member><name>", f);
            write_text(f, value_name(v, i));
            fputs("</name>", f);
        }
        write_value(f, value_at(v, i));
        if (named)
            fputs("</member>", f);
    }
    fputs(named ? "</struct>" : "</data></array>", f);
}

static void write_value(FILE *f, const struct value *v)
{
    int64_t n = 0;
    double d = 0;
    bool b = false;

    fputs("<value>", f);
    switch (value_kind(v)) {
    case VALUE_STRING:
        write_text(f, value_as_string(v));
        break;
    case VALUE_I4:
        value_as_int(v, &n);
        fprintf(f, "<i4>%" PRId64 "</i4>", n);
        break;
    case VALUE_BOOLEAN:
        value_as_boolean(v, &b);
        fprintf(f, "<boolean>%d</boolean>", b);
        break;
    case VALUE_DOUBLE:
        value_as_double(v, &d);
        fputs("<double>", f);
        write_double(f, d);
        fputs("</double>", f);
        break;
    case VALUE_TIME:
        fprintf(f, "<dateTime.iso8601>%s</dateTime.iso8601>", value_as_time(v));
        break;
    case VALUE_BASE64: /* nothing returns it */
        break;
    case VALUE_ARRAY:
    case VALUE_STRUCT:
        write_items(f, v);
        break;
    }
    fputs("</value>", f);
}

static char *write_document(const char *before, const struct value *v, const char *after,
                            size_t *length)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, length);
    bool bad;

    if (!f)
        return NULL;
    fprintf(f, "<?xml version=\"1.0\"?><methodResponse>%s", before);
    write_value(f, v);
    fprintf(f, "%s</methodResponse>", after);
    bad = ferror(f);
    if (fclose(f) || bad) {
        free(text);
        return NULL;
    }
    return text;
}

char *xmlrpc_write_response(const struct value *v, size_t *length)
{
    return write_document("<params><param>", v, "</param></params>", length);
}

char *xmlrpc_write_fault(int code, const char *sentence, size_t *length)
{
    struct value *v = value_struct();
    char *text = NULL;

    value_set(v, "faultCode", value_i4(code));
    value_set(v, "faultString", value_string(sentence));
    if (value_complete(v))
        text = write_document("<fault>", v, "</fault>", length);
    value_free(v);
    return text;
}
