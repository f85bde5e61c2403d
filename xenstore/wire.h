/* SPDX-License-Identifier: MIT */
/*
 * XenStore's wire protocol: message header, operation numbers, error names, the shared ring's page.
 * A message is a header and up to WIRE_BODY_MAX bytes of body, native-endian, the same on sockets
 * and rings. Answers carry the request's type, id and transaction; errors the type WIRE_ERROR and
 * an errno's name.
 */
#ifndef XENSTORE_WIRE_H
#define XENSTORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_op {
    WIRE_CONTROL = 0,
    WIRE_DIRECTORY = 1,
    WIRE_READ = 2,
    WIRE_GET_PERMS = 3,
    WIRE_WATCH = 4,
    WIRE_UNWATCH = 5,
    WIRE_TRANSACTION_START = 6,
    WIRE_TRANSACTION_END = 7,
    WIRE_INTRODUCE = 8,
    WIRE_RELEASE = 9,
    WIRE_GET_DOMAIN_PATH = 10,
    WIRE_WRITE = 11,
    WIRE_MKDIR = 12,
    WIRE_RM = 13,
    WIRE_SET_PERMS = 14,
    WIRE_WATCH_EVENT = 15,
    WIRE_ERROR = 16,
    WIRE_IS_DOMAIN_INTRODUCED = 17,
    WIRE_RESUME = 18,
    WIRE_SET_TARGET = 19,
    WIRE_RESET_WATCHES = 21,
    WIRE_DIRECTORY_PART = 22,
};

struct wire_header {
    uint32_t type, req_id, tx_id, len;
};
_Static_assert(sizeof(struct wire_header) == 16, "header on the wire");

#define WIRE_BODY_MAX     4096u
#define WIRE_PATH_ABS_MAX 3072u
#define WIRE_PATH_REL_MAX 2048u
#define WIRE_RING_SIZE    1024u
#define WIRE_DOMID_SELF   0x7ff0u

/* The page shared with a domain's kernel. Indexes run freely; the guest may write any of it at any
 * time. */
struct wire_ring {
    char req[WIRE_RING_SIZE], rsp[WIRE_RING_SIZE];
    uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
    uint32_t server_features, connection, error, evtchn_port;
};
_Static_assert(offsetof(struct wire_ring, req_cons) == 2048, "ring page");
_Static_assert(offsetof(struct wire_ring, rsp_prod) == 2060, "ring page");
_Static_assert(offsetof(struct wire_ring, evtchn_port) == 2076, "ring page");

#define WIRE_FEATURE_RECONNECT 1u
#define WIRE_FEATURE_ERROR     2u
#define WIRE_CONNECTED         0u
#define WIRE_RECONNECT         1u
#define WIRE_RING_OK           0u
#define WIRE_RING_COMM         1u
#define WIRE_RING_INDEX        2u
#define WIRE_RING_PROTOCOL     3u

/* errno to its name, "EINVAL" for one without; and back, EINVAL for a name not known. */
const char *wire_error_name(int err);
int wire_error_number(const char *name);

#endif
