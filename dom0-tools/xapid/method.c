/* SPDX-License-Identifier: MIT */
/* method: the dispatcher, and what handlers see of a call; see method.h. */
#include "dom0-tools/xapid/method.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/xapid/session.h"

struct call {
    const struct method *method;
    const struct value *params; /* all that were sent */
    unsigned first;             /* index of the first one that is the method's own */
    bool local;
    const char *session;
    char user[SESSION_USER_MAX + 1];
    struct value *result;
    bool failed;
    struct value *failure; /* an array, of a call that failed */
};

static const struct method *const *all_tables;

void method_use_tables(const struct method *const *tables)
{
    all_tables = tables;
}

static const struct method *find(const char *name)
{
    for (const struct method *const *t = all_tables; *t; t++)
        for (const struct method *m = *t; m->name; m++)
            if (!strcmp(m->name, name))
                return m;
    return NULL;
}

struct value *method_names(void)
{
    struct value *names = value_array();

    for (const struct method *const *t = all_tables; *t; t++)
        for (const struct method *m = *t; m->name; m++)
            value_push(names, value_string(m->name));
    return names;
}

/* --- what handlers see */

const struct value *call_value(const struct call *c, unsigned n)
{
    return value_at(c->params, c->first + n);
}

bool call_has(const struct call *c, unsigned n)
{
    return call_value(c, n) != NULL;
}

const char *call_string(const struct call *c, unsigned n)
{
    const struct value *v = call_value(c, n);
    const char *text = value_as_string(v);

    return text ? text : value_as_time(v);
}

int64_t call_int(const struct call *c, unsigned n)
{
    int64_t i = 0;

    value_as_int(call_value(c, n), &i);
    return i;
}

bool call_boolean(const struct call *c, unsigned n)
{
    bool b = false;

    value_as_boolean(call_value(c, n), &b);
    return b;
}

double call_double(const struct call *c, unsigned n)
{
    double d = 0;

    value_as_double(call_value(c, n), &d);
    return d;
}

const struct method *call_method(const struct call *c)
{
    return c->method;
}

const char *call_session(const struct call *c)
{
    return c->session;
}

const char *call_user(const struct call *c)
{
    return c->user;
}

bool call_local(const struct call *c)
{
    return c->local;
}

void call_return(struct call *c, struct value *v)
{
    value_free(c->result);
    c->result = v;
    if (!value_complete(v))
        call_internal_error(c, "out of memory");
}

void call_return_void(struct call *c)
{
    call_return(c, value_string(""));
}

void call_fail(struct call *c, const char *code, ...)
{
    const char *text = code;
    va_list more;

    if (c->failed) /* the first one tells more */
        return;
    c->failed = true;
    c->failure = value_array();
    va_start(more, code);
    for (; text; text = va_arg(more, const char *))
        value_push(c->failure, value_string(text));
    va_end(more);
}

void call_handle_invalid(struct call *c, const char *class, const char *ref)
{
    call_fail(c, "HANDLE_INVALID", class, ref, NULL);
}

void call_internal_error(struct call *c, const char *sentence)
{
    call_fail(c, "INTERNAL_ERROR", sentence, NULL);
}

/* --- judging a call */

static bool has_type(const struct value *v, enum param_type type)
{
    int64_t i;
    double d;

    switch (type) {
    case PARAM_STRING:
    case PARAM_REF:
        return value_as_string(v) != NULL;
    case PARAM_INT:
        return value_as_int(v, &i);
    case PARAM_BOOLEAN:
        return value_kind(v) == VALUE_BOOLEAN;
    case PARAM_DOUBLE:
        return value_as_double(v, &d);
    case PARAM_TIME:
        return value_as_time(v) != NULL;
    case PARAM_ARRAY:
        return value_kind(v) == VALUE_ARRAY;
    case PARAM_STRUCT:
        return value_kind(v) == VALUE_STRUCT;
    case PARAM_ANY:
        return true;
    case PARAM_NONE:
        break;
    }
    return false;
}

/* The session counts, on both sides. */
static bool count_is_right(struct call *c)
{
    const struct param *p = c->method->params;
    size_t optional = 0, most = c->first, least, got = value_count(c->params);
    char expected[24], received[24];

    for (; most - c->first < METHOD_PARAMS_MAX && p[most - c->first].type != PARAM_NONE; most++)
        optional += p[most - c->first].optional;
    least = most - optional;
    if (got >= least && got <= most)
        return true;
    snprintf(expected, sizeof(expected), "%zu", got < least ? least : most);
    snprintf(received, sizeof(received), "%zu", got);
    call_fail(c, "MESSAGE_PARAMETER_COUNT_MISMATCH", c->method->name, expected, received, NULL);
    return false;
}

static bool session_is_right(struct call *c)
{
    const char *ref = value_as_string(value_at(c->params, 0));

    if (c->method->open)
        return true;
    if (!ref) {
        call_fail(c, "FIELD_TYPE_ERROR", "session_id", NULL);
        return false;
    }
    if (!session_use(ref, c->user)) {
        call_fail(c, "SESSION_INVALID", ref, NULL);
        return false;
    }
    c->session = ref;
    return true;
}

static bool types_are_right(struct call *c)
{
    for (unsigned i = 0; call_has(c, i); i++) {
        const struct param *p = &c->method->params[i];

        if (!has_type(call_value(c, i), p->type)) {
            call_fail(c, "FIELD_TYPE_ERROR", p->name, NULL);
            return false;
        }
    }
    return true;
}

static struct value *answer(struct call *c)
{
    struct value *v = value_struct();

    if (!c->failed && !c->result)
        call_return_void(c);
    value_set(v, "Status", value_string(c->failed ? "Failure" : "Success"));
    if (c->failed) {
        value_free(c->result);
        value_set(v, "ErrorDescription", c->failure);
    } else {
        value_set(v, "Value", c->result);
    }
    if (value_complete(v))
        return v;
    value_free(v);
    return NULL;
}

struct value *method_dispatch(const char *name, const struct value *params, bool local)
{
    struct call c = {.method = find(name), .params = params, .local = local, .session = ""};

    if (!c.method) {
        call_fail(&c, "MESSAGE_METHOD_UNKNOWN", name, NULL);
        return answer(&c);
    }
    c.first = c.method->open ? 0 : 1;
    if (count_is_right(&c) && session_is_right(&c) && types_are_right(&c))
        c.method->handler(&c);
    return answer(&c);
}
