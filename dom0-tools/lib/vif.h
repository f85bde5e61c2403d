/* SPDX-License-Identifier: MIT */
/*
 * A guest's network card, from its specification to a netdev on a bridge. The kernel's network
 * backend makes the netdev vifD.I; naming it, its MTU, the bridge and saying
 * hotplug-status=connected are done here. With the backend in another domain only the nodes are
 * written.
 */
#ifndef BONSAI_VIF_H
#define BONSAI_VIF_H

#include "dom0-tools/lib/device.h"
#include "dom0-tools/lib/spec.h"

#define VIF_DEFAULT_BRIDGE "xenbr0"

/* Whether this card can be served, before anything is made: bridge and script. */
int vif_check(const struct vif_spec *v, bool remote, struct failure *why);

/* Fills in what the specification left open: a random MAC of Xen's range, the bridge. 0, or -1
 * when out of memory. */
int vif_complete(struct vif_spec *v, const char *default_bridge, struct failure *why);

/* Publishes card number id for domid and returns when its netdev is on the bridge. On failure the
 * nodes may be there: end them with device_remove(). *device is filled in first. */
int vif_attach(struct store *s, uint32_t domid, uint32_t backend_domid, uint32_t id,
               const struct vif_spec *v, struct device *device, struct failure *why);

#endif
