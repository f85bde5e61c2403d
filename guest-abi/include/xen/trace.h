/* SPDX-License-Identifier: MIT */
/*
 * Trace records (XEN_SYSCTL_tbuf_op): one ring per CPU, mapped by the tool that reads it. Only the
 * format and the scheduler's records; tracing is not offered yet.
 */
#ifndef __XEN_PUBLIC_TRACE_H__
#define __XEN_PUBLIC_TRACE_H__

#define TRACE_EXTRA_MAX                7 /* words behind a record's header */
#define TRACE_EXTRA_SHIFT              28

/* an event: class (16 bits up), subclass, number */
#define TRC_CLS_SHIFT                  16
#define TRC_GEN                        0x0001f000
#define TRC_SCHED                      0x0002f000
#define TRC_DOM0OP                     0x0004f000
#define TRC_HVM                        0x0008f000
#define TRC_MEM                        0x0010f000
#define TRC_PV                         0x0020f000
#define TRC_SHADOW                     0x0040f000
#define TRC_HW                         0x0080f000
#define TRC_GUEST                      0x0800f000
#define TRC_ALL                        0x0ffff000

#define TRC_HD_TO_EVENT(x)             ((x)&0x0fffffff)
#define TRC_HD_CYCLE_FLAG              (1UL << 31)
#define TRC_HD_INCLUDES_CYCLE_COUNT(x) (((x)&TRC_HD_CYCLE_FLAG) != 0)
#define TRC_HD_EXTRA(x)                (((x) >> TRACE_EXTRA_SHIFT) & TRACE_EXTRA_MAX)

#define TRC_SUBCLS_SHIFT               12
#define TRC_SCHED_MIN                  0x00021000
#define TRC_SCHED_CLASS                0x00022000
#define TRC_SCHED_VERBOSE              0x00028000

#define TRC_LOST_RECORDS               (TRC_GEN + 1)
#define TRC_TRACE_WRAP_BUFFER          (TRC_GEN + 2)
#define TRC_TRACE_CPU_CHANGE           (TRC_GEN + 3)
#define TRC_SCHED_RUNSTATE_CHANGE      (TRC_SCHED_MIN + 1)
#define TRC_SCHED_CONTINUE_RUNNING     (TRC_SCHED_MIN + 2)
#define TRC_SCHED_DOM_ADD              (TRC_SCHED_VERBOSE + 1)
#define TRC_SCHED_DOM_REM              (TRC_SCHED_VERBOSE + 2)
#define TRC_SCHED_SLEEP                (TRC_SCHED_VERBOSE + 3)
#define TRC_SCHED_WAKE                 (TRC_SCHED_VERBOSE + 4)
#define TRC_SCHED_YIELD                (TRC_SCHED_VERBOSE + 5)
#define TRC_SCHED_BLOCK                (TRC_SCHED_VERBOSE + 6)
#define TRC_SCHED_SHUTDOWN             (TRC_SCHED_VERBOSE + 7)
#define TRC_SCHED_SWITCH               (TRC_SCHED_VERBOSE + 10)

#ifndef __ASSEMBLY__
#include "xen-compat.h"

struct t_rec {
    uint32_t event : 28;
    uint32_t extra_u32 : 3;       /* number of words used */
    uint32_t cycles_included : 1; /* chooses the member of u */
    union {
        struct {
            uint32_t cycles_lo, cycles_hi;
            uint32_t extra_u32[TRACE_EXTRA_MAX];
        } cycles;
        struct {
            uint32_t extra_u32[TRACE_EXTRA_MAX];
        } nocycles;
    } u;
};

/* Header of a CPU's ring; byte offsets that run to twice the ring's size. */
struct t_buf {
    uint32_t cons; /* the tool's */
    uint32_t prod; /* the hypervisor's */
};

/* The page that says where the rings are; lists of frames at mfn_offset words from its start, by
 * CPU. */
struct t_info {
    uint16_t tbuf_size; /* pages per CPU */
    uint16_t mfn_offset[];
};

XEN_ABI_SIZE(struct t_rec, 40);
XEN_ABI_SIZE(struct t_buf, 8);
XEN_ABI_SIZE(struct t_info, 2);
#endif

#endif
