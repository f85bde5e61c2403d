/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op(cmd, array, count): lending single frames to another domain. The owner writes an
 * entry in its table, whose index is the grant reference; the other domain maps it or has the
 * hypervisor copy.
 *
 * Result 0 with a status (GNTST_*) in each element; negative only when the array itself cannot be
 * read or the command does not exist.
 */
#ifndef __XEN_PUBLIC_GRANT_TABLE_H__
#define __XEN_PUBLIC_GRANT_TABLE_H__

#include "xen.h"

/* References that the domain builder fills; a guest does not allocate below
 * GNTTAB_NR_RESERVED_ENTRIES. */
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* grant entry flags: type in the two low bits */
#define GTF_invalid                (0U << 0)
#define GTF_permit_access          (1U << 0)
#define GTF_accept_transfer        (2U << 0)
#define GTF_transitive             (3U << 0)
#define GTF_type_mask              (3U << 0)
/* of permit_access: owner's limits, and in use by the other side (set by the hypervisor) */
#define _GTF_readonly              2
#define GTF_readonly               (1U << _GTF_readonly)
#define _GTF_reading               3
#define GTF_reading                (1U << _GTF_reading)
#define _GTF_writing               4
#define GTF_writing                (1U << _GTF_writing)
#define _GTF_PWT                   5
#define GTF_PWT                    (1U << _GTF_PWT)
#define _GTF_PCD                   6
#define GTF_PCD                    (1U << _GTF_PCD)
#define _GTF_PAT                   7
#define GTF_PAT                    (1U << _GTF_PAT)
#define _GTF_sub_page              8 /* version 2 only: copy of a part of the page, no map */
#define GTF_sub_page               (1U << _GTF_sub_page)
/* of accept_transfer */
#define _GTF_transfer_committed    2
#define GTF_transfer_committed     (1U << _GTF_transfer_committed)
#define _GTF_transfer_completed    3
#define GTF_transfer_completed     (1U << _GTF_transfer_completed)

#ifndef __ASSEMBLY__
#if __XEN_INTERFACE_VERSION__ < 0x0003020a
#define grant_entry_v1   grant_entry
#define grant_entry_v1_t grant_entry_t
#endif

/* Version 1 entry, 512 in a page. The owner writes frame and domid, then a barrier, then flags. */
struct grant_entry_v1 {
    uint16_t flags;
    domid_t domid;  /* who may use it */
    uint32_t frame; /* machine frame of a PV guest */
};
typedef struct grant_entry_v1 grant_entry_v1_t;

/* Version 2, 256 in a page, with reading/writing in the separate status array (grant_status_t). */
struct grant_entry_header {
    uint16_t flags;
    domid_t domid;
};
typedef struct grant_entry_header grant_entry_header_t;

union grant_entry_v2 {
    grant_entry_header_t hdr;
    struct {
        grant_entry_header_t hdr;
        uint32_t pad0;
        uint64_t frame;
    } full_page;
    struct {
        grant_entry_header_t hdr;
        uint16_t page_off, length; /* bytes */
        uint64_t frame;
    } sub_page;
    struct {
        grant_entry_header_t hdr;
        domid_t trans_domid; /* the grant lent onwards: its owner and reference */
        uint16_t pad0;
        uint32_t gref;
    } transitive;
    uint32_t __spacer[4];
};
typedef union grant_entry_v2 grant_entry_v2_t;
typedef uint16_t grant_status_t;

typedef uint32_t grant_ref_t;    /* index into the owner's table */
typedef uint32_t grant_handle_t; /* a mapping, in the mapping domain */
#endif

#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_dump_table        3
#define GNTTABOP_transfer          4
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version       8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12

#ifndef __ASSEMBLY__
/* host_addr is a virtual address, or with GNTMAP_contains_pte the machine address of the caller's
 * L1 entry */
struct gnttab_map_grant_ref {
    uint64_t host_addr;
    uint32_t flags; /* GNTMAP_* */
    grant_ref_t ref;
    domid_t dom;           /* owner of the table */
    int16_t status;        /* out */
    grant_handle_t handle; /* out */
    uint64_t dev_bus_addr; /* out: machine address, whatever the flags */
};
typedef struct gnttab_map_grant_ref gnttab_map_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_map_grant_ref_t);

/* A zero address leaves that half mapped; the handle is free when both halves are gone. */
struct gnttab_unmap_grant_ref {
    uint64_t host_addr;
    uint64_t dev_bus_addr;
    grant_handle_t handle;
    int16_t status; /* out */
};
typedef struct gnttab_unmap_grant_ref gnttab_unmap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_grant_ref_t);

/* Grows the table to at least nr_frames pages and lists their frames. */
struct gnttab_setup_table {
    domid_t dom;
    uint32_t nr_frames;
    int16_t status;                         /* out */
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* out */
};
typedef struct gnttab_setup_table gnttab_setup_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_setup_table_t);

struct gnttab_dump_table {
    domid_t dom;
    int16_t status;
};
typedef struct gnttab_dump_table gnttab_dump_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_dump_table_t);

/* Gives a frame away for good, to an accept_transfer entry. */
struct gnttab_transfer {
    xen_pfn_t mfn;
    domid_t domid;
    grant_ref_t ref;
    int16_t status; /* out */
};
typedef struct gnttab_transfer gnttab_transfer_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_transfer_t);

#define _GNTCOPY_source_gref 0
#define GNTCOPY_source_gref  (1 << _GNTCOPY_source_gref)
#define _GNTCOPY_dest_gref   1
#define GNTCOPY_dest_gref    (1 << _GNTCOPY_dest_gref)

