/* SPDX-License-Identifier: MIT */
/*
 * The core of the interface: hypercall and VIRQ numbers, MMU operations, event and time state
 * shared with each vCPU, the page a guest is started with, reserved domain ids. Usable from
 * assembly (constants only).
 *
 * Every hypercall returns 0 or a positive result, or a negative error number with Linux's values
 * (errno.h).
 */
#ifndef __XEN_PUBLIC_XEN_H__
#define __XEN_PUBLIC_XEN_H__

#include "xen-compat.h"

/* flexible last member; C++ has none but the compilers' extension is the same */
#define XEN_FLEX_ARRAY_DIM

#ifdef __ASSEMBLY__
#define xen_mk_uint(x)   x
#define xen_mk_ulong(x)  x
#define xen_mk_ullong(x) x
#else
#define __xen_mk_uint(x)   x##U
#define __xen_mk_ulong(x)  x##UL
#define __xen_mk_ullong(x) x##ULL
#define xen_mk_uint(x)     __xen_mk_uint(x)
#define xen_mk_ulong(x)    __xen_mk_ulong(x)
#define xen_mk_ullong(x)   __xen_mk_ullong(x)
#endif

#include "arch-x86/xen.h"

#ifndef __ASSEMBLY__
DEFINE_XEN_GUEST_HANDLE(char);
__DEFINE_XEN_GUEST_HANDLE(uchar, unsigned char);
DEFINE_XEN_GUEST_HANDLE(int);
__DEFINE_XEN_GUEST_HANDLE(uint, unsigned int);
DEFINE_XEN_GUEST_HANDLE(void);
DEFINE_XEN_GUEST_HANDLE(uint64_t);
DEFINE_XEN_GUEST_HANDLE(xen_pfn_t);
DEFINE_XEN_GUEST_HANDLE(xen_ulong_t);
#if __XEN_INTERFACE_VERSION__ < 0x00040300
DEFINE_XEN_GUEST_HANDLE(long);
__DEFINE_XEN_GUEST_HANDLE(ulong, unsigned long);
#endif
/* fixed widths under the short names that domctl and sysctl use */
__DEFINE_XEN_GUEST_HANDLE(uint8, uint8_t);
__DEFINE_XEN_GUEST_HANDLE(uint16, uint16_t);
__DEFINE_XEN_GUEST_HANDLE(uint32, uint32_t);
__DEFINE_XEN_GUEST_HANDLE(uint64, uint64_t);
#endif

/* Hypercalls. Numbers 6, 16 and 19 are first versions of 29, 32 and 33 and answer -ENOSYS here. */
#define __HYPERVISOR_set_trap_table                0
#define __HYPERVISOR_mmu_update                    1
#define __HYPERVISOR_set_gdt                       2
#define __HYPERVISOR_stack_switch                  3
#define __HYPERVISOR_set_callbacks                 4
#define __HYPERVISOR_fpu_taskswitch                5
#define __HYPERVISOR_sched_op_compat               6
#define __HYPERVISOR_platform_op                   7
#define __HYPERVISOR_set_debugreg                  8
#define __HYPERVISOR_get_debugreg                  9
#define __HYPERVISOR_update_descriptor             10
#define __HYPERVISOR_memory_op                     12
#define __HYPERVISOR_multicall                     13
#define __HYPERVISOR_update_va_mapping             14
#define __HYPERVISOR_set_timer_op                  15
#define __HYPERVISOR_event_channel_op_compat       16
#define __HYPERVISOR_xen_version                   17
#define __HYPERVISOR_console_io                    18
#define __HYPERVISOR_physdev_op_compat             19
#define __HYPERVISOR_grant_table_op                20
#define __HYPERVISOR_vm_assist                     21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret                          23
#define __HYPERVISOR_vcpu_op                       24
#define __HYPERVISOR_set_segment_base              25
#define __HYPERVISOR_mmuext_op                     26
#define __HYPERVISOR_xsm_op                        27
#define __HYPERVISOR_nmi_op                        28
#define __HYPERVISOR_sched_op                      29
#define __HYPERVISOR_callback_op                   30
#define __HYPERVISOR_xenoprof_op                   31
#define __HYPERVISOR_event_channel_op              32
#define __HYPERVISOR_physdev_op                    33
#define __HYPERVISOR_hvm_op                        34
#define __HYPERVISOR_sysctl                        35
#define __HYPERVISOR_domctl                        36
#define __HYPERVISOR_kexec_op                      37
#define __HYPERVISOR_tmem_op                       38
#define __HYPERVISOR_argo_op                       39
#define __HYPERVISOR_xenpmu_op                     40
#define __HYPERVISOR_dm_op                         41
#define __HYPERVISOR_hypfs_op                      42
#define __HYPERVISOR_arch_0                        48
#define __HYPERVISOR_arch_1                        49
#define __HYPERVISOR_arch_2                        50
#define __HYPERVISOR_arch_3                        51
#define __HYPERVISOR_arch_4                        52
#define __HYPERVISOR_arch_5                        53
#define __HYPERVISOR_arch_6                        54
#define __HYPERVISOR_arch_7                        55
/* on x86, arch_0 is the machine check interface (arch-x86/xen-mca.h) */
#define __HYPERVISOR_mca                           __HYPERVISOR_arch_0

