/* SPDX-License-Identifier: MIT */
/*
 * The XenStore, seen by a guest's kernel: the wire protocol over the ring page of start_info.
 *
 * One thread of control, one request at a time. A call blocks in os_wait() until the store has
 * answered. A store daemon that dies is waited for: when it offers the ring's reconnection feature
 * the connection is started afresh, watches are set again and the request is sent once more;
 * transactions of the old connection answer -XEN_EAGAIN. The same happens when what comes over the
 * ring makes no sense. Without that feature, a stream that makes no sense ends the connection:
 * every later call answers -XEN_EIO.
 *
 * Functions return 0 or a negative errno of Xen's ABI: what the store answered (-XEN_ENOENT, ...),
 * -XEN_E2BIG for a request that fits no message, -XEN_ENOMEM, -XEN_ETIMEDOUT when nobody answered
 * for STORE_PATIENCE, -XEN_EIO. Paths are absolute, or relative to the domain's home.
 */
#ifndef FRONTENDS_STORE_H
#define FRONTENDS_STORE_H

#include "frontends/os.h"

#include <xen/io/xs_wire.h>

#define STORE_PATIENCE (300ull * 1000000000) /* ns */

struct store;
typedef uint32_t store_tx; /* a transaction; STORE_NO_TX: none */
#define STORE_NO_TX 0u

/* Connects to the store of start_info; -XEN_ENODEV when the domain has none. */
int store_open(struct store **s);
/* Leaves the ring quiescent; no watch may be set any more. */
void store_close(struct store *s);

/* *value is os_alloc()ed and the caller's to os_free(); a NUL follows its *len (may be NULL) bytes.
 */
int store_read(struct store *s, store_tx tx, const char *path, char **value, size_t *len);
/* A whole number in decimal and nothing else, else -XEN_EINVAL. The path is DIR/NODE. */
int store_read_u64(struct store *s, store_tx tx, const char *dir, const char *node,
                   uint64_t *value);
int store_write(struct store *s, store_tx tx, const char *path, const void *value, size_t len);
/* Writes DIR/NODE, at most 255 bytes of formatted text. */
int store_printf(struct store *s, store_tx tx, const char *dir, const char *node,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
int store_mkdir(struct store *s, store_tx tx, const char *path);
int store_rm(struct store *s, store_tx tx, const char *path);
/* The names below a node, one after another, each with its NUL; the whole is *len bytes,
 * os_alloc()ed and ends with an empty name. */
int store_list(struct store *s, store_tx tx, const char *path, char **names, size_t *len);

/* Only one transaction is open at a time. store_end() with commit answers -XEN_EAGAIN when somebody
 * else has changed what was used: begin anew. */
int store_begin(struct store *s, store_tx *tx);
int store_end(struct store *s, store_tx tx, bool commit);
/* step(s, tx, context) in a transaction, again and again on conflict, up to STORE_TX_TRIES times;
 * then -XEN_EAGAIN. A step that returns nonzero aborts, and that is returned. */
#define STORE_TX_TRIES 20
int store_transact(struct store *s, int (*step)(struct store *s, store_tx tx, void *context),
                   void *context);

/*
 * A watch is a flag that events raise; the path of the event is not kept, so that no flood of
 * events costs memory. It is raised once when it is set, and after each reconnection. The struct is
 * the caller's, and must stay where it is until store_unwatch().
 */
#define STORE_WATCH_PATH 256
struct store_watch {
    struct store_watch *next;
    uint32_t id; /* the token */
    bool fired;
    char path[STORE_WATCH_PATH];
};
int store_watch(struct store *s, struct store_watch *w, const char *path);
/* The watch is forgotten here whatever the store answers. */
int store_unwatch(struct store *s, struct store_watch *w);
/* Whether the watch has fired since this was asked last. Never waits, unless the stream is broken:
 * then it connects afresh. */
bool store_fired(struct store *s, struct store_watch *w);

#endif
