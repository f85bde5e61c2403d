/* SPDX-License-Identifier: MIT */
/*
 * vm_look: all VMs as they are at one moment: the definitions and the domains, matched by UUID. A
 * scan has connections of its own to hypervisor and store, belongs to one thread and one call, and
 * is thrown away after it. A domain that is being destroyed counts as gone.
 */
#ifndef XAPID_VM_LOOK_H
#define XAPID_VM_LOOK_H

#include "dom0-tools/lib/guest.h"
#include "dom0-tools/xapid/method.h"
#include "dom0-tools/xapid/vmfile.h"

struct vm_view {
    uint8_t uuid[16];
    char ref[37];
    struct vmfile *file; /* held; NULL: not defined, a guest of another tool */
    struct value *made;  /* such a guest's record, made when it is first asked for */
    bool present;        /* there is a domain: */
    struct hv_dominfo info;
};

struct vm_scan {
    struct toolstack t;
    struct vm_view *views;
    size_t n;
};

/* 0, or -1 with a sentence and nothing to free. */
int vm_scan(struct vm_scan *s, struct failure *why);
void vm_scan_free(struct vm_scan *s);
/* NULL when there is none. */
struct vm_view *vm_scan_find(struct vm_scan *s, const char *ref);

/* Asks the hypervisor again about one of them. 0, or -1 with a sentence. */
int vm_refresh(struct vm_scan *s, struct vm_view *v, struct failure *why);

/* For a handler: the scan, and the VM that its first parameter names. NULL after the call
 * has failed; then there is nothing to free. */
struct vm_view *vm_scan_call(struct vm_scan *s, struct call *c);

enum vm_power { VM_HALTED, VM_PAUSED, VM_RUNNING, VM_SUSPENDED, VM_CRASHED };
enum vm_power vm_power(const struct vm_view *v);
const char *vm_power_name(enum vm_power power);
bool vm_is_dom0(const struct vm_view *v);

/* The fields a client gives (vm_record.h), of the definition or of how the guest was started. NULL
 * when memory ran out. */
const struct value *vm_record(struct vm_scan *s, struct vm_view *v);
/* One of them, of a text; NULL when memory ran out. */
const char *vm_record_text(struct vm_scan *s, struct vm_view *v, const char *field);
/* What it is, or was, started with. The kernel may be NULL. 0, or -1 with a sentence. */
int vm_config(struct vm_scan *s, struct vm_view *v, struct guest_config *out, struct failure *why);

#endif