#if __XEN_INTERFACE_VERSION__ < 0x00030205
#define __HYPERVISOR_dom0_op __HYPERVISOR_platform_op
#endif

/*
 * Virtual interrupts, bound by EVTCHNOP_bind_virq. V: one per vCPU; G: one per system, bound on
 * vCPU 0, belongs to dom0 unless given away (XEN_DOMCTL_set_virq_handler).
 */
#define VIRQ_TIMER      0  /* V. timer set by set_timer_op or vcpu_op has fired */
#define VIRQ_DEBUG      1  /* V. console asks the guest to dump its state */
#define VIRQ_CONSOLE    2  /* G. input for CONSOLEIO_read */
#define VIRQ_DOM_EXC    3  /* G. a domain has shut down or is gone */
#define VIRQ_TBUF       4  /* G. trace buffer has records */
#define VIRQ_DEBUGGER   6  /* G. a debugged domain has paused */
#define VIRQ_XENOPROF   7  /* V. profile samples */
#define VIRQ_CON_RING   8  /* G. hypervisor's log has grown */
#define VIRQ_PCPU_STATE 9  /* G. a physical CPU went on or off line */
#define VIRQ_MEM_EVENT  10 /* G. */
#define VIRQ_ARGO       11 /* G. */
#define VIRQ_ENOMEM     12 /* G. free memory is low */
#define VIRQ_XENPMU     13 /* V. performance counter overflow */
#define VIRQ_ARCH_0     16
#define VIRQ_ARCH_1     17
#define VIRQ_ARCH_2     18
#define VIRQ_ARCH_3     19
#define VIRQ_ARCH_4     20
#define VIRQ_ARCH_5     21
#define VIRQ_ARCH_6     22
#define VIRQ_ARCH_7     23
#define NR_VIRQS        24
#define VIRQ_MCA        VIRQ_ARCH_0 /* G. machine check telemetry */

/*
 * mmu_update(reqs, count, done, foreigndom): low two bits of mmu_update.ptr.
 * Stops at the first error; *done is the number of requests completed.
 * foreigndom: bits 0-15 owner of the mapped frames, bits 16-31 owner of the page table + 1 (0:
 * caller).
 */
#define MMU_NORMAL_PT_UPDATE                                                                     \
    0                         /* *(machine address ptr) = val, checked as an entry of that table \
                               */
#define MMU_MACHPHYS_UPDATE 1 /* m2p[ptr >> 12] = val */
#define MMU_PT_UPDATE_PRESERVE_AD \
    2 /* as 0, keeping accessed and dirty bits the CPU has set meanwhile */
#define MMU_PT_UPDATE_NO_TRANSLATE \
    3 /* as 0, val is a machine frame even for auto-translated callers */

/*
 * mmuext_op(ops, count, done, foreigndom): commands, with the arguments each uses. mfn is a machine
 * frame. Flushes with vcpumask take a bitmap over the caller's vCPU ids.
 */
#define MMUEXT_PIN_L1_TABLE \
    0 /* mfn: keep it validated as a table of that level. -EINVAL if pinned */
