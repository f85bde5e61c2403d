/* SPDX-License-Identifier: MIT */
/* build_start: see build_start.h. */
#include "dom0-tools/lib/build_start.h"

#include <stdio.h>
#include <string.h>

#define RFLAGS_IF 0x200u

_Static_assert(sizeof(struct start_info) == 1168, "start_info");

void start_info_fill(struct start_info *si, const struct layout *l, const struct start_values *v)
{
    memset(si, 0, sizeof(*si));
    snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
    si->nr_pages = l->nr_pages;
    si->shared_info = v->shared_info_mfn * LAYOUT_PAGE_SIZE;
    si->store_mfn = v->store_mfn;
    si->store_evtchn = v->store_port;
    si->console.domU.mfn = v->console_mfn;
    si->console.domU.evtchn = v->console_port;
    si->pt_base = layout_va(l, l->tables_pfn);
    si->nr_pt_frames = l->table_pages;
    si->mfn_list = l->p2m_va;
    if (l->p2m_apart) {
        si->first_p2m_pfn = l->p2m_pfn;
        si->nr_p2m_frames = l->p2m_pages + l->p2m_table_pages;
    }
    if (l->ramdisk_pages) {
        si->mod_start = l->ramdisk_mapped ? layout_va(l, l->ramdisk_pfn) : l->ramdisk_pfn;
        si->mod_len = v->ramdisk_size;
        si->flags |= l->ramdisk_mapped ? 0 : SIF_MOD_START_PFN;
    }
    snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "%s", v->cmdline);
}

void start_context_fill(struct vcpu_guest_context *c, const struct layout *l,
                        const struct elf_guest *g, uint64_t l4_mfn)
{
    memset(c, 0, sizeof(*c));
    c->flags = VGCF_in_kernel | VGCF_online;
    c->user_regs.rip = g->entry;
    c->user_regs.rsi = layout_va(l, l->start_info_pfn);
    c->user_regs.rsp = layout_va(l, l->stack_pfn + 1);
    c->user_regs.rflags = RFLAGS_IF;
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->kernel_ss = c->user_regs.ss;
    c->kernel_sp = c->user_regs.rsp;
    c->ctrlreg[3] = l4_mfn * LAYOUT_PAGE_SIZE;
    if (g->extended_cr3)
        c->vm_assist |= 1ul << VMASST_TYPE_pae_extended_cr3;
}
