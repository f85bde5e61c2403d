/* SPDX-License-Identifier: MIT */
/*
 * host_file: what is kept of the host: its UUID, made once, and what clients have called it, in
 * STATE/host.json. It is read when it is opened; a damaged file is an error, for its UUID is in
 * every client's hands. Records are immutable, one lock stands around the current one.
 */
#ifndef XAPID_HOST_FILE_H
#define XAPID_HOST_FILE_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/xapid/value.h"

int host_file_open(const char *state, struct failure *why);
void host_file_close(void);
void host_file_uuid(uint8_t uuid[16]);
/* A copy of name_label, name_description and other_config; NULL when memory ran out. */
struct value *host_file_record(void);
/* Puts what change() makes of the record in its place. NULL from change(): nothing is done. 0, 1
 * when change() returned NULL, or -1 with a sentence. */
int host_file_change(struct value *(*change)(const struct value *record, void *arg), void *arg,
                     struct failure *why);

#endif