#define MMUEXT_PIN_L2_TABLE       1
#define MMUEXT_PIN_L3_TABLE       2
#define MMUEXT_PIN_L4_TABLE       3
#define MMUEXT_UNPIN_TABLE        4 /* mfn. -EINVAL if not pinned */
#define MMUEXT_NEW_BASEPTR        5 /* mfn: L4 of this vCPU's kernel mode; flushes */
#define MMUEXT_TLB_FLUSH_LOCAL    6
#define MMUEXT_INVLPG_LOCAL       7 /* linear_addr */
#define MMUEXT_TLB_FLUSH_MULTI    8 /* vcpumask */
#define MMUEXT_INVLPG_MULTI       9 /* linear_addr, vcpumask */
#define MMUEXT_TLB_FLUSH_ALL      10
#define MMUEXT_INVLPG_ALL         11 /* linear_addr */
#define MMUEXT_FLUSH_CACHE        12 /* WBINVD. -EACCES without hardware access */
#define MMUEXT_SET_LDT            13 /* linear_addr, nr_ents (0: none) */
#define MMUEXT_NEW_USER_BASEPTR   15 /* mfn: L4 of user mode, 0: none */
#define MMUEXT_CLEAR_PAGE         16 /* mfn */
#define MMUEXT_COPY_PAGE          17 /* mfn from src_mfn */
#define MMUEXT_FLUSH_CACHE_GLOBAL 18
#define MMUEXT_MARK_SUPER         19 /* mfn. -EOPNOTSUPP */
#define MMUEXT_UNMARK_SUPER       20

#ifndef __ASSEMBLY__
struct mmuext_op {
    unsigned int cmd; /* MMUEXT_* */
    union {
        xen_pfn_t mfn;
        unsigned long linear_addr;
    } arg1;
    union {
        unsigned int nr_ents;
        XEN_GUEST_HANDLE(const_void) vcpumask;
        xen_pfn_t src_mfn;
    } arg2;
};
typedef struct mmuext_op mmuext_op_t;
DEFINE_XEN_GUEST_HANDLE(mmuext_op_t);
XEN_ABI_SIZE(struct mmuext_op, 24);
#endif

/* update_va_mapping(va, pte, flags): what to flush (bits 0-1) and where (rest: a flag or a vCPU
 * bitmap's address) */
#define UVMF_NONE                        (xen_mk_ulong(0) << 0)
#define UVMF_TLB_FLUSH                   (xen_mk_ulong(1) << 0)
#define UVMF_INVLPG                      (xen_mk_ulong(2) << 0)
#define UVMF_FLUSHTYPE_MASK              (xen_mk_ulong(3) << 0)
#define UVMF_MULTI                       (xen_mk_ulong(0) << 2) /* with the bitmap's address */
#define UVMF_LOCAL                       (xen_mk_ulong(0) << 2)
#define UVMF_ALL                         (xen_mk_ulong(1) << 2)

/* console_io(cmd, count, buffer): read returns the number of bytes */
#define CONSOLEIO_write                  0
#define CONSOLEIO_read                   1

/* vm_assist(cmd, type): -ENOSYS bad cmd, -EINVAL unknown type */
#define VMASST_CMD_enable                0
#define VMASST_CMD_disable               1

#define VMASST_TYPE_4gb_segments         0
#define VMASST_TYPE_4gb_segments_notify  1
#define VMASST_TYPE_writable_pagetables  2 /* emulate writes to read-only L1 tables */
#define VMASST_TYPE_pae_extended_cr3     3
#define VMASST_TYPE_architectural_iopl   4  /* IOPL in the guest's eflags counts */
#define VMASST_TYPE_runstate_update_flag 5  /* XEN_RUNSTATE_UPDATE is set while the area changes */
#define VMASST_TYPE_m2p_strict           32 /* no machine-to-physical table in user mode */
#if __XEN_INTERFACE_VERSION__ < 0x00040600
#define MAX_VMASST_TYPE 3
#endif

/* Domain ids from here up have a meaning, below they are domains. */
#define DOMID_FIRST_RESERVED xen_mk_uint(0x7FF0)
#define DOMID_SELF           xen_mk_uint(0x7FF0) /* the caller */
#define DOMID_IO             xen_mk_uint(0x7FF1) /* owner of MMIO frames */
#define DOMID_XEN            xen_mk_uint(0x7FF2) /* owner of the hypervisor's shared frames */
#define DOMID_COW            xen_mk_uint(0x7FF3)
#define DOMID_INVALID        xen_mk_uint(0x7FF4)
#define DOMID_IDLE           xen_mk_uint(0x7FFF)
#define DOMID_MASK           xen_mk_uint(0x7FFF)

#ifndef __ASSEMBLY__
typedef uint16_t domid_t;

struct mmu_update {
    uint64_t ptr; /* machine address | MMU_* */
    uint64_t val; /* new entry or pfn */
};
typedef struct mmu_update mmu_update_t;
DEFINE_XEN_GUEST_HANDLE(mmu_update_t);

/* multicall(list, count): all entries run in order, each with its own result; -EFAULT if the list
 * cannot be read */
