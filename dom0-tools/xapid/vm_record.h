/* SPDX-License-Identifier: MIT */
/*
 * vm_record: a VM as it is defined. It is the part of the API's VM record that a client gives
 * (fields C and W), a struct value in which every one of these fields is present, of its type and
 * allowed; THE table of them is fields[] in vm_record.c. Records are made and then never changed:
 * a change makes another one, and what is not allowed makes none.
 *
 * A record and a struct guest_config, what a guest is started with, say the same in two languages;
 * disks and network cards are lines of xl.cfg's language in other_config, under the two keys below.
 */
#ifndef XAPID_VM_RECORD_H
#define XAPID_VM_RECORD_H

#include "dom0-tools/lib/guest_config.h"
#include "dom0-tools/xapid/value.h"

/* A specification a line, as in xl.cfg's disk=[...] and vif=[...]. */
#define VM_DISKS     "bonsai.disks"
#define VM_VIFS      "bonsai.vifs"
/* Lines of each at most: every one is compared with those before it. */
#define VM_DISKS_MAX 256
#define VM_VIFS_MAX  256

/* Why a record cannot be: what FIELD_TYPE_ERROR and VALUE_NOT_SUPPORTED say. */
struct vm_trouble {
    bool type; /* not of the field's type, or missing */
    char field[32];
    char value[256];
    char reason[512];
};

/* Whether a client may give that field. */
bool vm_record_has(const char *field);
/* The n'th such field, from 0; NULL past the end. */
const char *vm_record_field(unsigned int n);

/* A record of what was given; missing fields have their defaults, others are passed over. NULL with
 * *t. */
struct value *vm_record_make(const struct value *given, struct vm_trouble *t);
/* A record that differs in those of its fields that are in `changes`, a struct. NULL with *t. */
struct value *vm_record_with(const struct value *record, const struct value *changes,
                             struct vm_trouble *t);

/* What a guest of that record is started with; free with guest_config_free(). The kernel may be
 * NULL. MAC addresses that the record leaves open are made from the UUID. 0, or -1 with *t. */
int vm_record_config(const struct value *record, const uint8_t uuid[16], struct guest_config *out,
                     struct vm_trouble *t);
/* The record of a guest that was started with that; NULL when memory ran out. It is to be shown,
 * and holds what a client might not be allowed to give. */
struct value *vm_record_of(const struct guest_config *g);

#endif
