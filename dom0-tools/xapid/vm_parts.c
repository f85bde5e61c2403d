/* SPDX-License-Identifier: MIT */
/*
 * Handlers of classes that are seen, not kept; see vm_parts.h.
 */
#include "dom0-tools/xapid/vm_parts.h"

#include <errno.h>
#include <string.h>

static const struct part_class *class_of(struct call *c)
{
    return call_method(c)->data;
}

/* All records, or those that include the one; NULL after failing. */
static struct value *records(struct call *c, const char *only)
{
    struct vm_scan s;
    struct failure why;
    struct value *all;

    if (vm_scan(&s, &why) != 0) {
        call_internal_error(c, why.text);
        return NULL;
    }
    fail(&why, ENOMEM, "out of memory");
    all = class_of(c)->records(&s, only, &why);
    vm_scan_free(&s);
    if (value_complete(all))
        return all;
    call_internal_error(c, why.text);
    value_free(all);
    return NULL;
}

void part_get_all(struct call *c)
{
    struct value *all = records(c, NULL), *refs;

    if (all == NULL)
        return;
    refs = value_array();
    for (size_t i = 0; i < value_count(all); i++)
        value_push(refs, value_string(value_name(all, i)));
    value_free(all);
    call_return(c, refs);
}

void part_get_all_records(struct call *c)
{
    struct value *all = records(c, NULL);

    if (all != NULL)
        call_return(c, all);
}

void part_get_record(struct call *c)
{
    const char *ref = call_string(c, 0);
    struct value *all = records(c, ref);
    const struct value *record;

    if (all == NULL)
        return;
    record = value_get(all, ref);
    if (record != NULL)
        call_return(c, value_copy(record));
    else
        call_handle_invalid(c, class_of(c)->name, ref);
    value_free(all);
}

void part_get_by_uuid(struct call *c)
{
    const char *uuid = call_string(c, 0);
    struct value *all = records(c, uuid);

    if (all == NULL)
        return;
    if (value_get(all, uuid) != NULL)
        call_return(c, value_string(uuid));
    else
        call_fail(c, "UUID_INVALID", class_of(c)->name, uuid, NULL);
    value_free(all);
}

void part_get_by_name_label(struct call *c)
{
    struct value *all = records(c, NULL), *refs;

    if (all == NULL)
        return;
    refs = value_array();
    for (size_t i = 0; i < value_count(all); i++) {
        const char *name = value_as_string(value_get(value_at(all, i), "name_label"));

        if (name != NULL && strcmp(name, call_string(c, 0)) == 0)
            value_push(refs, value_string(value_name(all, i)));
    }
    value_free(all);
    call_return(c, refs);
}

/* The field is what the method's name says after CLASS.get_. */
void part_get_field(struct call *c)
{
    const char *field = call_method(c)->name + strlen(class_of(c)->name) + strlen(".get_");
    const char *ref = call_string(c, 0);
    struct value *all = records(c, ref);
    const struct value *record;

    if (all == NULL)
        return;
    record = value_get(all, ref);
    if (record == NULL)
        call_handle_invalid(c, class_of(c)->name, ref);
    else if (value_get(record, field) == NULL)
        call_internal_error(c, "the record has no such field");
    else
        call_return(c, value_copy(value_get(record, field)));
    value_free(all);
}
