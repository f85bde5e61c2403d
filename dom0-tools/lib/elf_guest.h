/* SPDX-License-Identifier: MIT */
/*
 * elf_guest: what a kernel says about itself to a Xen-compatible builder.
 *
 * Taken from the ELF notes named "Xen", or, when there are none, from the older text in the section
 * "__xen_guest". Addresses are guest virtual ones. Checked here: the values are consistent with
 * each other and with the image; whether it all fits into memory is the layout's question.
 */
#ifndef BONSAI_ELF_GUEST_H
#define BONSAI_ELF_GUEST_H

#include "dom0-tools/lib/elf.h"

#define ELF_GUEST_NONE UINT64_MAX /* an address that was not given */

struct elf_guest {
    uint64_t entry;
    uint64_t virt_base;      /* address of guest page 0 */
    uint64_t paddr_offset;   /* subtract from p_paddr */
    uint64_t hypercall_page; /* page to fill with stubs, or NONE */
    uint64_t init_p2m;       /* where the p2m list is to be mapped, or NONE */
    uint64_t start, end;     /* the image: [start, end) */
    bool mod_start_pfn;      /* the ramdisk may stay unmapped */
    bool extended_cr3;
    bool suspend_cancel;
    bool symbols; /* wants its symbol table behind the image (not done) */
    char os[32], version[32], loader[16], xen_version[16];
    char features[256];
};

int elf_guest_read(struct elf_guest *g, const struct elf *e, struct failure *why);

#endif
