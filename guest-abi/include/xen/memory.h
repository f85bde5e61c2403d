/* SPDX-License-Identifier: MIT */
/*
 * memory_op(cmd, arg): a domain's allotment of frames, and what a guest or tool must know about
 * machine memory. For PV domains a frame given in is a machine frame, except the pfns that
 * populate_physmap and exchange take.
 *
 * increase_reservation, decrease_reservation and populate_physmap return the number of extents
 * done, never an error for those that were not; the others 0 or a negative error. -EPERM: another
 * domain without privilege.
 */
#ifndef __XEN_PUBLIC_MEMORY_H__
#define __XEN_PUBLIC_MEMORY_H__

#include "physdev.h"
#include "xen.h"

#define XENMEM_increase_reservation 0 /* xen_memory_reservation; frames out */
#define XENMEM_decrease_reservation 1 /* xen_memory_reservation; frames in */
#define XENMEM_populate_physmap \
    6 /* xen_memory_reservation; pfns in, frames out in the same array */

/* xen_memory_reservation.mem_flags */
#define XENMEMF_address_bits(x)         (x) /* frames below 2^x bytes, 0: anywhere */
#define XENMEMF_get_address_bits(x)     ((x)&0xffu)
#define XENMEMF_node(x)                 (((x) + 1) << 8) /* NUMA node */
#define XENMEMF_get_node(x)             ((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand      (1 << 16)
#define XENMEMF_exact_node_request      (1 << 17)
#define XENMEMF_exact_node(n)           (XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode                   (1 << 18) /* the node is the domain's virtual one */

#define XENMEM_maximum_ram_page         2 /* returns the highest machine frame + 1 */
#define XENMEM_current_reservation      3 /* domid_t; returns pages */
#define XENMEM_maximum_reservation      4 /* domid_t; returns pages */
#define XENMEM_machphys_mfn_list        5 /* xen_machphys_mfn_list */
#define XENMEM_add_to_physmap           7 /* auto-translated guests only, as the next two */
#define XENMEM_add_to_physmap_batch     23
#define XENMEM_remove_from_physmap      15
#define XENMEM_memory_map               9  /* xen_memory_map, as tools set it, or -ENOSYS */
#define XENMEM_machine_memory_map       10 /* xen_memory_map: the machine's; dom0 */
#define XENMEM_exchange                 11 /* xen_memory_exchange */
#define XENMEM_machphys_mapping         12 /* xen_machphys_mapping */
#define XENMEM_set_memory_map           13 /* xen_foreign_memory_map */
#define XENMEM_maximum_gpfn             14 /* domid_t; returns the guest's own count - 1 */
#define XENMEM_set_pod_target           16
#define XENMEM_get_pod_target           17
#define XENMEM_get_sharing_freed_pages  18 /* returns pages */
#define XENMEM_get_sharing_shared_pages 19 /* returns pages */
#define XENMEM_paging_op                20
#define XENMEM_access_op                21
#define XENMEM_sharing_op               22
#define XENMEM_claim_pages                                                \
    24 /* xen_memory_reservation: order-0 extents to set aside, 0 cancels \
        */
#define XENMEM_machphys_compat_mfn_list   25
#define XENMEM_get_vnumainfo              26
#define XENMEM_reserved_device_memory_map 27
#define XENMEM_acquire_resource           28

#ifndef __ASSEMBLY__
/* An extent is 2^extent_order pages, aligned to its size. */
struct xen_memory_reservation {
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start; /* first frame of each extent */
    xen_ulong_t nr_extents;
    unsigned int extent_order;
#if __XEN_INTERFACE_VERSION__ >= 0x00030209
    unsigned int mem_flags; /* XENMEMF_* */
#else
    unsigned int address_bits;
#endif
    domid_t domid;
};
typedef struct xen_memory_reservation xen_memory_reservation_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_reservation_t);

/* Frames against frames of another size or address; all or nothing. out: pfns in, new frames out.
 */
struct xen_memory_exchange {
    struct xen_memory_reservation in;
    struct xen_memory_reservation out;
    xen_ulong_t nr_exchanged; /* in: 0; out: extents of in that were exchanged, on failure too */
};
typedef struct xen_memory_exchange xen_memory_exchange_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_exchange_t);

/* First frames of the 2 MiB pieces in which the machine-to-physical table lies. */
struct xen_machphys_mfn_list {
    unsigned int max_extents;
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
    unsigned int nr_extents; /* out */
};
typedef struct xen_machphys_mfn_list xen_machphys_mfn_list_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mfn_list_t);

