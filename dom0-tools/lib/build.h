/* SPDX-License-Identifier: MIT */
/*
 * build: a PV64 guest from a kernel image, in two steps.
 *
 *   build_open()  reads and unpacks the files, checks them, decides the layout. Needs no hypervisor
 *                 and no domain: call it before domain_create(), so that a bad file leaves nothing.
 *   build_run()   fills the domain: memory map, memory, image, page tables, start_info, console and
 *                 store pages with their event channels, the grants for them, vCPU 0. The domain
 *                 stays paused. On failure destroy it: half-built domains are not resumed.
 *   build_close() frees what build_open() holds, about twice the size of the unpacked kernel.
 *
 * The caller then writes the store's nodes, introduces the domain (store_mfn, store_port) and
 * unpauses it.
 */
#ifndef BONSAI_BUILD_H
#define BONSAI_BUILD_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/lib/hv.h"

struct build_params {
    const char *kernel;      /* path: bzImage or ELF, may be gzip/xz/zstd-packed */
    const char *ramdisk;     /* path or NULL */
    const char *cmdline;     /* NULL counts as ""; at most 1023 bytes */
    uint64_t memory_kib;     /* what the guest starts with */
    uint64_t max_memory_kib; /* what its memory map says; 0 or less than memory_kib: memory_kib */
    unsigned max_vcpus;      /* 0 counts as 1 */
    uint16_t store_domid;    /* who serves the store and the console: usually 0 */
    uint16_t console_domid;
    uint32_t tsc_mode; /* 0 default, see hv_settscinfo() */
};

struct build_result {
    uint64_t console_mfn, store_mfn;
    uint32_t console_port, store_port; /* the guest's ends */
    uint64_t start_info_mfn, shared_info_mfn;
    char guest_os[32]; /* as the kernel names itself: "linux"; may be empty */
};

struct build;

/* NULL with a sentence in *why. The strings in *p are copied. */
struct build *build_open(const struct build_params *p, struct failure *why);
/* Pages of memory the domain will need: ask before creating it. */
uint64_t build_pages(const struct build *b);
int build_run(struct build *b, struct hv *hv, uint16_t domid, struct build_result *r,
              struct failure *why);
void build_close(struct build *b);

#endif
