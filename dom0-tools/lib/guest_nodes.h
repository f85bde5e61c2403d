/* SPDX-License-Identifier: MIT */
/*
 * The store nodes of a guest that belong to no device; internal to guest*.c.
 */
#ifndef BONSAI_GUEST_NODES_H
#define BONSAI_GUEST_NODES_H

#include "dom0-tools/lib/guest.h"

struct guest_rings { /* what the builder made, for the guest's nodes */
    uint64_t store_frame, console_frame;
    uint32_t store_port, console_port;
    const char *os; /* what the kernel calls itself */
};

/* The domain's home, /vm/UUID and /libxl/D, before it is built. Both: 0, or -1 with a sentence. */
int guest_nodes_write(struct store *s, uint32_t domid, const struct guest_config *g,
                      struct failure *why);
/* What is known when it is built: store, console and image nodes, and the console's backend. */
int guest_nodes_built(struct store *s, uint32_t domid, const struct guest_config *g,
                      const struct guest_rings *rings, struct failure *why);
/* Takes all of them away. 0, or -1 with errno. */
int guest_nodes_remove(struct store *s, uint32_t domid);

#endif
