/* SPDX-License-Identifier: MIT */
/* The table of limits. The defaults are those of Xen's own daemon. */
#include "xenstore/limits.h"

#include <string.h>

#include "xenstore/parse.h"
#include "xenstore/wire.h"

const struct limits default_limits = {
    .nodes = 1000,
    .watches = 128,
    .transactions = 10,
    .outstanding = 20,
    .transaction_nodes = 1024,
    .memory = 2560 * 1024,
    .node_size = 2048,
    .path_max = 2048,
    .permissions = 5,
};

const struct limit_info limit_info[LIMITS] = {
    {"nodes", "nodes a domain may own", offsetof(struct limits, nodes)},
    {"watches", "watches of a domain", offsetof(struct limits, watches)},
    {"transactions", "open transactions of a domain", offsetof(struct limits, transactions)},
    {"outstanding", "events a domain caused that others have not taken",
     offsetof(struct limits, outstanding)},
    {"transaction-nodes", "nodes used in a transaction",
     offsetof(struct limits, transaction_nodes)},
    {"memory", "bytes a domain's nodes, watches and transactions take",
     offsetof(struct limits, memory)},
    {"node-size", "bytes of a node", offsetof(struct limits, node_size)},
    {"path-max", "bytes of a path", offsetof(struct limits, path_max)},
    {"permissions", "entries of a node's permissions", offsetof(struct limits, permissions)},
};
_Static_assert(sizeof(struct limits) == LIMITS * sizeof(unsigned), "each limit has its row");

unsigned *limit_value(struct limits *l, unsigned i)
{
    return (unsigned *)((char *)l + limit_info[i].offset);
}

bool limit_set(struct limits *l, const char *name, const char *text)
{
    uint64_t value;
    for (unsigned i = 0; i < LIMITS; i++) {
        if (strcmp(name, limit_info[i].name) != 0)
            continue;
        uint64_t max = limit_value(l, i) == &l->path_max ? XENSTORE_REL_PATH_MAX : INT32_MAX;
        if (!parse_number(text, max, &value))
            return false;
        *limit_value(l, i) = (unsigned)value;
        return true;
    }
    return false;
}
