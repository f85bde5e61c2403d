/* SPDX-License-Identifier: MIT */
/*
 * How a record lies on the disk: JSON with a format number. The files are those of files.h.
 * Internal to what keeps state: VM definitions (vmfile.c) and the host's own file (host_file.c).
 */
#ifndef XAPID_VMFILE_DISK_H
#define XAPID_VMFILE_DISK_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/xapid/value.h"

/* Creates the folder and those above it, for root alone. 0, or -1 with a sentence. */
int vmfile_make_folder(const char *folder, struct failure *why);

/* malloc'ed; NULL when memory ran out. Of the record strings, booleans and maps of strings. */
char *vmfile_print(const uint8_t uuid[16], const struct value *record);
/* The way back. 0, or -1 with half a sentence in *why and a NULL record. */
int vmfile_parse(const char *text, uint8_t uuid[16], struct value **record, struct failure *why);

#endif
