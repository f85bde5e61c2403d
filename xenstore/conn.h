/* SPDX-License-Identifier: MIT */
/*
 * A connection: a session with its two streams of bytes. It takes requests one at a time as long as
 * its answers flow off; what it has to say lies in a queue of messages, answers and events in the
 * order in which they came about. A connection that breaks a rule is marked dead, with a sentence
 * in the log, and freed by conn_reap() when nobody looks at it any more.
 */
#ifndef XENSTORE_CONN_H
#define XENSTORE_CONN_H

#include <sys/types.h>

#include "xenstore/storage.h"

struct conn;

/* How bytes move. */
struct transport {
    /* As read(2) and write(2) on a non-blocking descriptor: 0 from read is the end, -1 with EAGAIN:
     * not now. */
    ssize_t (*read)(struct conn *c, void *to, size_t len);
    ssize_t (*write)(struct conn *c, const void *from, size_t len);
    /* Before and after a round of reads and writes; begin returns false when there is nothing to be
     * done. */
    bool (*begin)(struct conn *c);
    void (*end)(struct conn *c, bool output_waits);
    /*
     * After conn_fail(), between rounds: tells the other side. true: it may start afresh (begin()
     * says when), and the connection stays; false: it is closed.
     */
    bool (*failed)(struct conn *c, uint32_t error); /* XENSTORE_ERROR_* */
    void (*close)(struct conn *c);                  /* frees the conn's memory too */
};

struct out; /* a message on its way out */

struct conn {
    struct session session;
    const struct transport *transport;
    struct conn *next;       /* all connections */
    struct conn *next_ready; /* waiting for a round */
    bool ready;
    bool dead;                 /* to be looked at by conn_reap() */
    bool shut;                 /* to be freed whatever happens, its session is closed already */
    uint32_t error;            /* XENSTORE_ERROR_* */
    unsigned number, failures; /* for the log */
    struct out *first, **last;
    size_t queued; /* bytes in the queue */
    unsigned messages;
    size_t at, have; /* in in[]: first byte not taken, and end */
    char in[2 * (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)];
};

int conn_open(struct conn *c, struct storage *st, uint16_t domid,
              const struct transport *transport);
/* Asks for a round soon. */
void conn_ready(struct conn *c);
bool conn_any_ready(void);
/* A round for each that asked for one before this was called. */
void conn_run_ready(void);
void conn_fail(struct conn *c, uint32_t error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Closes its session at once; the rest goes with conn_reap(). Not while watches are being fired. */
void conn_shut(struct conn *c);
/* Forgets what came in and what waits to go out, watches and transactions: the other side starts
 * afresh. */
void conn_restart(struct conn *c);
void conn_reap(void);
void conn_close_all(void);
/* Hook of struct storage. */
void conn_wake(struct session *s);

#endif
