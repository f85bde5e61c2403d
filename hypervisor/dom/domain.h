/* SPDX-License-Identifier: MIT
 *
 * A domain: a guest, dom0, or the idle domain. Life: created (paused once by the toolstack) ->
 * running -> shut down (a vCPU stopped it; reason kept) -> dying (DOMCTL_destroydomain; torn down
 * in resumable steps)
 * -> dead (no longer listed; memory freed with the last reference).
 *
 * Looked up by domain_get(), which takes a reference; the struct stays while one is held.
 */
#pragma once
#include <xen/xen.h>
#include <xen/domctl.h>
#include "lib/spinlock.h"

struct vcpu;
struct evtchn_table;
struct grant_table;

#define MAX_VCPUS       128u
#define DOMID_IDLE_     0x7fffu
/* VMASST_TYPE_* that a 64-bit guest may enable */
#define VM_ASSIST_VALID (0x3ful | 1ul << 32)
#define E820_GUEST_MAX  128u

enum domain_dying { DOM_ALIVE, DOM_DYING, DOM_DEAD };

struct e820_entry {
    uint64_t addr, size;
    uint32_t type; /* 1 RAM, 2 reserved, 3 ACPI, 4 NVS, 5 unusable */
} __attribute__((packed));

struct domain {
    /* fixed after create */
    domid_t id;
    bool is_idle;
    bool privileged; /* dom0: may ask for other domains, the hardware and the platform */
    unsigned max_vcpus;
    struct vcpu **vcpu;     /* max_vcpus entries; NULL where not yet created */
    uint64_t *perdomain_l3; /* slot 258: GDT and LDT windows */
    uint32_t max_evtchn_port, max_grant_frames, max_maptrack_frames;

    /* under LOCK_DOMLIST */
    struct domain *next;      /* in the list of all, by number */
    struct domain *hash_next; /* in its bucket of domain_get() */

    uint32_t refs; /* atomic; the list holds one */

    /* under lock */
    struct spinlock lock;
    enum domain_dying dying;
    bool shutting_down, is_shut_down;
    bool code_latched; /* shutdown_code was said in advance (SCHEDOP_shutdown_code) */
    uint8_t shutdown_code;
    uint32_t pause_count; /* atomic; toolstack's share below */
    uint32_t controller_pauses;
    uint8_t handle[16];
    unsigned teardown_step;
    bool stopped_for_good; /* dying, and no vCPU runs any more */
    bool parts_freed;      /* only the struct is left */

    /* under page_lock */
    struct spinlock page_lock;
    uint32_t first_page; /* list of frames through struct frame; ~0 empty */
    uint32_t tot_pages, max_pages;
    uint32_t shared_pages; /* frames by frame_share_alloc() */

    struct shared_info *shared; /* hypervisor mapping */
    mfn_t shared_mfn;
    uint64_t vm_assist;      /* bits of VMASST_TYPE_* */
    uint64_t dirty_cpus[64]; /* atomic bits; mm/tlb.c */

    struct evtchn_table *evtchn; /* comms/evtchn.c */
    struct grant_table *grant;   /* comms/grant.c */
    void *pirqs;                 /* dev/physdev.c */
    void *cpu_policy;            /* pv/cpuid.c; NULL: the default one */

    struct e820_entry *e820; /* XENMEM_set_memory_map */
    unsigned nr_e820;
    uint32_t tsc_mode;
    uint64_t cpu_time_dead; /* ns used by vCPUs that are gone */
    struct timer *watchdogs;
};

extern struct domain *dom0;
extern struct domain *idle_domain;

static inline bool domain_is_dying(const struct domain *d)
{
    return READ_ONCE(d->dying) != DOM_ALIVE;
}

/* NULL when there is none. DOMID_SELF is the caller's business. */
struct domain *domain_get(domid_t id);
/* The first domain with number >= id, for listings; with a reference. */
struct domain *domain_get_from(domid_t id);
/* The one after d (the first: NULL), whose reference it takes for its own. */
struct domain *domain_next(struct domain *d);
void domain_hold(struct domain *d); /* one more reference; the caller has one */
void domain_put(struct domain *d);
static inline void domain_put_held(struct domain **d)
{
    if (*d)
        domain_put(*d);
}
/* On a variable: the reference in it, if it is not NULL, ends with its block. */
#define PUT_AT_END __attribute__((cleanup(domain_put_held)))

/* Creates with what DOMCTL_createdomain says, paused once by the controller, without memory
 * (max_pages 0) and vCPUs; *out gets a reference. The number DOMID_IDLE_ makes the idle domain,
 * which is in no list and has nothing shared with anybody. -EINVAL, -EEXIST, -ENOMEM. */
int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool privileged,
                  struct domain **out);
void domain_pause(struct domain *d); /* nests; waits until no vCPU runs */
void domain_unpause(struct domain *d);
int domain_pause_by_controller(struct domain *d);
int domain_unpause_by_controller(struct domain *d);
/* A guest stopped itself, or must be stopped: every vCPU pauses, VIRQ_DOM_EXC tells the tools.
 * dom0's shutdown acts on the machine. */
void domain_shutdown(struct domain *d, uint8_t reason);
void domain_resume(struct domain *d);
/* The guest broke a rule: says the sentence on the console and shuts it down with reason crash. The
 * caller goes on to the exit path, which does not return to that guest. */
void domain_crash(struct domain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* DOMCTL_destroydomain: 0, or -ERESTART while there is more to do. -EINVAL for dom0. dom/teardown.c
 */
int domain_destroy(struct domain *d);
void domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info);
/* Machine-wide end: SHUTDOWN_poweroff, reboot, crash. Does not return. dev/platform.c */
void machine_shutdown(uint8_t reason) __attribute__((noreturn));

/* "May the caller act for domain `id`?": DOMID_SELF or the caller's own number, or any when
 * privileged. With a reference; NULL and *err = -ESRCH or -EPERM. */
struct domain *domain_get_for(struct domain *caller, domid_t id, int *err);

/* A number for a new domain: counts up, and starts again only at the end of the range. 0: none is
 * free. */
domid_t domain_new_id(void);
/* With the last reference; dom/teardown.c */
void domain_free(struct domain *d);
/* Takes d out of the list of all; the list's reference passes to the caller. false: it was not
 * there. */
bool domain_unlist(struct domain *d);
/* Debug keys q (domains), e (event channels), g (grants); boot. */
void domain_add_keys(void);

hcall_fn do_domctl, do_sysctl;
