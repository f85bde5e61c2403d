/* SPDX-License-Identifier: MIT */
/*
 * hv: the hypervisor as the toolstack sees it, through Linux's /dev/xen/privcmd.
 *
 * One small function for each operation, with plain C types: callers include no <xen/...> header.
 * Every function returns 0 (or a count, where it says so) on success, -1 with errno set on
 * failure; the hypervisor's own error numbers are Linux's. Works the same on stock Xen 4.17 and on
 * Bonsai (domctl and sysctl interface version 0x15; another one answers EACCES).
 *
 * A handle belongs to one thread at a time, and survives fork(); open as many as needed. It holds
 * two descriptors (close-on-exec) and a few hypercall buffers: pages that stay present and in place
 * while the hypervisor reads and writes them, from /dev/xen/hypercall or else locked memory.
 * Strings and arrays passed in are copied into such a buffer, so callers may pass any memory.
 *
 * Units: "pages" are 4 KiB; a "frame" is a machine frame number (MFN).
 */
#ifndef BONSAI_HV_H
#define BONSAI_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hv;

#define HV_PAGE_SIZE            4096u
#define HV_DOMID_FIRST_RESERVED 0x7ff0u /* ids from here on never name a real domain */

/* NULL with errno when there is no hypervisor (ENOENT, ENODEV) or no right to it (EACCES). */
struct hv *hv_open(void);
void hv_close(struct hv *hv);

/* ---- who the hypervisor is: hv_version.c ---- */

struct hv_version {
    unsigned major, minor;
    char extra[16];
    char compiler[64], compile_by[16], compile_domain[32], compile_date[32];
    char capabilities[1024]; /* "xen-3.0-x86_64 ..." */
    char changeset[64];
    char commandline[1024];
    char build_id[41]; /* hexadecimal, empty when there is none */
    uint64_t virt_start;
    unsigned page_size;
};
int hv_get_version(struct hv *hv, struct hv_version *v);
/* XENFEAT bits as this dom0 sees them; submap 0 holds bits 0..31. */
int hv_get_features(struct hv *hv, unsigned submap, uint32_t *bits);
/* A kernel-level read of "what am I" that costs nothing; used to time hypercalls. */
int hv_nop(struct hv *hv);

/* ---- the whole machine (sysctl): hv_sysctl.c ---- */

struct hv_physinfo {
    unsigned threads_per_core, cores_per_socket, nr_cpus, max_cpu_id, nr_nodes, max_node_id;
    unsigned cpu_khz;
    uint32_t capabilities; /* HV_CAP_* */
    uint32_t arch_capabilities;
    uint64_t total_pages, free_pages, scrub_pages, outstanding_pages;
    uint64_t max_mfn;
    uint32_t hw_cap[8];
};
#define HV_CAP_HVM         (1u << 0)
#define HV_CAP_PV          (1u << 1)
#define HV_CAP_DIRECTIO    (1u << 2)
#define HV_CAP_HAP         (1u << 3)
#define HV_CAP_SHADOW      (1u << 4)
#define HV_CAP_IOMMU_SHARE (1u << 5)
#define HV_CAP_VMTRACE     (1u << 6)
#define HV_CAP_VPMU        (1u << 7)
#define HV_CAP_GNTTAB_V1   (1u << 8)
#define HV_CAP_GNTTAB_V2   (1u << 9)
int hv_physinfo(struct hv *hv, struct hv_physinfo *p);

/*
 * The hypervisor's message ring. Copies at most `size` bytes of it into buf, returns how many.
 * clear: empty the ring afterwards. incremental: start at *index (0 at first) and move it on;
 * otherwise index may be NULL and the whole ring is meant.
 */
long hv_readconsole(struct hv *hv, bool clear, uint32_t *index, char *buf, size_t size);
int hv_debug_keys(struct hv *hv, const char *keys);
/* Scheduler ids: 5 credit, 6 credit2, 7 arinc653, 8 rtds, 9 null. */
int hv_scheduler_id(struct hv *hv, uint32_t *id);
#define HV_SCHEDULER_CREDIT2 6
const char *hv_scheduler_name(uint32_t id);