struct multicall_entry {
    xen_ulong_t op, result;
    xen_ulong_t args[6];
};
typedef struct multicall_entry multicall_entry_t;
DEFINE_XEN_GUEST_HANDLE(multicall_entry_t);

/*
 * Clock of a vCPU. version is odd while the hypervisor writes; read it before and after.
 * ns since boot = system_time + ((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul / 2^32
 * (a negative shift goes right).
 */
struct vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
#if __XEN_INTERFACE_VERSION__ > 0x00040600
    uint8_t flags; /* XEN_PVCLOCK_* */
    uint8_t pad1[2];
#else
    int8_t pad1[3];
#endif
};
typedef struct vcpu_time_info vcpu_time_info_t;
#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0) /* the formula is monotonic across vCPUs */
#define XEN_PVCLOCK_GUEST_STOPPED  (1 << 1)

/*
 * Event state of a vCPU. The callback is entered when pending is set and mask clear. With 2-level
 * events a set bit n of pending_sel says that word n of shared_info.evtchn_pending has something.
 */
struct vcpu_info {
    uint8_t evtchn_upcall_pending;
    uint8_t evtchn_upcall_mask;
    xen_ulong_t evtchn_pending_sel;
    struct arch_vcpu_info arch;
    vcpu_time_info_t time;
};
typedef struct vcpu_info vcpu_info_t;

/* One page per domain, written by both sides; its machine address is in start_info. */
struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
    xen_ulong_t evtchn_pending[sizeof(xen_ulong_t) * 8];
    xen_ulong_t evtchn_mask[sizeof(xen_ulong_t) * 8];
    /* wall clock at system_time 0; version as in vcpu_time_info */
    uint32_t wc_version;
    uint32_t wc_sec;
    uint32_t wc_nsec;
    uint32_t wc_sec_hi;
#define xen_wc_sec_hi wc_sec_hi
    struct arch_shared_info arch;
};
typedef struct shared_info shared_info_t;

XEN_ABI_SIZE(struct mmu_update, 16);
XEN_ABI_SIZE(struct multicall_entry, 64);
XEN_ABI_SIZE(struct vcpu_time_info, 32);
XEN_ABI_OFFSET(struct vcpu_time_info, tsc_to_system_mul, 24);
XEN_ABI_SIZE(struct vcpu_info, 64);
XEN_ABI_OFFSET(struct vcpu_info, evtchn_pending_sel, 8);
XEN_ABI_OFFSET(struct vcpu_info, arch, 16);
XEN_ABI_OFFSET(struct vcpu_info, time, 32);
XEN_ABI_SIZE(struct shared_info, 3136);
XEN_ABI_OFFSET(struct shared_info, evtchn_pending, 2048);
XEN_ABI_OFFSET(struct shared_info, evtchn_mask, 2560);
XEN_ABI_OFFSET(struct shared_info, wc_version, 3072);
XEN_ABI_OFFSET(struct shared_info, arch, 3088);

/*
 * The page in rsi at a PV guest's first instruction. Machine addresses and frames are of the
 * running machine and change over save and restore.
 */
#define MAX_GUEST_CMDLINE 1024
struct start_info {
    char magic[32]; /* "xen-3.0-x86_64", dom0 with a 'p' appended */
    unsigned long nr_pages;
    unsigned long shared_info; /* machine address */
    uint32_t flags;            /* SIF_* */
    xen_pfn_t store_mfn;       /* XenStore ring; 0 in dom0, which makes its own */
    uint32_t store_evtchn;
    union {
        struct {
            xen_pfn_t mfn;
            uint32_t evtchn;
        } domU;
        struct {
            uint32_t info_off; /* of dom0_vga_console_info, from the start of this page; bytes */
            uint32_t info_size;
        } dom0;
    } console;
    unsigned long pt_base; /* virtual address of the L4 */
    unsigned long nr_pt_frames;
    unsigned long mfn_list;  /* virtual address of the pfn to mfn list */
    unsigned long mod_start; /* initrd: virtual address, or pfn with SIF_MOD_START_PFN */
    unsigned long mod_len;   /* bytes */
    int8_t cmd_line[MAX_GUEST_CMDLINE];
    unsigned long first_p2m_pfn; /* pages of the list, when the INIT_P2M note moved it */
    unsigned long nr_p2m_frames;
};
typedef struct start_info start_info_t;
#if __XEN_INTERFACE_VERSION__ < 0x00030203
#define console_mfn    console.domU.mfn
#define console_evtchn console.domU.evtchn
#endif

