/* SPDX-License-Identifier: MIT */
/*
 * session: who is logged in. A session is a random UUID, which is all that a client must show; it
 * ends by logout, when it has not been used for a day, or when it is the longest unused one and a
 * new one needs its place. Sessions live in memory: when the daemon starts anew they are gone,
 * clients are told SESSION_INVALID and log in again.
 *
 * All functions may be called from any thread; one lock inside, held for looking only.
 */
#ifndef XAPID_SESSION_H
#define XAPID_SESSION_H

#include <stdbool.h>

#include "common/uuid.h"

#define SESSION_MAX       256 /* at once */
#define SESSION_IDLE_S    (24 * 60 * 60)
#define SESSION_USER_MAX  64 /* bytes of a user's name */
#define SESSION_REF_BYTES UUID_TEXT

/* The password file of logins over TCP; the text stays. */
void session_use_passwords(const char *file);
/* Lets no refused login wait any longer: the daemon ends. */
void session_stop(void);

/* ref: of a new session. */
void session_start(const char *user, char ref[SESSION_REF_BYTES]);
/* Whether there is such a session; it counts as used, and user is who logged in. */
bool session_use(const char *ref, char user[SESSION_USER_MAX + 1]);
void session_end(const char *ref);

#endif
