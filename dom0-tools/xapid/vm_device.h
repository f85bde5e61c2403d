/* SPDX-License-Identifier: MIT */
/*
 * vm_device: the disks, network cards and consoles of VMs as objects of the classes VBD, VIF and
 * console. They are read only here: what a VM has is said in its other_config (vm_record.h).
 */
#ifndef XAPID_VM_DEVICE_H
#define XAPID_VM_DEVICE_H

#include "dom0-tools/xapid/vm_look.h"

/* The references, arrays; as a field's look() (vm_fields.h). */
struct value *vm_vbds(struct vm_scan *s, struct vm_view *v, struct failure *why);
struct value *vm_vifs(struct vm_scan *s, struct vm_view *v, struct failure *why);
struct value *vm_consoles(struct vm_scan *s, struct vm_view *v, struct failure *why);

#endif
