/* SPDX-License-Identifier: MIT */
/*
 * password: the file of users who may log in over TCP. A line is USER:HASH, the hash as crypt(5)
 * writes it (yescrypt when we write it); lines that are empty or begin with # are left alone. The
 * file must be a regular one of the daemon's own user, which nobody else may read or write;
 * otherwise nobody is let in. It is read at each login, so that a change needs no restart.
 */
#ifndef XAPID_PASSWORD_H
#define XAPID_PASSWORD_H

#include <stdbool.h>

#include "dom0-tools/lib/failure.h"

#define PASSWORD_FILE     "/etc/bonsai/xapid.passwd"
#define PASSWORD_MAX      511 /* bytes of a password */
#define PASSWORD_USER_MAX 64
#define PASSWORD_FILE_MAX (64 * 1024)

/* Whether the file can be used: 0, or -1 with a sentence. */
int password_file_check(const char *path, struct failure *why);

/* 1: right; 0: wrong, or no such user; -1: the file cannot be used, with a sentence. It takes the
 * time of hashing in all three cases but the last. */
int password_check(const char *path, const char *user, const char *password, struct failure *why);

/* Gives the user this password, adding or replacing its line; the file is made if there is none,
 * and replaced as a whole. One writer at a time. 0, or -1 with a sentence. */
int password_set(const char *path, const char *user, const char *password, struct failure *why);

/* How long it takes says nothing about where the texts differ. */
bool secret_equal(const char *a, const char *b);

#endif
