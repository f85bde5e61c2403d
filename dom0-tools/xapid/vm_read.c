/* SPDX-License-Identifier: MIT */
/*
 * VM.get_*: looking at VMs.
 */
#include "dom0-tools/xapid/vm_fields.h"
#include "dom0-tools/xapid/vm_methods.h"

#include <string.h>

/* A scan for a handler that wants all of them. 0, or -1 after failing. */
static int scan_all(struct vm_scan *s, struct call *c)
{
    struct failure why;

    if (vm_scan(s, &why) == 0)
        return 0;
    call_internal_error(c, why.text);
    return -1;
}

void vm_get_all(struct call *c)
{
    struct value *refs;
    struct vm_scan s;

    if (scan_all(&s, c) != 0)
        return;
    refs = value_array();
    for (size_t i = 0; i < s.n; i++)
        value_push(refs, value_string(s.views[i].ref));
    vm_scan_free(&s);
    call_return(c, refs);
}

/* v: NULL when there is a sentence instead. */
static void answer(struct call *c, struct value *v, const struct failure *why)
{
    if (v != NULL)
        call_return(c, v);
    else
        call_internal_error(c, why->text);
}

void vm_get_all_records(struct call *c)
{
    struct value *all, *record;
    struct failure why;
    struct vm_scan s;

    if (scan_all(&s, c) != 0)
        return;
    all = value_struct();
    for (size_t i = 0; i < s.n; i++) {
        record = vm_fields(&s, &s.views[i], &why);
        if (record == NULL)
            call_internal_error(c, why.text);
        value_set(all, s.views[i].ref, record);
    }
    vm_scan_free(&s);
    call_return(c, all);
}

void vm_get_record(struct call *c)
{
    struct vm_scan s;
    struct vm_view *v = vm_scan_call(&s, c);
    struct failure why;

    if (v == NULL)
        return;
    answer(c, vm_fields(&s, v, &why), &why);
    vm_scan_free(&s);
}

void vm_get_by_uuid(struct call *c)
{
    const char *text = call_string(c, 0);
    struct vm_view *v = NULL;
    struct vm_scan s;
    uint8_t uuid[16];
    char ref[37];

    if (scan_all(&s, c) != 0)
        return;
    if (uuid_parse(text, uuid) == 0) {
        uuid_format(uuid, ref);
        v = vm_scan_find(&s, ref);
    }
    if (v != NULL)
        call_return(c, value_string(v->ref));
    else
        call_fail(c, "UUID_INVALID", "VM", text, NULL);
    vm_scan_free(&s);
}

void vm_get_by_name_label(struct call *c)
{
    struct value *refs;
    struct vm_scan s;

    if (scan_all(&s, c) != 0)
        return;
    refs = value_array();
    for (size_t i = 0; i < s.n; i++) {
        const char *name = vm_record_text(&s, &s.views[i], "name_label");

        if (name == NULL)
            value_push(refs, NULL); /* no memory for the record: the answer is incomplete */
        else if (strcmp(name, call_string(c, 0)) == 0)
            value_push(refs, value_string(s.views[i].ref));
    }
    vm_scan_free(&s);
    call_return(c, refs);
}

void vm_get_field(struct call *c)
{
    struct vm_scan s;
    struct vm_view *v = vm_scan_call(&s, c);
    struct failure why;

    if (v == NULL)
        return;
    answer(c, vm_field(&s, v, call_method(c)->name + strlen("VM.get_"), &why), &why);
    vm_scan_free(&s);
}
