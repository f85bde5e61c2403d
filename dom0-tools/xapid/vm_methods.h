/* SPDX-License-Identifier: MIT */
/*
 * The handlers behind VM's rows; see vm_methods.c.
 */
#ifndef XAPID_VM_METHODS_H
#define XAPID_VM_METHODS_H

#include "dom0-tools/xapid/method.h"

/* vm_read.c */
void vm_get_all(struct call *c);
void vm_get_all_records(struct call *c);
void vm_get_record(struct call *c);
void vm_get_by_uuid(struct call *c);
void vm_get_by_name_label(struct call *c);
void vm_get_field(struct call *c); /* the field after "VM.get_" in the row's name */

/* vm_write.c */
void vm_create(struct call *c);
void vm_destroy(struct call *c);
void vm_set_field(struct call *c);   /* after "VM.set_" */
void vm_set_fields(struct call *c);  /* each parameter is the field of its name in the row */
void vm_add_to(struct call *c);      /* after "VM.add_to_" */
void vm_remove_from(struct call *c); /* after "VM.remove_from_" */

#endif
