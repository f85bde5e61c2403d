/* SPDX-License-Identifier: MIT */
/*
 * files: small text files that are there whole: VM definitions, the host's own file, passwords. A
 * file is written beside its name, flushed, renamed, and the folder flushed: whatever happens, and
 * whenever, there is the old one or the new one. No state; one writer of a name at a time, which
 * the caller sees to.
 */
#ifndef XAPID_FILES_H
#define XAPID_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "dom0-tools/lib/failure.h"

/* The text of a plain file of at most max bytes, malloc'ed; links are not followed. `secret`: it
 * must be this user's, and nobody else's to read or write. folder: a descriptor, or AT_FDCWD. NULL
 * with half a sentence ("it ..."; ENOENT: there is none). */
char *file_read(int folder, const char *name, size_t max, bool secret, struct failure *why);

/* Replaces or creates folder/name, for this user alone. 0 when it will be there after a power cut,
 * or -1 with a sentence and the old one in place (after a power cut either, when it was the flush
 * that failed; the sentence says so when it could not be put back). path is the folder's, for the
 * sentence. Beside it lie, for a moment, .name.new and .name.old. */
int file_replace(int folder, const char *path, const char *name, const char *text,
                 struct failure *why);

/* 0 when it will be gone after a power cut, or -1 as above (ENOENT: there is none). */
int file_remove(int folder, const char *path, const char *name, struct failure *why);

#endif
