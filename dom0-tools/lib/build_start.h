/* SPDX-License-Identifier: MIT */
/*
 * build_start: what the guest's first vCPU finds: start_info and its registers.
 *
 * Pure: fills structures of the ABI from a layout.
 */
#ifndef BONSAI_BUILD_START_H
#define BONSAI_BUILD_START_H

#include "dom0-tools/lib/build.h"
#include "dom0-tools/lib/build_layout.h"

#include <xen/xen.h>

struct start_values {
    const char *cmdline;
    uint64_t ramdisk_size; /* bytes; 0: none */
    uint64_t shared_info_mfn;
    uint64_t store_mfn, console_mfn;
    uint32_t store_port, console_port;
};

void start_info_fill(struct start_info *si, const struct layout *l, const struct start_values *v);
void start_context_fill(struct vcpu_guest_context *c, const struct layout *l,
                        const struct elf_guest *g, uint64_t l4_mfn);

#endif
