/* SPDX-License-Identifier: MIT */
/*
 * classes: all classes of the API, the one list that main hands to the dispatcher. (Tests have
 * another one, without a hypervisor below it.)
 */
#ifndef XAPID_CLASSES_H
#define XAPID_CLASSES_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/xapid/method.h"

extern const struct method *const classes[]; /* ended by NULL */

/* Before the first call. state: the folder of what is defined. 0, or -1 with a sentence. */
int classes_open(const char *state, struct failure *why);
/* The end is near: calls that wait for a guest give up. */
void classes_stop(void);
/* After the last call. */
void classes_close(void);

#endif
