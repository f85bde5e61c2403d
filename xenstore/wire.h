/* SPDX-License-Identifier: MIT */
/*
 * XenStore's wire protocol: messages of a header and up to XENSTORE_PAYLOAD_MAX bytes,
 * native-endian, the same on sockets and rings. Numbers and layouts are in xen/io/xs_wire.h; here
 * are the errors, which travel by name.
 */
#ifndef XENSTORE_WIRE_H
#define XENSTORE_WIRE_H

#include <stdint.h>

#include "xen/io/xs_wire.h"

/* errno to its name, "EINVAL" for one without; and back, EINVAL for a name not known. */
const char *wire_error_name(int err);
int wire_error_number(const char *name);

#endif
