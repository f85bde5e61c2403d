/* SPDX-License-Identifier: MIT */
/*
 * vmfile: the defined VMs, a file each: FOLDER/UUID.json, {"format": 1, "uuid": ..., "record": the
 * fields of vm_record.h}. Whatever happens, and whenever, there is the old one or the new one
 * (files.h). The folder is read once, when it is opened, and is this process's alone from then on
 * (a lock on FOLDER/.lock).
 *
 * Files that cannot be read, are damaged or come from a newer version are named in the log, left
 * alone, and their VMs do not exist here. Definitions are immutable and counted: who has one may
 * look at it as long as he likes while others put another one in its place. All functions may be
 * called by all threads; two locks: one over the table, one around changes (and their disk writes).
 */
#ifndef XAPID_VMFILE_H
#define XAPID_VMFILE_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/xapid/vm_record.h"

struct vmfile {
    uint8_t uuid[16];
    struct value *record;
    unsigned int references; /* under the table's lock */
};

/* Makes the folder where it is missing. 0, or -1 with a sentence (EBUSY: another has it). */
int vmfile_open(const char *folder, struct failure *why);
void vmfile_close(void);

/* All of them, each held, and a NULL; end with vmfile_list_free(). NULL when memory ran out. */
struct vmfile **vmfile_list(size_t *n);
void vmfile_list_free(struct vmfile **list);
/* NULL when there is none; give it back with vmfile_put(). */
struct vmfile *vmfile_get(const uint8_t uuid[16]);
void vmfile_put(struct vmfile *f);

/* A new one; the record is taken over, also on failure. 0, or -1 with a sentence. */
int vmfile_add(const uint8_t uuid[16], struct value *record, struct failure *why);
/* Puts what change() makes of the record in its place. NULL from change(): nothing is done.
 * 0, 1 when change() returned NULL, or -1 with a sentence (ENOENT: there is none). */
int vmfile_change(const uint8_t uuid[16],
                  struct value *(*change)(const struct value *record, void *arg), void *arg,
                  struct failure *why);
/* 0, or -1 with a sentence (ENOENT: there is none). */
int vmfile_remove(const uint8_t uuid[16], struct failure *why);

#endif
