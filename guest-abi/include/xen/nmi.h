/* SPDX-License-Identifier: MIT */
/*
 * nmi_op(cmd, arg): NMI handler of a PV kernel (older than trap 2 of set_trap_table), and the
 * reasons that arch_shared_info.nmi_reason gives dom0.
 */
#ifndef __XEN_PUBLIC_NMI_H__
#define __XEN_PUBLIC_NMI_H__

#include "xen.h"

#define _XEN_NMIREASON_io_error 0
#define XEN_NMIREASON_io_error  (1UL << _XEN_NMIREASON_io_error)
#if __XEN_INTERFACE_VERSION__ < 0x00040300
#define _XEN_NMIREASON_parity_error 1
#define XEN_NMIREASON_parity_error  (1UL << _XEN_NMIREASON_parity_error)
#endif
#define _XEN_NMIREASON_pci_serr    1
#define XEN_NMIREASON_pci_serr     (1UL << _XEN_NMIREASON_pci_serr)
#define _XEN_NMIREASON_unknown     2
#define XEN_NMIREASON_unknown      (1UL << _XEN_NMIREASON_unknown)

#define XENNMI_register_callback   0
#define XENNMI_unregister_callback 1

#ifndef __ASSEMBLY__
struct xennmi_callback {
    unsigned long handler_address;
    unsigned long pad;
};
typedef struct xennmi_callback xennmi_callback_t;
DEFINE_XEN_GUEST_HANDLE(xennmi_callback_t);
XEN_ABI_SIZE(struct xennmi_callback, 16);
#endif

#endif
