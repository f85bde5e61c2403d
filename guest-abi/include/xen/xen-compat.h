/* SPDX-License-Identifier: MIT */
/*
 * Interface version, old names, and what all headers of this tree share.
 *
 * A client may define __XEN_INTERFACE_VERSION__ before including anything; it then gets the names
 * and types of that version where they differ. Undefined means the newest. The binary interface is
 * the same for all of them. Versions before 0x00030202 (old hypercall numbers, handles that are
 * bare pointers) are refused.
 *
 * __XEN__ is defined by the hypervisor, __XEN_TOOLS__ by toolstack programs: both see domctl,
 * sysctl and the tools-only parts of other headers.
 */
#ifndef __XEN_PUBLIC_XEN_COMPAT_H__
#define __XEN_PUBLIC_XEN_COMPAT_H__

#define __XEN_LATEST_INTERFACE_VERSION__ 0x00040e00

#if defined(__XEN__) || defined(__XEN_TOOLS__)
#undef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#elif !defined(__XEN_INTERFACE_VERSION__)
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif

#if __XEN_INTERFACE_VERSION__ > __XEN_LATEST_INTERFACE_VERSION__
#error "__XEN_INTERFACE_VERSION__ is newer than these headers (0x00040e00)"
#endif
#if __XEN_INTERFACE_VERSION__ < 0x00030202
#error "__XEN_INTERFACE_VERSION__ before 0x00030202 is not supported"
#endif

/* dimension of a trailing array; empty: a flexible member */
#define COMPAT_FLEX_ARRAY_DIM XEN_FLEX_ARRAY_DIM

#ifndef __ASSEMBLY__
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define XEN_ABI_ASSERT(cond, text) static_assert(cond, text)
#else
#define XEN_ABI_ASSERT(cond, text) _Static_assert(cond, text)
#endif
/* the layout that the other side relies on, in bytes */
#define XEN_ABI_SIZE(type, size)         XEN_ABI_ASSERT(sizeof(type) == (size), #type)
#define XEN_ABI_OFFSET(type, field, off) XEN_ABI_ASSERT(offsetof(type, field) == (off), #type)
#endif

#endif
