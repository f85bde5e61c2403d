/* SPDX-License-Identifier: MIT */
/* Between the client's connection (client.c) and its operations (client_ops.c); not for programs.
 */
#ifndef XENSTORE_CLIENT_IMPL_H
#define XENSTORE_CLIENT_IMPL_H

#include "xenstore/client.h"
#include "xenstore/wire.h"

struct client_part {
    const void *data;
    size_t len;
};

/*
 * Sends the parts as one request and waits for its answer, which lies in *answer, *len bytes and
 * one NUL more, until the next call on this handle. answer and len may be NULL.
 */
int client_call(struct store *s, store_tx tx, uint32_t type, const struct client_part *parts,
                unsigned n, const char **answer, size_t *len);

#endif
