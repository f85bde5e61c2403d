/* SPDX-License-Identifier: MIT */
/*
 * vm_fields: the whole record of a VM: what a client gave (vm_record.h) and what is seen of it, one
 * table row a field.
 */
#ifndef XAPID_VM_FIELDS_H
#define XAPID_VM_FIELDS_H

#include "dom0-tools/xapid/vm_look.h"

/* NULL when memory ran out, or there is no such field. */
struct value *vm_field(struct vm_scan *s, struct vm_view *v, const char *name);
/* All fields; NULL or incomplete when memory ran out. */
struct value *vm_fields(struct vm_scan *s, struct vm_view *v);

#endif
