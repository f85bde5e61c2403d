/* SPDX-License-Identifier: MIT */
/*
 * dom0's end of a guest's network card: rename it, set its MTU, put it on a bridge, bring it up.
 * These are four ioctls that Linux has had since bridges exist; no library, no scripts.
 */
#ifndef BONSAI_NET_LINK_H
#define BONSAI_NET_LINK_H

#include "dom0-tools/lib/failure.h"

#include <stdbool.h>

bool net_link_exists(const char *name);
bool net_link_is_bridge(const char *name);

/* All return 0, or -1 with a sentence. */
int net_link_rename(const char *name, const char *to, struct failure *why);
int net_link_get_mtu(const char *name, int *mtu, struct failure *why);
int net_link_set_mtu(const char *name, int mtu, struct failure *why);
int net_link_up(const char *name, struct failure *why);
int net_link_enslave(const char *name, const char *bridge, struct failure *why);

#endif
