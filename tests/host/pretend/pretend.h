/* SPDX-License-Identifier: MIT
 *
 * The pretend machine: 64 MiB of frames, one CPU (or more), domains and vCPUs, for unit tests of
 * the hypervisor's own .c files in an ordinary process under ASan and UBSan.
 *
 * How to use it (tests/host/hv_mm.mk is an example):
 *   - compile the hypervisor's files with $(HV_HOST_CFLAGS): tests/host/pretend comes before
 *     hypervisor/ on the include path and shadows x86/{asm,hvmap,percpu}.h. Link pretend.o and the
 *     mm objects ($(HV_HOST_MM_OBJS)), which every core file needs.
 *   - in each test's set-up call pretend_boot(), in its end pretend_leak_check(), which fails the
 *     program when frames are missing after every domain was destroyed.
 *   - struct domain *d = pretend_domain(1, false, 1000, 2): number, privileged, max_pages, vCPUs.
 *     pretend_run(d->vcpu[0]) makes a vCPU the current one. pretend_domain_destroy(d) ends it.
 *   - struct hcall c = pretend_hcall(v, a0, a1, ...): then call the handler.
 *   - "guest virtual addresses" handed to copy_from_guest() and friends are plain host pointers:
 *     guest_va((uint64_t)&x), or a handle's .p = &x. pretend_guest_unmapped(p, n) makes a range
 *     fault (n == 0: none).
 *   - functions of other rooms that the core calls have weak fakes in pretend.c (domain_get,
 *     domain_crash, log_msg, vcpu_kick, spin_lock, now, ...): link the real file, or define your
 *     own in the test, and that one wins. spin locks check the declared order and panic.
 *   - panic() and failed ASSERTs call pretend_panic_hook when set, else print and abort().
 */
#pragma once
#include "lib/types.h"
#include "lib/lib.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "hypercall.h"
#include "x86/asm.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"

#define PRETEND_FRAMES     16384u /* 64 MiB */
#define PRETEND_HOLE_START 8192u  /* frames 32..34 MiB are "devices", no RAM */
#define PRETEND_HOLE_END   8704u
#define PRETEND_CPUS       4u

/* A fresh machine: nothing of an earlier one survives. CPU 0 is current, no vCPU on it. */
void pretend_boot(void);
/* Aborts unless as many frames are free as right after pretend_boot(). */
void pretend_leak_check(void);
unsigned long pretend_frames_missing(void);

struct domain *pretend_domain(domid_t id, bool privileged, uint32_t max_pages, unsigned nr_vcpus);
void pretend_domain_destroy(struct domain *d);
void pretend_run(struct vcpu *v); /* NULL: nobody */
void pretend_run_on(unsigned n);  /* this thread becomes that CPU */
struct hcall pretend_hcall(struct vcpu *v, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                           uint64_t a4);
void pretend_guest_unmapped(const void *start, size_t n);

extern bool pretend_no_budget;  /* hcall_out_of_budget() is always true */
extern unsigned pretend_budget; /* when not 0: true at the n'th question, then again */
extern nsec_t pretend_now;      /* what now() says */
extern bool pretend_verbose;    /* log_msg() prints */
extern unsigned pretend_crashes, pretend_kicks; /* calls of domain_crash(), vcpu_kick() */
extern void (*pretend_panic_hook)(const char *sentence);
