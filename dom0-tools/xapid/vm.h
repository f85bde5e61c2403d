/* SPDX-License-Identifier: MIT */
/*
 * vm: the doors of the classes VM, VM_metrics, VBD, VIF and console to the daemon around them.
 *
 * A VM is a definition (vmfile.h), a domain that runs, or both; its reference is its UUID, which is
 * the domain's handle. What a VM is doing is asked of the hypervisor at every call and kept
 * nowhere.
 */
#ifndef XAPID_VM_H
#define XAPID_VM_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/xapid/method.h"

extern const struct method vm_metrics_methods[]; /* VM_metrics.* */
extern const struct method vm_device_methods[];  /* VBD.*, VIF.*, console.* */

/* Reads the definitions below `state`, a folder, and has them for this process alone. 0, or -1 with
 * a sentence. Before the first call. */
int vm_open(const char *state, struct failure *why);
/* Calls that wait for a guest give up within a second and say so. */
void vm_stop(void);
/* After the last call. */
void vm_close(void);

/* What `bonsai-xapid --monitor DOMID` is: it leaves the monitor of that guest behind (monitor.h),
 * as only a process without threads can, and prints on stderr why not. An exit status. */
int vm_monitor_main(const char *domid);

#endif
