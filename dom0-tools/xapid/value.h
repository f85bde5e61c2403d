/* SPDX-License-Identifier: MIT */
/*
 * value: what XML-RPC carries, as a tree. Strings, numbers, booleans and times are leaves; arrays
 * and structs own their items, in the order in which they were added.
 *
 * The API's own types are written with fewer of XML-RPC's than there are: its int is a string of
 * decimal digits, a reference, a UUID or a word of an enumeration is a string, a set is an array,
 * a map or record is a struct. value_i4() is for the few places that want a real number.
 *
 * A tree has one owner. Building never fails in the builder's face: when memory runs out (or a NULL
 * is added) the container is marked incomplete, which value_complete() tells, so that a handler may
 * build its whole answer and hand it over unchecked. No locks: a tree belongs to one thread.
 */
#ifndef XAPID_VALUE_H
#define XAPID_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum value_kind {
    VALUE_STRING, /* any bytes without NUL; what XML cannot carry is replaced when written */
    VALUE_I4,
    VALUE_BOOLEAN,
    VALUE_DOUBLE,
    VALUE_TIME,   /* text: YYYYMMDDTHH:MM:SS and an optional Z */
    VALUE_BASE64, /* text, as it came; no method takes or returns it */
    VALUE_ARRAY,
    VALUE_STRUCT,
};

struct value;

/* Leaves and empty containers; NULL when memory ran out. Texts are copied; a NULL text is "". */
struct value *value_string(const char *text);
struct value *value_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct value *value_int(int64_t n);    /* the API's int: a string of digits */
struct value *value_time(time_t when); /* UTC, with Z */
struct value *value_boolean(bool b);
struct value *value_double(double d);
struct value *value_i4(int32_t n);
struct value *value_array(void);
struct value *value_struct(void);
/* A leaf that keeps its text: VALUE_STRING, VALUE_TIME or VALUE_BASE64. */
struct value *value_text_of(enum value_kind kind, const char *bytes, size_t length);

/* Take the item over, also when they fail. The container may be NULL. value_set() appends without
 * looking for the same name: set each once. */
void value_push(struct value *array, struct value *item);
void value_set(struct value *structure, const char *name, struct value *item);

void value_free(struct value *v);                /* the whole tree; NULL is nothing */
struct value *value_copy(const struct value *v); /* NULL when memory ran out */
/* A copy of a struct without one of its members. */
struct value *value_without(const struct value *v, const char *name);
bool value_complete(const struct value *v); /* not NULL, and nothing in it is missing */

/* Looking. None of them changes the tree; what they return lives as long as it does. */
enum value_kind value_kind(const struct value *v);
size_t value_count(const struct value *v); /* items of an array or struct; 0 for leaves */
const struct value *value_at(const struct value *v, size_t n); /* the n'th item, from 0, or NULL */
const char *value_name(const struct value *v, size_t n);       /* of a struct's n'th member */
/* The member of that name (the last one of several), NULL when there is none. */
const struct value *value_get(const struct value *structure, const char *name);

/* The content, if v (may be NULL) is of the API's type; false, with the target untouched, if not.
 */
const char *value_as_string(const struct value *v);   /* NULL if not a string */
bool value_as_int(const struct value *v, int64_t *n); /* digits in a string, or an i4 */
bool value_as_boolean(const struct value *v, bool *b);
bool value_as_double(const struct value *v, double *d); /* a double, or an i4 */
const char *value_as_time(const struct value *v);       /* its text; NULL if not a time */

#endif
