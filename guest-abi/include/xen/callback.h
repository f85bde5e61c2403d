/* SPDX-License-Identifier: MIT */
/*
 * callback_op(cmd, arg): the calling vCPU's entry points. -ENOSYS: a type this machine or
 * hypervisor has not.
 */
#ifndef __XEN_PUBLIC_CALLBACK_H__
#define __XEN_PUBLIC_CALLBACK_H__

#include "xen.h"

#define CALLBACKTYPE_event               0 /* events; always enters masked */
#define CALLBACKTYPE_failsafe            1 /* a selector of the saved state could not be loaded */
#define CALLBACKTYPE_syscall             2 /* SYSCALL from 64-bit user mode */
#define CALLBACKTYPE_sysenter_deprecated 3
#define CALLBACKTYPE_nmi                 4
#if __XEN_INTERFACE_VERSION__ < 0x00030207
#define CALLBACKTYPE_sysenter CALLBACKTYPE_sysenter_deprecated
#else
#define CALLBACKTYPE_sysenter 5
#endif
#define CALLBACKTYPE_syscall32 7 /* SYSCALL from 32-bit user mode */

#define _CALLBACKF_mask_events 0
#define CALLBACKF_mask_events  (1U << _CALLBACKF_mask_events)

#define CALLBACKOP_register    0
#define CALLBACKOP_unregister  1

#ifndef __ASSEMBLY__
struct callback_register {
    uint16_t type;  /* CALLBACKTYPE_* */
    uint16_t flags; /* CALLBACKF_* */
    xen_callback_t address;
};
typedef struct callback_register callback_register_t;
DEFINE_XEN_GUEST_HANDLE(callback_register_t);

struct callback_unregister {
    uint16_t type;
    uint16_t _unused;
};
typedef struct callback_unregister callback_unregister_t;
DEFINE_XEN_GUEST_HANDLE(callback_unregister_t);

XEN_ABI_SIZE(struct callback_register, 16);
XEN_ABI_SIZE(struct callback_unregister, 4);
#endif

#endif
