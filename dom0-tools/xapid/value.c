/* SPDX-License-Identifier: MIT */
/* value: see value.h. */
#include "dom0-tools/xapid/value.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
    char *name; /* of a struct's member; NULL in an array */
    struct value *value;
};

struct value {
    enum value_kind kind;
    bool incomplete; /* containers: an item could not be added */
    union {
        char *text;
        int32_t i4;
        bool boolean;
        double number;
        struct {
            struct item *items;
            size_t count, room;
        };
    };
};

static bool has_text(enum value_kind kind)
{
    return kind == VALUE_STRING || kind == VALUE_TIME || kind == VALUE_BASE64;
}

static bool has_items(enum value_kind kind)
{
    return kind == VALUE_ARRAY || kind == VALUE_STRUCT;
}

static struct value *new_value(enum value_kind kind)
{
    struct value *v = calloc(1, sizeof(*v));

    if (v)
        v->kind = kind;
    return v;
}

/* Takes the text over. */
static struct value *from_text(enum value_kind kind, char *text)
{
    struct value *v = text ? new_value(kind) : NULL;

    if (v)
        v->text = text;
    else
        free(text);
    return v;
}

struct value *value_string(const char *text)
{
    return from_text(VALUE_STRING, strdup(text ? text : ""));
}

struct value *value_text_of(enum value_kind kind, const char *bytes, size_t length)
{
    return from_text(kind, strndup(bytes, length));
}

struct value *value_printf(const char *format, ...)
{
    char *text;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    return n < 0 ? NULL : from_text(VALUE_STRING, text);
}

struct value *value_int(int64_t n)
{
    return value_printf("%lld", (long long)n);
}

struct value *value_time(time_t when)
{
    char text[64];
    struct tm tm;

    if (!gmtime_r(&when, &tm) || !strftime(text, sizeof(text), "%Y%m%dT%H:%M:%SZ", &tm))
        return NULL;
    return from_text(VALUE_TIME, strdup(text));
}

struct value *value_boolean(bool b)
{
    struct value *v = new_value(VALUE_BOOLEAN);

    if (v)
        v->boolean = b;
    return v;
}

struct value *value_double(double d)
{
    struct value *v = isfinite(d) ? new_value(VALUE_DOUBLE) : NULL; /* XML-RPC has no others */

    if (v)
        v->number = d;
    return v;
}

struct value *value_i4(int32_t n)
{
    struct value *v = new_value(VALUE_I4);

    if (v)
        v->i4 = n;
    return v;
}

struct value *value_array(void)
{
    return new_value(VALUE_ARRAY);
}

struct value *value_struct(void)
{
    return new_value(VALUE_STRUCT);
}

static bool make_room(struct value *v)
{
    size_t room = v->room ? v->room * 2 : 8;
    struct item *items;

    if (v->count < v->room)
        return true;
    items = reallocarray(v->items, room, sizeof(*items));
    if (!items)
        return false;
    v->items = items;
    v->room = room;
    return true;
}

/* Takes name and item over. */
static void add(struct value *v, bool named, char *name, struct value *item)
{
    if (v && item && (name || !named) && make_room(v)) {
        v->items[v->count++] = (struct item){name, item};
        return;
    }
    if (v)
        v->incomplete = true;
    free(name);
    value_free(item);
}

void value_push(struct value *array, struct value *item)
{
    add(array, false, NULL, item);
}

void value_set(struct value *structure, const char *name, struct value *item)
{
    add(structure, true, strdup(name), item);
}

void value_free(struct value *v)
{
    if (!v)
        return;
    if (has_text(v->kind))
        free(v->text);
    if (has_items(v->kind)) {
        for (size_t i = 0; i < v->count; i++) {
            free(v->items[i].name);
            value_free(v->items[i].value);
        }
        free(v->items);
    }
    free(v);
}

struct value *value_copy(const struct value *v)
{
    struct value *copy;

    if (has_text(v->kind))
        return from_text(v->kind, strdup(v->text));
    copy = new_value(v->kind);
    if (!copy)
        return NULL;
    if (!has_items(v->kind)) {
        *copy = *v;
        return copy;
    }
    copy->incomplete = v->incomplete;
    for (size_t i = 0; i < v->count; i++) {
        struct value *item = value_copy(v->items[i].value);

        if (v->kind == VALUE_STRUCT)
            value_set(copy, v->items[i].name, item);
        else
            value_push(copy, item);
    }
    return copy;
}

bool value_complete(const struct value *v)
{
    if (!v)
        return false;
    if (!has_items(v->kind))
        return true;
    for (size_t i = 0; i < v->count; i++)
        if (!value_complete(v->items[i].value))
            return false;
    return !v->incomplete;
}

enum value_kind value_kind(const struct value *v)
{
    return v->kind;
}

size_t value_count(const struct value *v)
{
    return has_items(v->kind) ? v->count : 0;
}

const struct value *value_at(const struct value *v, size_t n)
{
    return n < value_count(v) ? v->items[n].value : NULL;
}

struct value *value_without(const struct value *v, const char *name)
{
    struct value *left = value_struct();

    for (size_t i = 0; i < value_count(v); i++)
        if (strcmp(value_name(v, i), name) != 0)
            value_set(left, value_name(v, i), value_copy(value_at(v, i)));
    return left;
}

const char *value_name(const struct value *v, size_t n)
{
    return n < value_count(v) ? v->items[n].name : NULL;
}

const struct value *value_get(const struct value *structure, const char *name)
{
    for (size_t i = value_count(structure); i-- > 0;)
        if (structure->kind == VALUE_STRUCT && !strcmp(structure->items[i].name, name))
            return structure->items[i].value;
    return NULL;
}

const char *value_as_string(const struct value *v)
{
    return v && v->kind == VALUE_STRING ? v->text : NULL;
}

const char *value_as_time(const struct value *v)
{
    return v && v->kind == VALUE_TIME ? v->text : NULL;
}

bool value_as_int(const struct value *v, int64_t *n)
{
    const char *digits;
    char *end;
    long long got;

    if (v && v->kind == VALUE_I4) {
        *n = v->i4;
        return true;
    }
    if (!v || v->kind != VALUE_STRING)
        return false;
    digits = v->text + (v->text[0] == '-');
    if (*digits < '0' || *digits > '9')
        return false;
    errno = 0;
    got = strtoll(v->text, &end, 10);
    if (errno || *end)
        return false;
    *n = got;
    return true;
}

bool value_as_boolean(const struct value *v, bool *b)
{
    if (!v || v->kind != VALUE_BOOLEAN)
        return false;
    *b = v->boolean;
    return true;
}

bool value_as_double(const struct value *v, double *d)
{
    if (!v || (v->kind != VALUE_DOUBLE && v->kind != VALUE_I4))
        return false;
    *d = v->kind == VALUE_I4 ? v->i4 : v->number;
    return true;
}
