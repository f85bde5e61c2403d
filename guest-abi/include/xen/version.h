/* SPDX-License-Identifier: MIT */
/*
 * xen_version(cmd, arg): who the hypervisor is. The arrays are in/out buffers without a length
 * argument, filled with a string that ends in NUL. Also the cheapest hypercall, used to have
 * pending events delivered.
 */
#ifndef __XEN_PUBLIC_VERSION_H__
#define __XEN_PUBLIC_VERSION_H__

#include "features.h"
#include "xen.h"

#define XENVER_version             0 /* returns major << 16 | minor */
#define XENVER_extraversion        1 /* xen_extraversion_t */
#define XENVER_compile_info        2 /* xen_compile_info_t */
#define XENVER_capabilities        3 /* xen_capabilities_info_t: "xen-3.0-x86_64 " */
#define XENVER_changeset           4 /* xen_changeset_info_t */
#define XENVER_platform_parameters 5 /* xen_platform_parameters_t */
#define XENVER_get_features        6 /* xen_feature_info_t */
#define XENVER_pagesize            7 /* returns bytes */
#define XENVER_guest_handle        8 /* xen_domain_handle_t of the caller */
#define XENVER_commandline         9 /* xen_commandline_t: the hypervisor's */
#define XENVER_build_id                                                       \
    10 /* xen_build_id_t; returns the length, needed with a null argument too \
        */

#ifndef __ASSEMBLY__
typedef char xen_extraversion_t[16];
#define XEN_EXTRAVERSION_LEN (sizeof(xen_extraversion_t))

struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};
typedef struct xen_compile_info xen_compile_info_t;

typedef char xen_capabilities_info_t[1024];
#define XEN_CAPABILITIES_INFO_LEN (sizeof(xen_capabilities_info_t))

typedef char xen_changeset_info_t[64];
#define XEN_CHANGESET_INFO_LEN (sizeof(xen_changeset_info_t))

struct xen_platform_parameters {
    xen_ulong_t virt_start; /* lowest address of the hypervisor's hole */
};
typedef struct xen_platform_parameters xen_platform_parameters_t;

struct xen_feature_info {
    unsigned int submap_idx; /* in: which word */
    uint32_t submap;         /* out: bits XENFEAT_* */
};
typedef struct xen_feature_info xen_feature_info_t;

typedef char xen_commandline_t[1024];

struct xen_build_id {
    uint32_t len; /* in: bytes of buf */
    unsigned char buf[COMPAT_FLEX_ARRAY_DIM];
};
typedef struct xen_build_id xen_build_id_t;

XEN_ABI_SIZE(xen_extraversion_t, 16);
XEN_ABI_SIZE(struct xen_compile_info, 144);
XEN_ABI_SIZE(xen_capabilities_info_t, 1024);
XEN_ABI_SIZE(xen_changeset_info_t, 64);
XEN_ABI_SIZE(struct xen_platform_parameters, 8);
XEN_ABI_SIZE(struct xen_feature_info, 8);
XEN_ABI_SIZE(xen_commandline_t, 1024);
XEN_ABI_OFFSET(struct xen_build_id, buf, 4);
#endif

#endif
