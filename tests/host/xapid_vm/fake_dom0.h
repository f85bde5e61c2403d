/* SPDX-License-Identifier: MIT */
/*
 * fake_dom0: a dom0 without a hypervisor, behind the toolstack library's own interface: domains in
 * a table, a store in memory, guests that are made and ended by changing the table. Domain-0 is
 * there from the start. Waiting for the store's events calls the test's hook (fake_store.h), in
 * which the test plays the guest and its monitor.
 */
#ifndef TESTS_XAPID_VM_FAKE_DOM0_H
#define TESTS_XAPID_VM_FAKE_DOM0_H

#include "dom0-tools/lib/guest.h"
#include "dom0-tools/xapid/value.h"

#define FAKE_DOMAINS 16

struct fake_dom0 {
    struct hv_dominfo domains[FAKE_DOMAINS];
    size_t n;
    struct store *store;
    /* what guests were started with, the last one */
    struct guest_config started;
    unsigned int starts, destroys, monitors_left;
    bool started_paused;
    /* knobs */
    bool monitor;                /* some guest's monitor lives */
    const char *kept;            /* the JSON kept of every guest but dom0; NULL: none */
    struct failure create_fails; /* error 0: it does not */
    bool monitor_fails;
    bool machine_fails; /* the hypervisor does not tell of it */
    int open;           /* connections that are open now */
};
extern struct fake_dom0 dom0;

void fake_dom0_start(void (*on_wait)(struct store *s));
void fake_dom0_stop(void);
/* The same with the API's classes over it, their state in a new folder; the end of both and of the
 * folder: 0. */
extern char fake_folder[];
void fake_daemon_start(void (*on_wait)(struct store *s));
int fake_daemon_stop(void);
/* A running domain with that name; its index in domains[]. */
size_t fake_domain(const char *name, const char *uuid);
/* NULL when it is gone. */
struct hv_dominfo *fake_domain_of(const char *uuid);
void fake_domain_end(const char *uuid);

/* --- calls of the API, through the real dispatcher with a real session --- */

/* The answer, a struct; the parameters are values, taken over, ended by NULL. Free it. */
struct value *api(const char *method, ...) __attribute__((sentinel));
/* The same, which must succeed, and the value alone. */
struct value *api_value(const char *method, ...) __attribute__((sentinel));
/* Must fail with these words: "CODE|parameter|parameter" (a parameter "*": any). Takes it over. */
void expect_failure(struct value *answer, const char *words);
/* A string or int, which must be the value of a success. Takes it over. */
void expect_text(struct value *answer, const char *text);

#endif
