/* SPDX-License-Identifier: MIT */
/*
 * mca(struct xen_mc *): machine check telemetry for dom0. Declared here is what dom0 asks at boot,
 * the list of CPUs, and the records that XEN_MC_fetch returns; injection for tests is not.
 */
#ifndef __XEN_PUBLIC_ARCH_X86_MCA_H__
#define __XEN_PUBLIC_ARCH_X86_MCA_H__

#include "../xen.h"

#define XEN_MCA_INTERFACE_VERSION 0x01ecc003

/* fetch, in: which records; or acknowledge those of fetch_id */
#define XEN_MC_NONURGENT          0x0001
#define XEN_MC_URGENT             0x0002
#define XEN_MC_ACK                0x0004
/* fetch, out */
#define XEN_MC_OK                 0x0
#define XEN_MC_FETCHFAILED        0x1
#define XEN_MC_NODATA             0x2
#define XEN_MC_NOMATCH            0x4
#define XEN_MC_CANNOTHANDLE       0x8
#define XEN_MC_NOTDELIVERED       0x10

#define MC_TYPE_GLOBAL            0
#define MC_TYPE_BANK              1
#define MC_TYPE_EXTENDED          2
#define MC_TYPE_RECOVERY          3

#ifndef __ASSEMBLY__
/* Every record of mc_info starts with this. */
struct mcinfo_common {
    uint16_t type; /* MC_TYPE_* */
    uint16_t size; /* bytes, with this */
};
typedef struct mcinfo_common xen_mcinfo_common_t;

#define MC_FLAG_CORRECTABLE   (1 << 0)
#define MC_FLAG_UNCORRECTABLE (1 << 1)
#define MC_FLAG_RECOVERABLE   (1 << 2)
#define MC_FLAG_POLLED        (1 << 3)
#define MC_FLAG_RESET         (1 << 4)
#define MC_FLAG_CMCI          (1 << 5)
#define MC_FLAG_MCE           (1 << 6)
#define XEN_MC_VCPUID_INVALID 0xffff
struct mcinfo_global {
    xen_mcinfo_common_t common;
    uint16_t mc_domid; /* running when it happened */
    uint16_t mc_vcpuid;
    uint32_t mc_socketid;
    uint16_t mc_coreid;
    uint16_t mc_core_threadid;
    uint32_t mc_apicid;
    uint32_t mc_flags;   /* MC_FLAG_* */
    uint64_t mc_gstatus; /* MCG_STATUS */
};

struct mcinfo_bank {
    xen_mcinfo_common_t common;
    uint16_t mc_bank;
    uint16_t mc_domid;  /* owner of mc_addr */
    uint64_t mc_status; /* the bank's registers */
    uint64_t mc_addr;
    uint64_t mc_misc;
    uint64_t mc_ctrl2;
    uint64_t mc_tsc;
};

struct mcinfo_msr {
    uint64_t reg;
    uint64_t value;
};
typedef struct mcinfo_msr xen_mcinfo_msr_t;

#define MCINFO_MAXSIZE          768
#define MCINFO_FLAGS_UNCOMPLETE 0x1
struct mc_info {
    uint32_t mi_nentries;
    uint32_t flags;                             /* MCINFO_FLAGS_* */
    uint64_t mi_data[(MCINFO_MAXSIZE - 1) / 8]; /* records, one behind the other */
};
typedef struct mc_info mc_info_t;
DEFINE_XEN_GUEST_HANDLE(mc_info_t);

#define __MC_MSR_ARRAYSIZE 8
#define MC_NCAPS           7
#define MC_CAPS_STD_EDX    0
#define MC_CAPS_AMD_EDX    1
#define MC_CAPS_TM         2
#define MC_CAPS_LINUX      3
#define MC_CAPS_STD_ECX    4
#define MC_CAPS_VIA        5
#define MC_CAPS_AMD_ECX    6
struct mcinfo_logical_cpu {
    uint32_t mc_cpunr;
    uint32_t mc_chipid;
    uint16_t mc_coreid;
    uint16_t mc_threadid;
    uint32_t mc_apicid;
    uint32_t mc_clusterid;
    uint32_t mc_ncores;
    uint32_t mc_ncores_active;
    uint32_t mc_nthreads;
    int32_t mc_cpuid_level; /* from here on as CPUID says */
    uint32_t mc_family;
    uint32_t mc_vendor;
    uint32_t mc_model;
    uint32_t mc_step;
    char mc_vendorid[16];
    char mc_brandid[64];
    uint32_t mc_cpu_caps[MC_NCAPS];
    uint32_t mc_cache_size;
    uint32_t mc_cache_alignment;
    int32_t mc_nmsrvals;
    xen_mcinfo_msr_t mc_msrvalues[__MC_MSR_ARRAYSIZE];
};
typedef struct mcinfo_logical_cpu xen_mc_logical_cpu_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_logical_cpu_t);

