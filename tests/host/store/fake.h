/* SPDX-License-Identifier: MIT */
/*
 * A store without transport for the unit tests: domains exist when the test says so, events go into
 * a text that the test compares, a request's answer too.
 */
#ifndef TESTS_STORE_FAKE_H
#define TESTS_STORE_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "xenstore/storage.h"
#include "xenstore/transaction.h"

struct fake_session {
    struct session s;   /* first */
    char events[65536]; /* "path token\n"... */
};

extern struct storage fake_store;
extern bool fake_exists[64]; /* domains */

int fake_setup(void **state);
int fake_teardown(void **state); /* fails when the store's own check does */

struct fake_session *fake_open(uint16_t domid);
void fake_close(struct fake_session *s);
/* What has been delivered since the last call. */
const char *fake_events(struct fake_session *s);

/* Operations with C strings; path is absolute. */
int do_write(struct fake_session *s, struct transaction *tx, const char *path, const char *value);
int do_mkdir(struct fake_session *s, struct transaction *tx, const char *path);
int do_rm(struct fake_session *s, struct transaction *tx, const char *path);
int do_perms(struct fake_session *s, struct transaction *tx, const char *path, const char *perms);
/* The value (static buffer), or the errno's name in angle brackets. */
const char *do_read(struct fake_session *s, struct transaction *tx, const char *path);
/* Names separated by blanks, or <ERRNO>. */
const char *do_list(struct fake_session *s, struct transaction *tx, const char *path);
/* "n0 r1", or <ERRNO>. */
const char *do_get_perms(struct fake_session *s, const char *path);
struct transaction *do_begin(struct fake_session *s);
int do_watch(struct fake_session *s, const char *path, const char *token);

#endif
