/* SPDX-License-Identifier: MIT */
/*
 * A store in memory, behind the client's own interface: nodes with values and permissions, new ones
 * with those of their parent, as the daemon does it for a privileged client. Transactions act at
 * once. Waiting for an event calls the test's hook instead, in which it plays the other side.
 */
#ifndef BONSAI_TESTS_XL_FAKE_STORE_H
#define BONSAI_TESTS_XL_FAKE_STORE_H

#include "xenstore/client.h"

struct store *fake_store(void); /* empty but for the root; store_close() frees it */
/* Called by every wait for an event. */
void fake_store_on_wait(struct store *s, void (*hook)(struct store *s));
/* All nodes below path as `xenstore-ls -fp` prints them, in the order of their names; malloc'ed. */
char *fake_store_list(struct store *s, const char *path);

#endif
