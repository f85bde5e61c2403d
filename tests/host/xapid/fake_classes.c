/* SPDX-License-Identifier: MIT */
/*
 * Classes without a hypervisor below them, in the place of dom0-tools/xapid/classes.c: methods that
 * try out the dispatcher and the server.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-tools/xapid/classes.h"
#include "dom0-tools/xapid/host.h"
#include "dom0-tools/xapid/vm.h"

static void echo(struct call *c)
{
    call_return(c, value_copy(call_value(c, 0)));
}

static void types(struct call *c)
{
    struct value *v = value_struct();

    value_set(v, "string", value_string(call_string(c, 0)));
    value_set(v, "int", value_int(call_int(c, 1)));
    value_set(v, "boolean", value_boolean(call_boolean(c, 2)));
    value_set(v, "double", value_double(call_double(c, 3)));
    value_set(v, "has", value_i4(call_has(c, 4)));
    value_set(v, "time", value_string(call_string(c, 4)));
    call_return(c, v);
}

static void twice(struct call *c)
{
    call_return(c, value_string("a result"));
    call_fail(c, "OPERATION_NOT_ALLOWED", call_user(c), "second", NULL);
    call_internal_error(c, "this one comes too late");
}

static void void_method(struct call *c)
{
    (void)c;
}

static void hostile(struct call *c)
{
    call_return(c, value_string(call_method(c)->data));
}

/* A call that takes long. */
static void pause_for(struct call *c)
{
    usleep((useconds_t)(call_double(c, 0) * 1e6));
}

static void no_memory(struct call *c)
{
    struct value *v = value_array(), *inner = value_array();

    value_push(inner, NULL);
    value_push(v, inner);
    call_return(c, v);
}

static const struct method test_methods[] = {
    {"test.echo", echo, {{"value", PARAM_ANY}}, .open = true},
    {"test.types",
     types,
     {{"text", PARAM_STRING},
      {"number", PARAM_INT},
      {"flag", PARAM_BOOLEAN},
      {"real", PARAM_DOUBLE, .optional = true},
      {"when", PARAM_TIME, .optional = true}}},
    {"test.containers", void_method, {{"list", PARAM_ARRAY}, {"record", PARAM_STRUCT}}},
    {"test.twice", twice},
    {"test.void", void_method},
    {"test.pause", pause_for, {{"seconds", PARAM_DOUBLE}}, .open = true},
    {"test.no_memory", no_memory, .open = true},
    {"test.hostile", hostile, .open = true,
     .data =
         "a\x01\x1b[2J<&>]]>\r\n\t\xff\xc0\x80\xed\xa0\x80\xef\xbf\xbf\xf4\x90\x80\x80\xe2\x82"},
    {0},
};

static void get_all_vms(struct call *c)
{
    struct value *v = value_array();

    value_push(v, value_string("one"));
    value_push(v, value_string("two"));
    call_return(c, v);
}

static void get_record(struct call *c)
{
    struct value *v = value_struct();

    if (!strcmp(call_string(c, 0), "one"))
        value_set(v, "name_label", value_string("plain"));
    else
        value_set(v, "name_label", value_string("<b>&\x1b\xff"));
    value_set(v, "power_state", value_string("Running"));
    value_set(v, "memory_static_max", value_int(96 << 20));
    call_return(c, v);
}

static void start(struct call *c)
{
    call_handle_invalid(c, "VM", call_string(c, 0));
}

const struct method vm_methods[] = {
    {"VM.get_all", get_all_vms},
    {"VM.get_record", get_record, {{"self", PARAM_REF}}},
    {"VM.start",
     start,
     {{"vm", PARAM_REF},
      {"start_paused", PARAM_BOOLEAN},
      {"force", PARAM_BOOLEAN, .optional = true}}},
    {0},
};

const char *host_ref(void)
{
    return "11111111-2222-4333-8444-555555555555";
}

const struct method *const classes[] = {session_methods, vm_methods, test_methods, NULL};

int classes_open(const char *state, struct failure *why)
{
    (void)state, (void)why;
    return 0;
}

void classes_stop(void)
{
}

void classes_close(void)
{
}

int vm_monitor_main(const char *domid)
{
    (void)domid;
    return 1;
}