/* Where the table is mapped for every guest. All out. */
struct xen_machphys_mapping {
    xen_ulong_t v_start, v_end;
    xen_ulong_t max_mfn;
};
typedef struct xen_machphys_mapping xen_machphys_mapping_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mapping_t);
#endif

#define XENMAPSPACE_shared_info      0
#define XENMAPSPACE_grant_table      1
#define XENMAPSPACE_gmfn             2
#define XENMAPSPACE_gmfn_range       3
#define XENMAPSPACE_gmfn_foreign     4
#define XENMAPSPACE_dev_mmio         5

#define XENMAPIDX_grant_table_status 0x80000000

#ifndef __ASSEMBLY__
struct xen_add_to_physmap {
    domid_t domid;
    uint16_t size;      /* of a range, in pages */
    unsigned int space; /* XENMAPSPACE_* */
    xen_ulong_t idx;
    xen_pfn_t gpfn;
};
typedef struct xen_add_to_physmap xen_add_to_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_t);

union xen_add_to_physmap_batch_extra {
    domid_t foreign_domid; /* of gmfn_foreign, else 0 */
    uint16_t res0;
};
struct xen_add_to_physmap_batch {
    domid_t domid;
    uint16_t space; /* XENMAPSPACE_* */
    uint16_t size;  /* of the arrays */
#if __XEN_INTERFACE_VERSION__ < 0x00040700
    domid_t foreign_domid;
#else
    union xen_add_to_physmap_batch_extra u;
#endif
    XEN_GUEST_HANDLE(xen_ulong_t) idxs;
    XEN_GUEST_HANDLE(xen_pfn_t) gpfns;
    XEN_GUEST_HANDLE(int) errs; /* out, one each */
};
typedef struct xen_add_to_physmap_batch xen_add_to_physmap_batch_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_batch_t);
#if __XEN_INTERFACE_VERSION__ < 0x00040400
#define XENMEM_add_to_physmap_range XENMEM_add_to_physmap_batch
#define xen_add_to_physmap_range    xen_add_to_physmap_batch
typedef struct xen_add_to_physmap_batch xen_add_to_physmap_range_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_range_t);
#endif

struct xen_remove_from_physmap {
    domid_t domid;
    xen_pfn_t gpfn;
};
typedef struct xen_remove_from_physmap xen_remove_from_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_remove_from_physmap_t);

/* E820 entries of 20 bytes. */
struct xen_memory_map {
    unsigned int nr_entries; /* in: room, out: number; too small: -EINVAL */
    XEN_GUEST_HANDLE(void) buffer;
};
typedef struct xen_memory_map xen_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_map_t);

struct xen_foreign_memory_map {
    domid_t domid;
    struct xen_memory_map map;
};
typedef struct xen_foreign_memory_map xen_foreign_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_foreign_memory_map_t);

/* populate on demand: HVM */
struct xen_pod_target {
    uint64_t target_pages; /* in */
    uint64_t tot_pages;    /* out, as the rest */
    uint64_t pod_cache_pages;
    uint64_t pod_entries;
    domid_t domid; /* in */
};
typedef struct xen_pod_target xen_pod_target_t;

#if defined(__XEN__) || defined(__XEN_TOOLS__)
/* Paging and access monitoring: HVM, and not offered here; the layout is for tools that ask. */
#define XENMEM_paging_op_nominate 0
#define XENMEM_paging_op_evict    1
#define XENMEM_paging_op_prep     2
struct xen_mem_paging_op {
    uint8_t op;
    domid_t domain;
    XEN_GUEST_HANDLE_64(const_uint8) buffer;
    uint64_aligned_t gfn;
};
typedef struct xen_mem_paging_op xen_mem_paging_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_paging_op_t);

#define XENMEM_access_op_set_access       0
#define XENMEM_access_op_get_access       1
#define XENMEM_access_op_set_access_multi 4
typedef enum {
    XENMEM_access_n,
    XENMEM_access_r,
    XENMEM_access_w,
    XENMEM_access_rw,
    XENMEM_access_x,
    XENMEM_access_rx,
    XENMEM_access_wx,
    XENMEM_access_rwx,
    XENMEM_access_rx2rw,
    XENMEM_access_n2rwx,
    XENMEM_access_default
} xenmem_access_t;
struct xen_mem_access_op {
    uint8_t op;
    uint8_t access; /* xenmem_access_t */
    domid_t domid;
    uint32_t nr;          /* of pages */
    uint64_aligned_t pfn; /* ~0: the default */
    XEN_GUEST_HANDLE(const_uint64) pfn_list;
    XEN_GUEST_HANDLE(const_uint8) access_list;
};
typedef struct xen_mem_access_op xen_mem_access_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_access_op_t);
#endif

