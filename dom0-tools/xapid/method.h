/* SPDX-License-Identifier: MIT */
/*
 * method: the one table of the API's messages. A row says the name, the parameters with their
 * types, and the handler; adding a message is adding a row to its class's array (session_methods,
 * host_methods, vm_methods), which ends with a row without a name.
 *
 * The dispatcher judges session, number and types of parameters from the row before the handler
 * runs: SESSION_INVALID, MESSAGE_PARAMETER_COUNT_MISMATCH, FIELD_TYPE_ERROR. A handler answers
 * once, with call_return() or call_fail(); one that does neither has returned void (the empty
 * string).
 *
 * Handlers run in the thread of the client's connection: several at once, also of one method, and
 * they may take their time. What must not happen at once (two operations on one VM) the class that
 * owns the object locks out itself. The rows are constant; a call belongs to one thread.
 */
#ifndef XAPID_METHOD_H
#define XAPID_METHOD_H

#include <stdbool.h>
#include <stdint.h>

#include "dom0-tools/xapid/value.h"

#define METHOD_PARAMS_MAX 6

enum param_type {
    PARAM_NONE, /* ends the list */
    PARAM_STRING,
    PARAM_REF, /* a string; whether it means something the handler says (HANDLE_INVALID) */
    PARAM_INT, /* digits in a string, or an i4 */
    PARAM_BOOLEAN,
    PARAM_DOUBLE,
    PARAM_TIME,
    PARAM_ARRAY,
    PARAM_STRUCT,
    PARAM_ANY,
};

struct param {
    const char *name; /* named in FIELD_TYPE_ERROR */
    enum param_type type;
    bool optional; /* this one and all after it may be left out */
};

struct call;

struct method {
    const char *name; /* "VM.start" */
    void (*handler)(struct call *c);
    struct param params[METHOD_PARAMS_MAX]; /* after the session */
    bool open;                              /* takes no session */
    const void *data;                       /* the row's own, for a handler of several rows */
};

extern const struct method session_methods[]; /* session.*, system.* */
extern const struct method host_methods[];    /* host.* */
extern const struct method vm_methods[];      /* VM.* */

/* The parameters, counted from 0 without the session, of the type that the row says. For one that
 * was left out: NULL, 0, false. The texts live as long as the call. */
bool call_has(const struct call *c, unsigned n);
const char *call_string(const struct call *c, unsigned n); /* PARAM_STRING, PARAM_REF, PARAM_TIME */
int64_t call_int(const struct call *c, unsigned n);
bool call_boolean(const struct call *c, unsigned n);
double call_double(const struct call *c, unsigned n);
const struct value *call_value(const struct call *c, unsigned n); /* any type */

const struct method *call_method(const struct call *c);
const char *call_session(const struct call *c); /* its reference; "" for open methods */
const char *call_user(const struct call *c);    /* who logged in; "" for open methods */
bool call_local(const struct call *c);          /* came over the unix socket: from root */

/* The answer. call_return() takes the tree over; an incomplete one becomes INTERNAL_ERROR. */
void call_return(struct call *c, struct value *v);
void call_return_void(struct call *c);
/* A failure: its code, its parameters (strings), and a NULL. */
void call_fail(struct call *c, const char *code, ...) __attribute__((sentinel));

/* The same in words for what every class needs. */
void call_handle_invalid(struct call *c, const char *class, const char *ref);
void call_internal_error(struct call *c, const char *sentence);

/* The dispatcher. tables: the classes' arrays, ended by NULL; they stay. */
void method_use_tables(const struct method *const *tables);
/* The whole answer to a call, the struct with Status; NULL when memory ran out. params: an array,
 * the session first where the method takes one. */
struct value *method_dispatch(const char *name, const struct value *params, bool local);
/* The names of all methods, an array. */
struct value *method_names(void);

#endif
