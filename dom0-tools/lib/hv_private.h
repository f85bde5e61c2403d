/* SPDX-License-Identifier: MIT */
/*
 * hv_private: what the hv_*.c files share; nobody else includes it.
 *
 * A hypercall's argument lies in a hypercall buffer: whole pages that cannot be paged out, moved or
 * write-protected under the hypervisor. hv_buf() gives zeroed ones; a few single pages are kept in
 * the handle, since nearly every call needs one.
 */
#ifndef BONSAI_HV_PRIVATE_H
#define BONSAI_HV_PRIVATE_H

#include "dom0-tools/lib/hv.h"

#include <sys/types.h>
#include <xen/xen.h>

struct xen_domctl;
struct xen_sysctl;

#define HV_SPARE_PAGES 4

struct hv {
    int privcmd;
    int buffers; /* /dev/xen/hypercall, or -1: locked memory instead */
    pid_t owner; /* the spare pages are mapped in this process only */
    unsigned n_spare;
    void *spare[HV_SPARE_PAGES];
};

/* The raw call. Returns its result, or -1 with errno. */
long hv_call(struct hv *hv, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* Zeroed memory of at least `size` bytes that a hypercall may use; NULL with errno. */
void *hv_buf(struct hv *hv, size_t size);
/* Same, filled from `from`. */
void *hv_buf_copy(struct hv *hv, const void *from, size_t size);
/* NULL is fine. Keeps errno. */
void hv_buf_free(struct hv *hv, void *buf, size_t size);

/* A call with (cmd, &arg): arg is copied in and back. */
long hv_call_arg(struct hv *hv, unsigned op, uint64_t cmd, void *arg, size_t size);

/* Fill in the interface version, call, copy back. op is the caller's own memory, but what its
 * handles point to must be a hypercall buffer. */
int hv_domctl(struct hv *hv, struct xen_domctl *op);
int hv_sysctl(struct hv *hv, struct xen_sysctl *op);

#endif