#define XEN_MC_fetch 1
struct xen_mc_fetch {
    uint32_t flags; /* XEN_MC_* */
    uint32_t _pad0;
    uint64_t fetch_id; /* out; in with XEN_MC_ACK */
    XEN_GUEST_HANDLE(mc_info_t) data;
};
typedef struct xen_mc_fetch xen_mc_fetch_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_fetch_t);

#define XEN_MC_notifydomain 2
struct xen_mc_notifydomain {
    uint16_t mc_domid;
    uint16_t mc_vcpuid;
    uint32_t flags;
};
typedef struct xen_mc_notifydomain xen_mc_notifydomain_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_notifydomain_t);

#define XEN_MC_physcpuinfo 3
struct xen_mc_physcpuinfo {
    uint32_t ncpus; /* in: room, out: number */
    uint32_t _pad0;
    XEN_GUEST_HANDLE(xen_mc_logical_cpu_t) info; /* null: only the number */
};
typedef struct xen_mc_physcpuinfo xen_mc_physcpuinfo_t;

/* errors made on purpose, to test handlers */
#define XEN_MC_msrinject      4
#define MC_MSRINJ_MAXMSRS     8
#define MC_MSRINJ_F_INTERPOSE 0x1
#define MC_MSRINJ_F_GPADDR    0x2
struct xen_mc_msrinject {
    uint32_t mcinj_cpunr;
    uint32_t mcinj_flags; /* MC_MSRINJ_F_* */
    uint32_t mcinj_count; /* of mcinj_msr */
    domid_t mcinj_domid;
    uint16_t _pad0;
    xen_mcinfo_msr_t mcinj_msr[MC_MSRINJ_MAXMSRS];
};
typedef struct xen_mc_msrinject xen_mc_msrinject_t;

#define XEN_MC_mceinject 5
struct xen_mc_mceinject {
    unsigned int mceinj_cpunr;
};
typedef struct xen_mc_mceinject xen_mc_mceinject_t;

#if defined(__XEN__) || defined(__XEN_TOOLS__)
#define XEN_MC_inject_v2            6
#define XEN_MC_INJECT_TYPE_MASK     0x7
#define XEN_MC_INJECT_TYPE_MCE      0x0
#define XEN_MC_INJECT_TYPE_CMCI     0x1
#define XEN_MC_INJECT_TYPE_LMCE     0x2
#define XEN_MC_INJECT_CPU_BROADCAST 0x8
struct xen_mc_inject_v2 {
    uint32_t flags; /* XEN_MC_INJECT_* */
    xenctl_bitmap_t cpumap;
};
typedef struct xen_mc_inject_v2 xen_mc_inject_v2_t;
XEN_ABI_SIZE(struct xen_mc_inject_v2, 24);
#endif

struct xen_mc {
    uint32_t cmd;               /* XEN_MC_* */
    uint32_t interface_version; /* XEN_MCA_INTERFACE_VERSION */
    union {
        xen_mc_fetch_t mc_fetch;
        xen_mc_notifydomain_t mc_notifydomain;
        xen_mc_physcpuinfo_t mc_physcpuinfo;
        xen_mc_msrinject_t mc_msrinject;
        xen_mc_mceinject_t mc_mceinject;
#if defined(__XEN__) || defined(__XEN_TOOLS__)
        xen_mc_inject_v2_t mc_inject_v2;
#endif
    } u;
};
typedef struct xen_mc xen_mc_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_t);

XEN_ABI_SIZE(struct mcinfo_common, 4);
XEN_ABI_SIZE(struct mcinfo_global, 32);
XEN_ABI_SIZE(struct mcinfo_bank, 48);
XEN_ABI_SIZE(struct mcinfo_msr, 16);
XEN_ABI_SIZE(struct mc_info, 768);
XEN_ABI_SIZE(struct mcinfo_logical_cpu, 304);
XEN_ABI_SIZE(struct xen_mc_fetch, 24);
XEN_ABI_SIZE(struct xen_mc_notifydomain, 8);
XEN_ABI_SIZE(struct xen_mc_physcpuinfo, 16);
XEN_ABI_SIZE(struct xen_mc_msrinject, 144);
XEN_ABI_SIZE(struct xen_mc_mceinject, 4);
XEN_ABI_SIZE(struct xen_mc, 152);
#endif

#endif