struct hv_cputopo {
    uint32_t core, socket, node; /* ~0: no such CPU */
};
/* Fills up to n entries; returns how many CPUs there are (last id + 1). cpus NULL: only count. */
int hv_cputopo(struct hv *hv, struct hv_cputopo *cpus, unsigned n);

struct hv_numanode {
    uint64_t size, free; /* bytes; ~0: no such node */
};
/* nodes: n entries or NULL; distance: n*n entries or NULL (row = from). Returns the node count. */
int hv_numainfo(struct hv *hv, struct hv_numanode *nodes, uint32_t *distance, unsigned n);

struct hv_cpupool {
    uint32_t id, scheduler, n_domains;
    uint8_t cpus[32]; /* bitmap of 256 CPUs */
};
/* First pool with an id >= `from`; ENOENT past the last one. */
int hv_cpupool_info(struct hv *hv, uint32_t from, struct hv_cpupool *pool);
/* Bitmap (32 bytes, 256 CPUs) of the CPUs in no pool. */
int hv_cpupool_free_cpus(struct hv *hv, uint8_t cpus[32]);
/* Pages shared between domains, and frames that back them ("xl info"). */
int hv_sharing_counts(struct hv *hv, uint64_t *freed_pages, uint64_t *used_frames);

struct hv_cpuid_leaf {
    uint32_t leaf, subleaf, a, b, c, d;
};
struct hv_msr {
    uint32_t index, flags;
    uint64_t value;
};
/* which: 0 raw, 1 host, 2 pv_max, 3 hvm_max, 4 pv_default, 5 hvm_default. The counts go in as room
 * and come out as used; NULL arrays ask for the counts. ENOBUFS: too little room. */
int hv_get_system_cpu_policy(struct hv *hv, unsigned which, struct hv_cpuid_leaf *leaves,
                             uint32_t *n_leaves, struct hv_msr *msrs, uint32_t *n_msrs);
/* which: 0 raw, 1 host, 2 pv, 3 hvm. *n goes in as room, comes out as words known. */
int hv_get_cpu_featureset(struct hv *hv, unsigned which, uint32_t *words, uint32_t *n);

/* ---- one domain (domctl): hv_domctl.c, hv_vcpu.c ---- */

struct hv_dominfo {
    uint16_t domid;
    bool dying, shutdown, paused, blocked, running, hvm, debugged, xenstore;
    unsigned shutdown_reason; /* SHUTDOWN_*; only when shutdown */
    uint64_t tot_pages, max_pages, outstanding_pages, shr_pages, paged_pages;
    uint64_t shared_info_frame;
    uint64_t cpu_time_ns;
    uint32_t nr_online_vcpus;
    uint32_t max_vcpu_id; /* ~0: none yet */
    uint32_t ssidref;
    uint32_t cpupool;   /* ~0: none */
    uint8_t handle[16]; /* uuid */
};
enum {
    HV_SHUTDOWN_POWEROFF,
    HV_SHUTDOWN_REBOOT,
    HV_SHUTDOWN_SUSPEND,
    HV_SHUTDOWN_CRASH,
    HV_SHUTDOWN_WATCHDOG,
    HV_SHUTDOWN_SOFT_RESET,
};
/* Exactly this domain; ESRCH when there is none. */
int hv_getdomaininfo(struct hv *hv, uint16_t domid, struct hv_dominfo *d);
/* Domains with ids from `first` up, in order; returns how many were filled in (0..n). */
int hv_getdomaininfolist(struct hv *hv, uint16_t first, struct hv_dominfo *d, unsigned n);

