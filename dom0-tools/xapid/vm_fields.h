/* SPDX-License-Identifier: MIT */
/*
 * vm_fields: the whole record of a VM: what a client gave (vm_record.h) and what is seen of it, one
 * table row a field.
 */
#ifndef XAPID_VM_FIELDS_H
#define XAPID_VM_FIELDS_H

#include "dom0-tools/xapid/vm_look.h"

/* There is such a field. NULL with a sentence. */
struct value *vm_field(struct vm_scan *s, struct vm_view *v, const char *name, struct failure *why);
/* All fields. NULL with a sentence. */
struct value *vm_fields(struct vm_scan *s, struct vm_view *v, struct failure *why);

#endif
