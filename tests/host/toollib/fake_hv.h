/* SPDX-License-Identifier: MIT */
/*
 * fake_hv: a pretend hypervisor behind dom0-tools/lib/hv.h, for tests that build whole domains.
 *
 * One machine of FAKE_FRAMES frames in a memory file, one domain. Frames are handed out so that
 * single pages are scattered and superpages are contiguous. A call that a test names in `fail_call`
 * fails with fail_error when it is made for the fail_nth time (1: the first).
 */
#ifndef TESTS_FAKE_HV_H
#define TESTS_FAKE_HV_H

#include "dom0-tools/lib/hv.h"

#define FAKE_FRAMES      (80u << 8) /* 80 MiB */
#define FAKE_DOMID       7
#define FAKE_SHARED_INFO 3 /* frames 0..15 are the hypervisor's */
#define FAKE_GRANTS      4

struct fake {
    /* knobs */
    unsigned superpages; /* how many there are to be had */
    uint64_t super_gap;  /* none is to be had for this guest page (0: no such gap) */
    uint64_t free_pages; /* what the machine says and gives */
    const char *fail_call;
    unsigned fail_nth;
    int fail_error;
    /* what happened */
    unsigned calls_seen; /* of fail_call */
    char log[8192];      /* names of all calls in order, a repeated one once */
    long mapped_pages;   /* foreign mappings that are open */
    uint64_t given_pages, claimed;
    uint64_t pinned_l4, hypercall_frame;
    uint32_t ports;
    uint64_t e820_size;
    uint8_t context[HV_VCPU_CONTEXT_SIZE];
    bool context_set;
    bool owned[FAKE_FRAMES];
};
extern struct fake fake;

/* Forget everything, empty memory is 0xaa. The handle is a token. */
struct hv *fake_start(void);
void fake_stop(void);
/* The frame's content, or NULL when there is no such frame. */
uint8_t *fake_frame(uint64_t frame);

#endif