XEN_ABI_SIZE(struct start_info, 1168);
XEN_ABI_OFFSET(struct start_info, flags, 48);
XEN_ABI_OFFSET(struct start_info, store_mfn, 56);
XEN_ABI_OFFSET(struct start_info, console, 72);
XEN_ABI_OFFSET(struct start_info, pt_base, 88);
XEN_ABI_OFFSET(struct start_info, mod_start, 112);
XEN_ABI_OFFSET(struct start_info, cmd_line, 128);
XEN_ABI_OFFSET(struct start_info, first_p2m_pfn, 1152);
#endif

#define SIF_PRIVILEGED      (1 << 0) /* may make hypercalls of dom0 */
#define SIF_INITDOMAIN      (1 << 1) /* is dom0 */
#define SIF_MULTIBOOT_MOD   (1 << 2) /* mod_start points to a list of xen_multiboot_mod_list */
#define SIF_MOD_START_PFN   (1 << 3)
#define SIF_VIRT_P2M_4TOOLS (1 << 4) /* tools can use arch_shared_info.p2m_cr3 */
#define SIF_PM_MASK                                                              \
    (0xFF << 8) /* power management that dom0 drives: bit 8 C-states, 9 P-states \
                 */

#ifndef __ASSEMBLY__
struct xen_multiboot_mod_list {
    uint32_t mod_start; /* first byte */
    uint32_t mod_end;   /* last byte + 1 */
    uint32_t cmdline;
    uint32_t pad;
};

/* Video state that dom0 takes over; lies behind start_info. The size says how many members are
 * there. */
typedef struct dom0_vga_console_info {
    uint8_t video_type;
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70
    union {
        struct {
            uint16_t font_height;        /* pixels */
            uint16_t cursor_x, cursor_y; /* characters */
            uint16_t rows, columns;
        } text_mode_3;
        struct {
            uint16_t width, height; /* pixels */
            uint16_t bytes_per_line;
            uint16_t bits_per_pixel;
            uint32_t lfb_base;
            uint32_t lfb_size; /* units of 64 KiB */
            uint8_t red_pos, red_size;
            uint8_t green_pos, green_size;
            uint8_t blue_pos, blue_size;
            uint8_t rsvd_pos, rsvd_size;
            uint32_t gbl_caps; /* from here on: if the size says so */
            uint16_t mode_attrs;
            uint16_t pad;
            uint32_t ext_lfb_base; /* bits 32-63 of the base */
        } vesa_lfb;
    } u;
} dom0_vga_console_info_t;
#define xen_vga_console_info   dom0_vga_console_info
#define xen_vga_console_info_t dom0_vga_console_info_t

XEN_ABI_SIZE(struct xen_multiboot_mod_list, 16);
XEN_ABI_SIZE(struct dom0_vga_console_info, 40);

typedef uint8_t xen_domain_handle_t[16]; /* UUID */

typedef struct {
    uint8_t a[16];
} xen_uuid_t;
#define XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6)                                 \
    {                                                                                        \
        {                                                                                    \
            ((a) >> 24) & 0xFF, ((a) >> 16) & 0xFF, ((a) >> 8) & 0xFF, (a)&0xFF,             \
                ((b) >> 8) & 0xFF, (b)&0xFF, ((c) >> 8) & 0xFF, (c)&0xFF, ((d) >> 8) & 0xFF, \
                (d)&0xFF, e1, e2, e3, e4, e5, e6                                             \
        }                                                                                    \
    }
/* xen_uuid_t from its text form: 32, 16, 16 and 16 bits, then six bytes */
#define XEN_DEFINE_UUID(a, b, c, d, e1, e2, e3, e4, e5, e6) \
    ((xen_uuid_t)XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6))
XEN_ABI_SIZE(xen_uuid_t, 16);

#if defined(__XEN__) || defined(__XEN_TOOLS__)
/* the same layout for 32- and 64-bit tools: natural here */
#define int64_aligned_t           int64_t
#define uint64_aligned_t          uint64_t
#define XEN_GUEST_HANDLE_64(name) XEN_GUEST_HANDLE(name)

/* A bitmap in the caller's memory: bytes, least significant bit first; nr_bits is its capacity. */
struct xenctl_bitmap {
    XEN_GUEST_HANDLE_64(uint8) bitmap;
    uint32_t nr_bits;
};
typedef struct xenctl_bitmap xenctl_bitmap_t;
XEN_ABI_SIZE(struct xenctl_bitmap, 16);
#endif
#endif

#endif
