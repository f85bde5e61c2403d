/* SPDX-License-Identifier: MIT */
/*
 * host_parts: references of the host's parts, and how records of them are made (vm_parts.h).
 */
#ifndef XAPID_HOST_PARTS_H
#define XAPID_HOST_PARTS_H

#include "dom0-tools/xapid/vm_parts.h"

void host_metrics_ref(char ref[37]);
void host_cpu_ref(unsigned int cpu, char ref[37]);

#endif