/* Each side is a grant, or with its flag clear a frame of domid (DOMID_SELF). Stays within a page
 * on both. */
struct gnttab_copy_ptr {
    union {
        grant_ref_t ref;
        xen_pfn_t gmfn;
    } u;
    domid_t domid;
    uint16_t offset; /* bytes */
};
struct gnttab_copy {
    struct gnttab_copy_ptr source, dest;
    uint16_t len;   /* bytes */
    uint16_t flags; /* GNTCOPY_* */
    int16_t status; /* out */
};
typedef struct gnttab_copy gnttab_copy_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_copy_t);

struct gnttab_query_size {
    domid_t dom;
    uint32_t nr_frames;     /* out: now */
    uint32_t max_nr_frames; /* out: limit */
    int16_t status;         /* out */
};
typedef struct gnttab_query_size gnttab_query_size_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_query_size_t);

/* Unmaps host_addr and moves the entry that maps new_addr there. */
struct gnttab_unmap_and_replace {
    uint64_t host_addr;
    uint64_t new_addr;
    grant_handle_t handle;
    int16_t status; /* out */
};
typedef struct gnttab_unmap_and_replace gnttab_unmap_and_replace_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_and_replace_t);

/* One element, whole call: -ENOSYS/-EINVAL for a version the hypervisor has not. */
struct gnttab_set_version {
    uint32_t version; /* in and out */
};
typedef struct gnttab_set_version gnttab_set_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_set_version_t);

struct gnttab_get_status_frames {
    uint32_t nr_frames;
    domid_t dom;
    int16_t status;                        /* out */
    XEN_GUEST_HANDLE(uint64_t) frame_list; /* out */
};
typedef struct gnttab_get_status_frames gnttab_get_status_frames_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_status_frames_t);

struct gnttab_get_version {
    domid_t dom;
    uint16_t pad;
    uint32_t version; /* out */
};
typedef struct gnttab_get_version gnttab_get_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_version_t);

struct gnttab_swap_grant_ref {
    grant_ref_t ref_a, ref_b;
    int16_t status; /* out */
};
typedef struct gnttab_swap_grant_ref gnttab_swap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_swap_grant_ref_t);

struct gnttab_cache_flush {
    union {
        uint64_t dev_bus_addr;
        grant_ref_t ref;
    } a;
    uint16_t offset, length; /* bytes within the page */
#define GNTTAB_CACHE_CLEAN       (1u << 0)
#define GNTTAB_CACHE_INVAL       (1u << 1)
#define GNTTAB_CACHE_SOURCE_GREF (1u << 31)
    uint32_t op;
};
typedef struct gnttab_cache_flush gnttab_cache_flush_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_cache_flush_t);
#endif

/* map_grant_ref flags */
#define _GNTMAP_device_map      0
#define GNTMAP_device_map       (1 << _GNTMAP_device_map)
#define _GNTMAP_host_map        1
#define GNTMAP_host_map         (1 << _GNTMAP_host_map)
#define _GNTMAP_readonly        2
#define GNTMAP_readonly         (1 << _GNTMAP_readonly)
#define _GNTMAP_application_map 3 /* for user mode, else for kernel only */
#define GNTMAP_application_map  (1 << _GNTMAP_application_map)
#define _GNTMAP_contains_pte    4
#define GNTMAP_contains_pte     (1 << _GNTMAP_contains_pte)
#define _GNTMAP_guest_avail0    16 /* from here up: software bits for the L1 entry */
#define GNTMAP_guest_avail_mask ((uint32_t)~0 << _GNTMAP_guest_avail0)

#define GNTST_okay              0
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_bad_dev_addr      (-6)
#define GNTST_no_device_space   (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10) /* the copy leaves the page */
#define GNTST_address_too_big   (-11)
#define GNTST_eagain            (-12)
#define GNTST_no_space          (-13)

/* initializer of an array of strings indexed by -status */
#define GNTTABOP_error_msgs                                                                       \
    {                                                                                             \
        "okay", "failed", "no such domain", "invalid grant reference", "invalid handle",          \
            "bad virtual address", "bad device address", "no I/O MMU space", "permission denied", \
            "bad page", "copy leaves the page", "address too big", "try again", "no space"        \
    }

#ifndef __ASSEMBLY__
XEN_ABI_SIZE(struct grant_entry_v1, 8);
XEN_ABI_SIZE(struct grant_entry_header, 4);
XEN_ABI_SIZE(union grant_entry_v2, 16);
XEN_ABI_SIZE(struct gnttab_map_grant_ref, 32);
XEN_ABI_OFFSET(struct gnttab_map_grant_ref, handle, 20);
XEN_ABI_SIZE(struct gnttab_unmap_grant_ref, 24);
XEN_ABI_SIZE(struct gnttab_setup_table, 24);
XEN_ABI_SIZE(struct gnttab_dump_table, 4);
XEN_ABI_SIZE(struct gnttab_transfer, 24);
XEN_ABI_SIZE(struct gnttab_copy_ptr, 16);
XEN_ABI_SIZE(struct gnttab_copy, 40);
XEN_ABI_SIZE(struct gnttab_query_size, 16);
XEN_ABI_SIZE(struct gnttab_unmap_and_replace, 24);
XEN_ABI_SIZE(struct gnttab_set_version, 4);
XEN_ABI_SIZE(struct gnttab_get_status_frames, 16);
XEN_ABI_SIZE(struct gnttab_get_version, 8);
XEN_ABI_SIZE(struct gnttab_swap_grant_ref, 12);
XEN_ABI_SIZE(struct gnttab_cache_flush, 16);
#endif

#endif
