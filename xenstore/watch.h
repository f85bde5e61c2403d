/* SPDX-License-Identifier: MIT */
/*
 * Watches, by session and by path. A watch sees changes at its path and below; a session sees the
 * events of one change in the order in which it registered the watches. A hash table by path makes
 * a change cost its depth, not the number of watches.
 */
#ifndef XENSTORE_WATCH_H
#define XENSTORE_WATCH_H

#include "xenstore/perms.h"

struct session;
struct account;

/* One path that is watched. */
struct watch_point {
    struct watch_point *next; /* in its bucket */
    struct watch *first, **end;
    uint32_t hash, len;
    char path[];
};

struct watch {
    struct watch *next_of_session, *next_of_point;
    struct session *session;
    struct watch_point *point;
    uint64_t serial;
    bool relative; /* was registered so, and its events name the path so */
    char token[];
};

struct watch_table {
    struct watch_point **bucket;
    size_t buckets, points; /* buckets: a power of two, or 0 */
    uint64_t serial;
};

/* A change as watchers may see it: who could read the node before or can now, or can read its
 * parent. */
struct change {
    const char *path;
    size_t len;
    bool exact; /* only for watches on this very path: the node went away with one above */
    const struct perms *before, *now, *parent; /* NULL: there is none */
};

/* EEXIST, ENOSPC, E2BIG (an event with such a token might not fit a message), ENOMEM. */
int watch_add(struct session *s, const char *path, size_t len, const char *token, bool relative);
int watch_remove(struct session *s, const char *path, size_t len, const char *token); /* ENOENT */
void watch_remove_all(struct session *s);
/* Sends the first event of a session's newest watch. */
void watch_first_event(struct session *s, const char *path, const char *token);
void watch_fire(struct watch_table *t, const struct change *change, struct account *cause);
void watch_table_free(struct watch_table *t); /* empty of watches */

#endif