/* memory that devices use behind everyone's back; none here */
struct xen_reserved_device_memory {
    xen_pfn_t start_pfn;
    xen_ulong_t nr_pages;
};
typedef struct xen_reserved_device_memory xen_reserved_device_memory_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_t);

struct xen_reserved_device_memory_map {
#define XENMEM_RDM_ALL 1 /* of all devices, not of dev */
    uint32_t flags;
    unsigned int nr_entries; /* in: room, out: number */
    XEN_GUEST_HANDLE(xen_reserved_device_memory_t) buffer;
    union {
        physdev_pci_device_t pci;
    } dev;
};
typedef struct xen_reserved_device_memory_map xen_reserved_device_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_map_t);

/* Frames that belong to a domain's service, for the caller to map. frame_list null: nr_frames is
 * the number, out. */
struct xen_mem_acquire_resource {
    domid_t domid;
    uint16_t type; /* XENMEM_resource_* */
#define XENMEM_resource_ioreq_server 0
#define XENMEM_resource_grant_table  1
#define XENMEM_resource_vmtrace_buf  2
    uint32_t id; /* of a grant table: shared or status frames */
#define XENMEM_resource_grant_table_id_shared 0
#define XENMEM_resource_grant_table_id_status 1
    uint32_t nr_frames;
    uint32_t pad;
    uint64_t frame; /* first */
#define XENMEM_resource_ioreq_server_frame_bufioreq 0
#define XENMEM_resource_ioreq_server_frame_ioreq(n) (1 + (n))
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* out: machine frames for a PV caller */
};
typedef struct xen_mem_acquire_resource xen_mem_acquire_resource_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_acquire_resource_t);

/* virtual NUMA */
struct xen_vmemrange {
    uint64_t start, end; /* bytes, physical */
    unsigned int flags;
    unsigned int nid;
};
typedef struct xen_vmemrange xen_vmemrange_t;
DEFINE_XEN_GUEST_HANDLE(xen_vmemrange_t);

/* -EOPNOTSUPP: the domain has none. */
struct xen_vnuma_topology_info {
    domid_t domid;
    uint16_t pad;
    unsigned int nr_vnodes; /* in: room, out: number */
    unsigned int nr_vcpus;
    unsigned int nr_vmemranges;
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vdistance;
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vcpu_to_vnode;
    union {
        XEN_GUEST_HANDLE(xen_vmemrange_t) h;
        uint64_t pad;
    } vmemrange;
};
typedef struct xen_vnuma_topology_info xen_vnuma_topology_info_t;
DEFINE_XEN_GUEST_HANDLE(xen_vnuma_topology_info_t);

XEN_ABI_SIZE(struct xen_memory_reservation, 32);
XEN_ABI_OFFSET(struct xen_memory_reservation, domid, 24);
XEN_ABI_SIZE(struct xen_memory_exchange, 72);
XEN_ABI_SIZE(struct xen_machphys_mfn_list, 24);
XEN_ABI_SIZE(struct xen_machphys_mapping, 24);
XEN_ABI_SIZE(struct xen_add_to_physmap, 24);
XEN_ABI_SIZE(struct xen_add_to_physmap_batch, 32);
XEN_ABI_SIZE(struct xen_remove_from_physmap, 16);
XEN_ABI_SIZE(struct xen_memory_map, 16);
XEN_ABI_SIZE(struct xen_foreign_memory_map, 24);
XEN_ABI_SIZE(struct xen_pod_target, 40);
#if defined(__XEN__) || defined(__XEN_TOOLS__)
XEN_ABI_SIZE(struct xen_mem_paging_op, 24);
XEN_ABI_SIZE(struct xen_mem_access_op, 32);
#endif
XEN_ABI_SIZE(struct xen_reserved_device_memory, 16);
XEN_ABI_SIZE(struct xen_reserved_device_memory_map, 24);
XEN_ABI_SIZE(struct xen_mem_acquire_resource, 32);
XEN_ABI_OFFSET(struct xen_mem_acquire_resource, frame_list, 24);
XEN_ABI_SIZE(struct xen_vmemrange, 24);
XEN_ABI_SIZE(struct xen_vnuma_topology_info, 40);
#endif

#endif
