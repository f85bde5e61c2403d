/* SPDX-License-Identifier: MIT
 *
 * What sysctl.c calls in other files: the operations on CPU pools, of which there is one.
 */
#pragma once
#include <xen/sysctl.h>

/* dom/cpupool.c: INFO, FREEINFO and what has nothing to do; else -EOPNOTSUPP. */
long sysctl_cpupool_op(struct hcall *c, struct xen_sysctl *op);
