/* SPDX-License-Identifier: MIT */
/*
 * vm_parts: classes whose objects nobody defines: they are there because of a VM or the host, and
 * are seen, not kept (VM_metrics, VBD, VIF, console, host_metrics, host_cpu, and the host itself).
 * Such a class is one function that makes all records; the handlers here serve get_all,
 * get_all_records, get_record, get_by_uuid, get_by_name_label and every get_FIELD from it. A row's
 * `data` is its class.
 */
#ifndef XAPID_VM_PARTS_H
#define XAPID_VM_PARTS_H

#include "dom0-tools/xapid/vm_look.h"

struct part_class {
    const char *name;
    /* A struct: reference -> record. With `only`, of that one object; the others may be left out or
     * be there. NULL with a sentence; *why is "out of memory" before. */
    struct value *(*records)(struct vm_scan *s, const char *only, struct failure *why);
};

void part_get_all(struct call *c);
void part_get_all_records(struct call *c);
void part_get_record(struct call *c);
void part_get_by_uuid(struct call *c);
void part_get_by_name_label(struct call *c);
void part_get_field(struct call *c);

static inline bool part_wanted(const char *only, const char *ref)
{
    return only == NULL || __builtin_strcmp(only, ref) == 0;
}

#endif