struct hv_create {
    uint16_t domid; /* 0: choose one; comes back */
    uint8_t handle[16];
    uint32_t ssidref;
    uint32_t flags, iommu_opts; /* 0 for a PV guest without passthrough */
    uint32_t max_vcpus, max_evtchn_port;
    int32_t max_grant_frames, max_maptrack_frames; /* -1: the hypervisor's default */
    uint32_t grant_version;                        /* 1 or 2 */
    uint32_t cpupool;
};
int hv_createdomain(struct hv *hv, struct hv_create *c);
/* Gives back everything the domain has; may take seconds, repeats until done. The domain stays
 * visible as dying while others hold its pages. ESRCH: no such domain. */
int hv_destroydomain(struct hv *hv, uint16_t domid);
int hv_pausedomain(struct hv *hv, uint16_t domid);
int hv_unpausedomain(struct hv *hv, uint16_t domid);
int hv_resumedomain(struct hv *hv, uint16_t domid);
int hv_max_mem(struct hv *hv, uint16_t domid, uint64_t kib);
int hv_max_vcpus(struct hv *hv, uint16_t domid, unsigned n);
int hv_setdomainhandle(struct hv *hv, uint16_t domid, const uint8_t handle[16]);
/* Guest width in bits: 64 (or 32, which may be refused). */
int hv_set_address_size(struct hv *hv, uint16_t domid, unsigned bits);
int hv_get_address_size(struct hv *hv, uint16_t domid, unsigned *bits);
/* Write the hypercall stubs into that frame. */
int hv_hypercall_init(struct hv *hv, uint16_t domid, uint64_t frame);
/* mode: 0 default, 1 always emulate, 2 never emulate, 3 native_paravirt. */
int hv_settscinfo(struct hv *hv, uint16_t domid, uint32_t mode, uint32_t khz, uint32_t incarnation,
                  uint64_t elapsed_ns);
int hv_gettscinfo(struct hv *hv, uint16_t domid, uint32_t *mode, uint32_t *khz,
                  uint32_t *incarnation, uint64_t *elapsed_ns);
int hv_sendtrigger(struct hv *hv, uint16_t domid, uint32_t trigger, uint32_t vcpu);
/* Node bitmap of nr_bits bits. */
int hv_setnodeaffinity(struct hv *hv, uint16_t domid, const uint8_t *nodes, unsigned nr_bits);
int hv_getnodeaffinity(struct hv *hv, uint16_t domid, uint8_t *nodes, unsigned nr_bits);
/* credit2: weight 1..65535 (256), cap in % of a CPU (0 none). */
int hv_sched_credit2_get(struct hv *hv, uint16_t domid, uint16_t *weight, uint16_t *cap);
int hv_sched_credit2_set(struct hv *hv, uint16_t domid, uint16_t weight, uint16_t cap);
/* A policy the host cannot give answers EINVAL; the first bad leaf/MSR is then in *bad_leaf,
 * *bad_subleaf, *bad_msr (~0: not that one). */
struct hv_policy_error {
    uint32_t leaf, subleaf, msr;
};
int hv_set_cpu_policy(struct hv *hv, uint16_t domid, const struct hv_cpuid_leaf *leaves,
                      uint32_t n_leaves, const struct hv_msr *msrs, uint32_t n_msrs,
                      struct hv_policy_error *bad);
int hv_get_cpu_policy(struct hv *hv, uint16_t domid, struct hv_cpuid_leaf *leaves,
                      uint32_t *n_leaves, struct hv_msr *msrs, uint32_t *n_msrs);

struct hv_vcpuinfo {
    bool online, blocked, running;
    uint64_t cpu_time_ns;
    uint32_t cpu; /* where it runs or ran last */
};
int hv_getvcpuinfo(struct hv *hv, uint16_t domid, unsigned vcpu, struct hv_vcpuinfo *v);
/* Bitmaps of nr_bits CPUs, hard and soft; NULL leaves that one alone. What the hypervisor made of
 * them is not returned. */
int hv_setvcpuaffinity(struct hv *hv, uint16_t domid, unsigned vcpu, const uint8_t *hard,
                       const uint8_t *soft, unsigned nr_bits);
