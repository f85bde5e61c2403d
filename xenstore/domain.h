/* SPDX-License-Identifier: MIT */
/*
 * Domains the daemon knows: those introduced, which have a ring, and those only named as owner or
 * in permissions, which it must notice dying. Xen tells by an event that some domain's state has
 * changed; then each known one is looked at: gone or dying, it is forgotten with all that is its
 * own; shut down, watchers of
 * @releaseDomain are told, once until RESUME.
 */
#ifndef XENSTORE_DOMAIN_H
#define XENSTORE_DOMAIN_H

#include "xenstore/storage.h"

/* With Xen: binds its events, connects dom0's kernel. false: said why in the log. */
bool domains_start(struct storage *st);
void domains_stop(void);
/* Hook of struct storage. */
bool domain_exists(struct storage *st, uint16_t domid);

#endif
