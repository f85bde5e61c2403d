/* SPDX-License-Identifier: MIT */
/*
 * Linux's user-space header <xen/privcmd.h> includes the interface under this name.
 */
#ifndef XEN_INTERFACE_XEN_H
#define XEN_INTERFACE_XEN_H

#include "../xen.h"

#endif
