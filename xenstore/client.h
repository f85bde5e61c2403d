/* SPDX-License-Identifier: MIT */
/*
 * A client's view of XenStore, over the daemon's socket or the kernel's /dev/xen/xenbus. It speaks
 * the plain wire protocol, so any XenStore daemon will do.
 *
 * A handle belongs to one thread at a time. Calls block until the daemon has answered. Watch events
 * that arrive in between are queued in the handle: a program that polls store_fd() must first drain
 * store_next_event() until it returns 0, since a queued event no longer makes the descriptor
 * readable.
 *
 * Conventions: int functions return 0, or -1 with errno; pointers are NULL with errno. What is
 * returned through a pointer is one malloc()ed block, which the caller frees with free(). Paths are
 * absolute, or relative to the caller's home (/local/domain/0 for dom0). errno is what the daemon
 * answered (ENOENT, EACCES, EEXIST, ENOSPC, E2BIG, EAGAIN, ...), ENAMETOOLONG for a path over
 * STORE_PATH_MAX, or EPIPE, EIO, EPROTO when the connection is lost or senseless; after these three
 * the handle can only be closed.
 */
#ifndef XENSTORE_CLIENT_H
#define XENSTORE_CLIENT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_PATH_MAX 3072 /* bytes of an absolute path, without NUL */
#define STORE_DATA_MAX 4096 /* bytes of a message's body: path, NUL and value together */

struct store;
typedef uint32_t store_tx; /* a transaction of this connection; STORE_NO_TX: none */
#define STORE_NO_TX 0u

/*
 * Connects to $XENSTORED_PATH; else to $XENSTORED_RUNDIR/socket (/run/xenstored/socket by default);
 * and when nobody answers there, to /dev/xen/xenbus. The descriptor is close-on-exec.
 * store_open_path() takes a socket or a device by name.
 */
struct store *store_open(void);
struct store *store_open_path(const char *path);
void store_close(struct store *s);
int store_fd(const struct store *s); /* poll for POLLIN; never read or write it */

/* Nodes. *len (may be NULL) is the value's length; one NUL more is always there. */
char *store_read(struct store *s, store_tx tx, const char *path, size_t *len);
int store_write(struct store *s, store_tx tx, const char *path, const void *value, size_t len);
int store_mkdir(struct store *s, store_tx tx, const char *path);
int store_rm(struct store *s, store_tx tx,
             const char *path); /* with all below; a missing leaf is no error */
char **store_directory(struct store *s, store_tx tx, const char *path,
                       size_t *n);                                /* names[n] is NULL */
int store_exists(struct store *s, store_tx tx, const char *path); /* 1, 0, or -1 */

/* The same with a printf-built path, or value; the path's format is always the last fixed argument.
 */
char *store_readf(struct store *s, store_tx tx, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int store_writef(struct store *s, store_tx tx, const char *value, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int store_printf(struct store *s, store_tx tx, const char *path, const char *valuefmt, ...)
    __attribute__((format(printf, 4, 5)));
int store_mkdirf(struct store *s, store_tx tx, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int store_rmf(struct store *s, store_tx tx, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
char **store_directoryf(struct store *s, store_tx tx, size_t *n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A whole number in decimal or 0x-hexadecimal and nothing else, else -1 with EINVAL. */
int store_read_u64(struct store *s, store_tx tx, uint64_t *value, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Permissions. perms[0].domid owns the node, perms[0].access is what everybody not named gets. */
enum { STORE_NONE = 0, STORE_READ = 1, STORE_WRITE = 2, STORE_BOTH = 3 };
struct store_perm {
    uint32_t domid;
    unsigned access; /* STORE_* */
};
struct store_perm *store_get_perms(struct store *s, store_tx tx, const char *path, size_t *n);
int store_set_perms(struct store *s, store_tx tx, const char *path, const struct store_perm *perms,
                    size_t n);
int store_set_permsf(struct store *s, store_tx tx, const struct store_perm *perms, size_t n,
                     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* "n0" and the like: text of at least 12 bytes; parse returns -1 with EINVAL. */
void store_perm_text(const struct store_perm *perm, char *text);
int store_perm_parse(const char *text, struct store_perm *perm);

/*
 * Watches. The first event of each comes at once. An event is one block: free(event).
 * store_next_event() never blocks: 1 with *event, 0 for none now, -1. store_wait_event() waits up
 * to timeout_ms (-1: for ever), and returns the same.
 */
struct store_event {
    const char *path, *token;
};
int store_watch(struct store *s, const char *path, const char *token);
int store_unwatch(struct store *s, const char *path, const char *token);
int store_watchf(struct store *s, const char *token, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int store_unwatchf(struct store *s, const char *token, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int store_next_event(struct store *s, struct store_event **event);
int store_wait_event(struct store *s, int timeout_ms, struct store_event **event);

/*
 * Transactions. store_begin() returns STORE_NO_TX with errno. store_end(): -1 with EAGAIN means
 * that a node used inside has changed meanwhile, nothing was done, begin again. store_abort() keeps
 * errno.
 *
 * store_transact() runs step(s, tx, arg) inside a transaction and commits; on conflict it starts
 * over, so step must be repeatable. A step that returns nonzero aborts; that value is returned,
 * errno kept.
 */
store_tx store_begin(struct store *s);
int store_end(struct store *s, store_tx tx);
void store_abort(struct store *s, store_tx tx);
int store_transact(struct store *s, int (*step)(struct store *s, store_tx tx, void *arg),
                   void *arg);

/* Domains; all but store_domain_path() and store_reset_watches() are dom0's alone. gfn: the ring's
 * page, seen by the guest. */
int store_introduce(struct store *s, uint32_t domid, uint64_t gfn, uint32_t evtchn);
int store_release(struct store *s, uint32_t domid);
int store_resume(struct store *s, uint32_t domid);
int store_set_target(struct store *s, uint32_t domid, uint32_t target);
int store_is_introduced(struct store *s, uint32_t domid); /* 1, 0, or -1 */
char *store_domain_path(struct store *s, uint32_t domid);
int store_reset_watches(struct store *s); /* drops this connection's watches and transactions */

/* CONTROL with its words, n of them; returns the answer's text. */
char *store_control(struct store *s, const char *const *words, size_t n);

#endif