int hv_getvcpuaffinity(struct hv *hv, uint16_t domid, unsigned vcpu, uint8_t *hard, uint8_t *soft,
                       unsigned nr_bits);
/* context: a struct vcpu_guest_context (5168 bytes on x86-64). */
#define HV_VCPU_CONTEXT_SIZE 5168u
int hv_setvcpucontext(struct hv *hv, uint16_t domid, unsigned vcpu, const void *context);
int hv_getvcpucontext(struct hv *hv, uint16_t domid, unsigned vcpu, void *context);

/* ---- memory: hv_memory.c ---- */

/*
 * Give the domain n extents of 2^order pages. pfns[] holds the first guest page of each extent and
 * receives its first frame. Returns how many were done (0..n): fewer means memory is short.
 */
long hv_populate_physmap(struct hv *hv, uint16_t domid, uint64_t *pfns, unsigned n, unsigned order);
struct hv_e820 {
    uint64_t start, size; /* bytes */
    uint32_t type;        /* 1 RAM, 2 reserved, ... */
};
int hv_set_memory_map(struct hv *hv, uint16_t domid, const struct hv_e820 *map, unsigned n);
/* Reserve so many pages for the domain before populating; 0 gives the rest back. */
int hv_claim_pages(struct hv *hv, uint16_t domid, uint64_t pages);
int hv_maximum_ram_page(struct hv *hv, uint64_t *frames);
int hv_current_reservation(struct hv *hv, uint16_t domid, uint64_t *pages);
int hv_maximum_reservation(struct hv *hv, uint16_t domid, uint64_t *pages);
int hv_maximum_gpfn(struct hv *hv, uint16_t domid, uint64_t *pfn);

/*
 * Map n frames of a domain, one behind the other, into this process; prot as for mmap(). NULL with
 * errno when any of them cannot be mapped; with errors (n entries, 0 or a negative errno each) the
 * mapping is kept and every frame that failed has its number there, its page then reads as a fault.
 * Unmap with hv_unmap() and the same n.
 */
void *hv_map_foreign(struct hv *hv, uint16_t domid, int prot, const uint64_t *frames, size_t n,
                     int *errors);
void hv_unmap(void *address, size_t n);

/* Pin frame as the root of 4-level tables of that domain: the hypervisor validates them now. */
int hv_pin_l4(struct hv *hv, uint16_t domid, uint64_t frame);
int hv_unpin(struct hv *hv, uint16_t domid, uint64_t frame);

/* ---- event channels and grants on behalf of others: hv_comms.c ---- */

/* A new port of `domid` that `remote` may bind to. */
int hv_evtchn_alloc_unbound(struct hv *hv, uint16_t domid, uint16_t remote, uint32_t *port);
struct hv_evtchn_status {
    enum {
        HV_EVTCHN_CLOSED,
        HV_EVTCHN_UNBOUND,
        HV_EVTCHN_INTERDOMAIN,
        HV_EVTCHN_PIRQ,
        HV_EVTCHN_VIRQ,
        HV_EVTCHN_IPI,
    } state;
    uint32_t vcpu;
    uint16_t remote_domid; /* unbound, interdomain */
    uint32_t remote_port;  /* interdomain; else the PIRQ or VIRQ */
};
int hv_evtchn_status(struct hv *hv, uint16_t domid, uint32_t port, struct hv_evtchn_status *s);
int hv_evtchn_reset(struct hv *hv, uint16_t domid);

/*
 * Write an entry of another domain's grant table before it first runs: `grantee` may map `frame`
 * for reading and writing under `ref`. The console has ref 0, the store ref 1.
 */
#define HV_GRANT_CONSOLE 0u
#define HV_GRANT_STORE   1u
struct hv_grant_seed {
    uint32_t ref;
    uint16_t grantee;
    uint64_t frame;
};
int hv_gnttab_seed(struct hv *hv, uint16_t domid, const struct hv_grant_seed *seeds, unsigned n);

#endif
