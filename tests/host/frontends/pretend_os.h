/* SPDX-License-Identifier: MIT */
/*
 * The kernel and the machine that the frontends' tests run on: frontends/os.h over malloc, a grant
 * table whose backends can map and forget to unmap, ports that reach the test, and time that stands
 * still until everybody waits. The store is our daemon's own code behind the ring page of the
 * guest, which is domain 1; the test acts as dom0 through `pretend_dom0`.
 *
 * While the guest waits, the actors run: backends, hostile stores, whatever the test plays.
 */
#ifndef TESTS_FRONTENDS_PRETEND_OS_H
#define TESTS_FRONTENDS_PRETEND_OS_H

#include "tests/host/store/fake.h"

#include "frontends/os.h"

#include <xen/io/xs_wire.h>

#define PRETEND_SECOND 1000000000ull
#define GUEST_HOME     "/local/domain/1"

/* cmocka's setup and teardown: the latter fails when pages, grants, ports or memory are left, or
 * when the store's own check fails. */
int pretend_setup(void **state);
int pretend_teardown(void **state);
/* A setup without the daemon: the page of pretend_store_page is the test's. */
int pretend_setup_no_store(void **state);

extern uint64_t pretend_now;
extern struct fake_session *pretend_dom0;
extern struct xenstore_domain_interface *pretend_store_page;
extern unsigned pretend_fail_after; /* allocations that succeed before all fail; UINT_MAX: never */
extern unsigned pretend_pages;      /* allocated and not freed */
/* what os_log() has said, one line after another; pretend_said() looks for a text in it */
bool pretend_said(const char *text);
const char *pretend_log(void);
void pretend_forget_log(void);

/* Something that runs whenever the guest waits; true when it did something. */
typedef bool pretend_actor(void *context);
void pretend_act(pretend_actor *actor, void *context);
void pretend_dismiss(void *context);
/* Wait until `when` at most, even if the guest would wait for longer. */
void pretend_wake_at(uint64_t when);

/* Dom0's side of grants: the page, mapped once more; NULL when dom0 may not. */
void *pretend_map(grant_ref_t ref, bool write);
void pretend_unmap(grant_ref_t ref);
unsigned pretend_mapped(void);
/* Dom0's side of ports: signal the guest; has the guest signalled since this was asked last? */
void pretend_signal(evtchn_port_t port);
bool pretend_kicked(evtchn_port_t port);
bool pretend_port_open(evtchn_port_t port);
#define PRETEND_STORE_PORT   1u
#define PRETEND_CONSOLE_PORT 2u
void *pretend_console_page(void);

/* The daemon dies without a word; it starts again with the tree but no memory of connections. */
void pretend_store_kill(void);
void pretend_store_start(void);

/* Nodes, as dom0. */
void pretend_write(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *pretend_read(const char *path); /* "<ENOENT>" and the like */
unsigned long pretend_number(const char *dir, const char *node);

#endif
