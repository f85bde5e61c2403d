/* SPDX-License-Identifier: MIT */
/*
 * A machine for the console daemon's tests: domains with a console page each, event channels that
 * are numbers (a domain's port is its id + 100), a clock that the test moves, logs in a temporary
 * folder.
 */
#ifndef TESTS_CONSOLED_FAKE_H
#define TESTS_CONSOLED_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <xen/io/console.h>

#include "backends/consoled/consoles.h"
#include "xenstore/client.h"

#define FAKE_DOMAINS 8u

struct fake_domain {
    bool exists, dying, shutdown, no_map, no_bind;
    uint8_t life; /* part of its UUID */
    uint64_t shared_info, cpu_time;
    int mapped, bound; /* how often, now */
    unsigned notified, unmasked;
    struct xencons_interface page;
};

extern struct fake_domain fake_domain[FAKE_DOMAINS];
extern struct consoles fake; /* the daemon under test */
extern char fake_folder[64]; /* logs are here, what is kept in its folder "kept" */
extern struct store *fake_nodes;
extern void (*fake_on_notify)(unsigned domid); /* called when the guest is told; may be NULL */

int fake_setup(void **state);
int fake_teardown(void **state); /* fails when a page is still mapped or a port bound */

/* A domain with its nodes; the daemon does not know of it. */
void fake_create(unsigned domid, const char *name);
/* It dies; its nodes are gone. */
void fake_destroy(unsigned domid);
/* The guest prints; how much the ring took. */
size_t fake_print(unsigned domid, const char *text, size_t n);
size_t fake_say(unsigned domid, const char *text);
/* The daemon is killed: nothing of it is left but what the system keeps. */
void fake_kill(void);
/* It is started (again). */
void fake_start(void);
/* Time goes on, and the daemon looks at what is due. */
void fake_pass(unsigned ms);
/* The domain's event, as poll() would bring it. */
bool fake_event(unsigned domid);

struct console *fake_console(unsigned domid);
/* The guest's log, or another file of the folder; malloc'ed, NULL when there is none. */
char *fake_log(const char *name);
/* Opens the domain's terminal as xl console does, and tells the daemon. */
int fake_attach(unsigned domid);
void fake_detach(int tty);
/* What can be read there now; static, NUL-terminated. */
const char *fake_read(int tty);
/* The complaints on stderr since the last call; static. */
const char *fake_complaints(void);

#endif
