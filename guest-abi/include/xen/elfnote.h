/* SPDX-License-Identifier: MIT */
/*
 * ELF notes (name "Xen") by which a kernel says how it wants to be loaded, and those in dumps.
 * Numbers are 1, 2, 4 or 8 bytes wide; strings end in NUL. A PV kernel needs ENTRY (and VIRT_BASE,
 * else 0 is assumed).
 */
#ifndef __XEN_PUBLIC_ELFNOTE_H__
#define __XEN_PUBLIC_ELFNOTE_H__

#define XEN_ELFNOTE_INFO  0 /* string, informational */
#define XEN_ELFNOTE_ENTRY 1 /* virtual address of the first instruction */
#define XEN_ELFNOTE_HYPERCALL_PAGE \
    2 /* virtual address of a page to fill with stubs; none: none wanted */
#define XEN_ELFNOTE_VIRT_BASE               3  /* virtual address of pfn 0 */
#define XEN_ELFNOTE_PADDR_OFFSET            4  /* subtracted from p_paddr */
#define XEN_ELFNOTE_XEN_VERSION             5  /* "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS                6  /* string */
#define XEN_ELFNOTE_GUEST_VERSION           7  /* string */
#define XEN_ELFNOTE_LOADER                  8  /* "generic" */
#define XEN_ELFNOTE_PAE_MODE                9  /* string */
#define XEN_ELFNOTE_FEATURES                10 /* names joined by '|'; '!': required */
#define XEN_ELFNOTE_BSD_SYMTAB              11 /* "yes": wants its symbol table behind the image */
#define XEN_ELFNOTE_HV_START_LOW            12 /* lowest address the hypervisor may take */
#define XEN_ELFNOTE_L1_MFN_VALID            13 /* (mask, value) pairs of a present L1 entry */
#define XEN_ELFNOTE_SUSPEND_CANCEL          14 /* 1: understands a suspend that returns 1 */
#define XEN_ELFNOTE_INIT_P2M                15 /* virtual address for the pfn to mfn list */
#define XEN_ELFNOTE_MOD_START_PFN           16 /* 1: the initrd need not be mapped */
#define XEN_ELFNOTE_SUPPORTED_FEATURES      17 /* bits XENFEAT_* */
#define XEN_ELFNOTE_PHYS32_ENTRY            18 /* physical address of the PVH entry */
#define XEN_ELFNOTE_MAX                     XEN_ELFNOTE_PHYS32_ENTRY

/* in crash dumps */
#define XEN_ELFNOTE_CRASH_INFO              0x1000001
#define XEN_ELFNOTE_CRASH_REGS              0x1000002

/* in guest core files */
#define XEN_ELFNOTE_DUMPCORE_NONE           0x2000000
#define XEN_ELFNOTE_DUMPCORE_HEADER         0x2000001
#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION    0x2000002
#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION 0x2000003

#endif
