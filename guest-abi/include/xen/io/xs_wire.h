/* SPDX-License-Identifier: MIT */
/*
 * XenStore's protocol: messages of a header and len bytes, over a socket, the kernel's device or
 * the ring page of a domain. A reply carries the request's type and id, or type XS_ERROR and the
 * name of an errno.
 */
#ifndef _XS_WIRE_H
#define _XS_WIRE_H

#include "../xen-compat.h"

enum xsd_sockmsg_type {
    XS_CONTROL,
#define XS_DEBUG XS_CONTROL
    XS_DIRECTORY, /* names, each with a NUL */
    XS_READ,
    XS_GET_PERMS,
    XS_WATCH, /* path NUL token NUL */
    XS_UNWATCH,
    XS_TRANSACTION_START, /* replies the id in decimal */
    XS_TRANSACTION_END,   /* "T" commit, "F" drop; EAGAIN: conflict */
    XS_INTRODUCE,         /* domid NUL mfn NUL port NUL */
    XS_RELEASE,
    XS_GET_DOMAIN_PATH,
    XS_WRITE, /* path NUL, then the value as it is */
    XS_MKDIR,
    XS_RM,
    XS_SET_PERMS,
    XS_WATCH_EVENT, /* from the server, unasked: path NUL token NUL */
    XS_ERROR,
    XS_IS_DOMAIN_INTRODUCED,
    XS_RESUME,
    XS_SET_TARGET,
    XS_RESET_WATCHES = XS_SET_TARGET + 2, /* 20 is not used */
    XS_DIRECTORY_PART,
    XS_TYPE_COUNT,
    XS_INVALID = 0xffff
};

#define XS_WRITE_NONE        "NONE"
#define XS_WRITE_CREATE      "CREATE"
#define XS_WRITE_CREATE_EXCL "CREATE|EXCL"

/* Errors by name; whoever wants the table includes errno.h before this. */
struct xsd_errors {
    int errnum;
    const char *errstring;
};
#ifdef EINVAL
#define XSD_ERROR(x) \
    {                \
        x, #x        \
    }
static const struct xsd_errors xsd_errors[]
#if defined(__GNUC__)
    __attribute__((unused))
#endif
    = {
        XSD_ERROR(EINVAL), /* first: what an unknown error becomes */
        XSD_ERROR(EACCES),  XSD_ERROR(EEXIST), XSD_ERROR(EISDIR), XSD_ERROR(ENOENT),
        XSD_ERROR(ENOMEM),  XSD_ERROR(ENOSPC), XSD_ERROR(EIO),    XSD_ERROR(ENOTEMPTY),
        XSD_ERROR(ENOSYS),  XSD_ERROR(EROFS),  XSD_ERROR(EBUSY),  XSD_ERROR(EAGAIN),
        XSD_ERROR(EISCONN), XSD_ERROR(E2BIG),  XSD_ERROR(EPERM),
};
#endif

struct xsd_sockmsg {
    uint32_t type;   /* enum xsd_sockmsg_type */
    uint32_t req_id; /* the client's choice, echoed */
    uint32_t tx_id;  /* 0: no transaction */
    uint32_t len;    /* bytes that follow */
};

/* fields of a watch event */
enum xs_watch_type { XS_WATCH_PATH = 0, XS_WATCH_TOKEN };

#define XENSTORE_RING_SIZE 1024 /* bytes each way */
typedef uint32_t XENSTORE_RING_IDX;
#define MASK_XENSTORE_IDX(idx) ((idx) & (XENSTORE_RING_SIZE - 1))
struct xenstore_domain_interface {
    char req[XENSTORE_RING_SIZE]; /* to the server */
    char rsp[XENSTORE_RING_SIZE];
    XENSTORE_RING_IDX req_cons, req_prod;
    XENSTORE_RING_IDX rsp_cons, rsp_prod;
    uint32_t server_features; /* bits XENSTORE_SERVER_FEATURE_* */
    uint32_t
        connection; /* XENSTORE_CONNECTED, or _RECONNECT while the client asks for a fresh start */
    uint32_t error; /* XENSTORE_ERROR_*, written by the server */
};

#define XENSTORE_PAYLOAD_MAX                 4096
#define XENSTORE_ABS_PATH_MAX                3072
#define XENSTORE_REL_PATH_MAX                2048

#define XENSTORE_SERVER_FEATURE_RECONNECTION 1
#define XENSTORE_SERVER_FEATURE_ERROR        2

#define XENSTORE_CONNECTED                   0
#define XENSTORE_RECONNECT                   1

#define XENSTORE_ERROR_NONE                  0
#define XENSTORE_ERROR_COMM                  1
#define XENSTORE_ERROR_RINGIDX               2
#define XENSTORE_ERROR_PROTO                 3

XEN_ABI_SIZE(struct xsd_sockmsg, 16);
XEN_ABI_SIZE(struct xenstore_domain_interface, 2076);
XEN_ABI_OFFSET(struct xenstore_domain_interface, req_cons, 2048);
XEN_ABI_OFFSET(struct xenstore_domain_interface, server_features, 2064);

#endif
