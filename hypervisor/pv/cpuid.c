/* SPDX-License-Identifier: MIT
 *
 * What guests see of the CPU (AMD64 APM vol. 3, appendix D and E). A policy is
 * a list of CPUID records. The host's is read at boot; the PV policy is the host's with each
 * feature word cut to an allowance: instructions that work at CPL 3 unaided, and what the
 * hypervisor emulates. So a new CPU's features stay hidden until somebody has thought about them.
 *
 * Guests ask by forced emulation, which answers from the policy. Native CPUID (user space, early
 * boot) is not intercepted: it shows the hardware. Fixed after boot; a domain's own policy is set
 * before its vCPUs run.
 */
#include <xen/sysctl.h>
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "mm/guest_copy.h"
#include "mm/page_alloc.h"
#include "pv/pv.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/time.h"

#define MAX_LEAVES   96u
#define MAX_BASIC    0xdu
#define MAX_EXTENDED 0x80000008u
#define XEN_BASE     0x40000000u
#define XEN_LAST     0x40000005u
#define NO_SUB       XEN_CPUID_NO_SUBLEAF

#define XCR0_AVX     (1ul << 2)
#define XCR0_AVX512  (7ul << 5)
#define XCR0_ALLOWED (7ul | XCR0_AVX512) /* x87, SSE, AVX, AVX-512 */

struct policy {
    unsigned nr;
    struct xen_cpuid_leaf leaf[MAX_LEAVES];
};

static struct policy host, pv;

enum reg { A, B, C, D };

static uint32_t *reg_of(struct xen_cpuid_leaf *l, enum reg r)
{
    return r == A ? &l->a : r == B ? &l->b : r == C ? &l->c : &l->d;
}

/* The words that say features, in the order of a featureset; what a PV guest may have of each. */
#define BIT(n) (1u << (n))
static const struct {
    uint32_t leaf, sub;
    enum reg reg;
    uint32_t allowed;
    uint32_t needs_avx, needs_avx512; /* of the allowed ones */
} words[CPU_FEATURE_WORDS] = {
    /* FPU DE TSC MSR PAE MCE CX8 APIC SEP MCA CMOV PAT CLFSH MMX FXSR SSE SSE2 HTT */
    {1, NO_SUB, D, 0x1789cbf5u, 0, 0},
    /* SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
    {1, NO_SUB, C,
     BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) |
         BIT(25) | BIT(26) | BIT(28) | BIT(29) | BIT(30),
     BIT(12) | BIT(28) | BIT(29), 0},
    /* AMD's copies of leaf 1's, SYSCALL NX MMXEXT RDTSCP LM 3DNOWEXT 3DNOW */
    {0x80000001u, NO_SUB, D,
     0x0181c3f5u | BIT(11) | BIT(20) | BIT(22) | BIT(27) | BIT(29) | BIT(30) | BIT(31), 0, 0},
    /* LAHF CMP_LEGACY ABM SSE4A MISALIGNSSE 3DNOWPREFETCH XOP FMA4 TBM */
    {0x80000001u, NO_SUB, C,
     BIT(0) | BIT(1) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(11) | BIT(16) | BIT(21),
     BIT(11) | BIT(16), 0},
    {0xd, 1, A, BIT(0) | BIT(1) | BIT(2), 0, 0}, /* XSAVEOPT XSAVEC XGETBV1 */
    /* BMI1 AVX2 FDP BMI2 ERMS NO_FPU_SEL RDSEED ADX CLFLUSHOPT CLWB SHA and AVX512* */
    {7, 0, B,
     BIT(3) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | BIT(13) | BIT(16) | BIT(17) | BIT(18) | BIT(19) |
         BIT(21) | BIT(23) | BIT(24) | BIT(26) | BIT(27) | BIT(28) | BIT(29) | BIT(30) | BIT(31),
     BIT(5), BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31)},
    /* PREFETCHWT1 GFNI VAES VPCLMUL RDPID MOVDIRI MOVDIR64B and AVX512_* */
    {7, 0, C,
     BIT(0) | BIT(1) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(14) | BIT(22) |
         BIT(27) | BIT(28),
     BIT(9) | BIT(10), BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14)},
    {0x80000007u, NO_SUB, D, 0, 0, 0},               /* invariant TSC: see guest_cpuid() */
    {0x80000008u, NO_SUB, B, BIT(0) | BIT(2), 0, 0}, /* CLZERO RSTR_FP_ERR_PTRS */
    {7, 0, D, BIT(2) | BIT(3) | BIT(4) | BIT(8) | BIT(10) | BIT(14), 0,
     BIT(2) | BIT(3) | BIT(8)}, /* FSRM MD_CLEAR SERIALIZE, AVX512 */
    {7, 1, A, BIT(4) | BIT(5) | BIT(10) | BIT(11) | BIT(12), BIT(4), BIT(5)}, /* AVX_VNNI FSRS.. */
    {0x80000021u, NO_SUB, A, 0, 0, 0},
    {7, 1, B, 0, 0, 0},
    {7, 2, D, 0, 0, 0},
    {7, 1, C, 0, 0, 0},
    {7, 1, D, 0, 0, 0},
    {NO_SUB, 0, A, 0, 0, 0}, /* ARCH_CAPABILITIES, low and high: the MSR is not there */
    {NO_SUB, 0, A, 0, 0, 0},
    {0x80000021u, NO_SUB, C, 0, 0, 0},
};

/* ---- policies ---- */

static struct xen_cpuid_leaf *find(struct policy *p, uint32_t leaf, uint32_t sub)
{
    for (unsigned i = 0; i < p->nr; i++)
        if (p->leaf[i].leaf == leaf && (p->leaf[i].subleaf == NO_SUB || p->leaf[i].subleaf == sub))
            return &p->leaf[i];
    return NULL;
}

static void add_host(uint32_t leaf, uint32_t sub)
{
    uint32_t out[4];

    if (host.nr == MAX_LEAVES)
        return;
    cpuid(leaf, sub == NO_SUB ? 0 : sub, out);
    host.leaf[host.nr++] = (struct xen_cpuid_leaf){leaf, sub, out[0], out[1], out[2], out[3]};
}

/* Subleaf 0xd has a record for each component of XCR0 behind the first two. */
static void add_host_basic(uint32_t leaf)
{
    static const uint8_t subleaves[MAX_BASIC + 1] = {[4] = 4, [7] = 2, [0xb] = 2, [0xd] = 32};
    uint32_t out[4];

    cpuid(0xd, 0, out);
    if (!subleaves[leaf])
        add_host(leaf, NO_SUB);
    for (unsigned i = 0; i < subleaves[leaf]; i++)
        if (leaf != 0xd || i < 2 || out[0] >> i & 1)
            add_host(leaf, i);
}

static void read_host(void)
{
    uint32_t out[4];

    cpuid(0, 0, out);
    for (uint32_t leaf = 0; leaf <= min(out[0], MAX_BASIC); leaf++)
        add_host_basic(leaf);
    cpuid(0x80000000u, 0, out);
    for (uint32_t leaf = 0x80000000u; leaf <= min(out[0], MAX_EXTENDED); leaf++)
        add_host(leaf, NO_SUB);
}

static uint32_t word_allowed(unsigned w)
{
    uint32_t bits = words[w].allowed;
    if (!(cpu.host_xcr0 & XCR0_AVX))
        bits &= ~words[w].needs_avx;
    if ((cpu.host_xcr0 & XCR0_AVX512) != XCR0_AVX512)
        bits &= ~words[w].needs_avx512;
    return bits;
}

/* Leaf 0xd for the components that guests may enable. */
static void trim_xsave(struct policy *p)
{
    uint64_t xcr0 = cpu.xsave ? cpu.host_xcr0 & XCR0_ALLOWED : 0;

    for (unsigned i = 0; i < p->nr; i++) {
        struct xen_cpuid_leaf *l = &p->leaf[i];
        if (l->leaf != 0xd)
            continue;
        if (l->subleaf == 0) {
            l->a = (uint32_t)xcr0;
            l->b = l->c = xcr0 ? cpu.xsave_size : 0;
            l->d = (uint32_t)(xcr0 >> 32);
        } else if (l->subleaf == 1) {
            l->b = l->c = l->d = 0; /* no supervisor states */
        } else if (!(xcr0 >> l->subleaf & 1)) {
            l->a = l->b = l->c = l->d = 0;
        }
    }
}

/* Leaves that say how the machine is built or powered, or counts of what guests have not. */
static void clear_private(struct policy *p)
{
    static const uint32_t hidden[] = {3, 5, 6, 9, 0xa, 0xb};
    for (unsigned i = 0; i < p->nr; i++)
        for (unsigned k = 0; k < ARRAY_SIZE(hidden); k++)
            if (p->leaf[i].leaf == hidden[k])
                p->leaf[i].a = p->leaf[i].b = p->leaf[i].c = p->leaf[i].d = 0;
}

/* Cuts a policy to what a PV guest may have on this machine. */
static void trim(struct policy *p)
{
    struct xen_cpuid_leaf *l;

    for (unsigned w = 0; w < CPU_FEATURE_WORDS; w++) {
        struct xen_cpuid_leaf *max = find(&host, words[w].leaf, words[w].sub);
        l = find(p, words[w].leaf, words[w].sub);
        if (l && max)
            *reg_of(l, words[w].reg) &= word_allowed(w) & *reg_of(max, words[w].reg);
    }
    l = find(p, 1, 0);
    if (l) {
        l->b &= 0x00ffffffu; /* no APIC id */
        l->c |= BIT(31);     /* a hypervisor is there */
        if (!cpu.xsave)
            l->c &= ~(BIT(26) | BIT(28) | BIT(29) | BIT(12));
    }
    l = find(p, 0x80000001u, 0);
    if (l) {
        l->d |= BIT(11); /* SYSCALL, also where the CPU hides it outside 64-bit mode */
        if (!cpu.nx)
            l->d &= ~BIT(20);
        if (!cpu.rdtscp)
            l->d &= ~BIT(27);
    }
    l = find(p, 0x80000008u, 0);
    if (l)
        l->c = l->d = 0;
    l = find(p, 7, 0);
    if (l)
        l->a = min(l->a, 1u);
    trim_xsave(p);
    clear_private(p);
}

void cpu_policy_init(void)
{
    struct xen_cpuid_leaf *l;

    host.nr = 0;
    read_host();
    pv = host;
    trim(&pv);
    l = find(&pv, 0, 0);
    if (l)
        l->a = min(l->a, MAX_BASIC);
    l = find(&pv, 0x80000000u, 0);
    if (l)
        l->a = min(l->a, MAX_EXTENDED);
}

/* ---- what a guest gets ---- */

static struct policy *policy_of(const struct domain *d)
{
    return d->cpu_policy ? d->cpu_policy : &pv;
}

static void xen_leaf(const struct vcpu *v, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    switch (leaf - XEN_BASE) {
    case 0:
        out[0] = XEN_LAST;
        out[1] = 0x566e6558; /* "XenVMMXenVMM" */
        out[2] = 0x65584d4d;
        out[3] = 0x4d4d566e;
        break;
    case 1:
        out[0] = 4 << 16 | 17;
        break;
    case 2:
        out[0] = 1;        /* hypercall pages */
        out[1] = XEN_BASE; /* MSR that fills them */
        out[2] = 1;        /* MMU_PT_UPDATE_PRESERVE_AD */
        break;
    case 3:
        if (sub == 0) {
            out[0] = (cpu.tsc_invariant ? 2 : 0) | (cpu.rdtscp ? 4 : 0);
            out[1] = v->d->tsc_mode;
            out[2] = tsc_khz;
        } else if (sub == 2) {
            out[0] = tsc_khz;
        }
        break;
    case 5:
        out[1] = cpu.phys_bits; /* width of machine addresses: chooses grant version 1 up to 44 */
        break;
    }
}

/* Size of the standard-format area for the components of xcr0. */
static uint32_t xsave_bytes(struct policy *p, uint64_t xcr0)
{
    uint32_t size = 576;
    for (unsigned i = 2; i < 32; i++) {
        const struct xen_cpuid_leaf *l = xcr0 >> i & 1 ? find(p, 0xd, i) : NULL;
        if (l)
            size = max(size, l->a + l->b);
    }
    return size;
}

/* What depends on the vCPU's state. */
static void live_bits(struct vcpu *v, uint32_t leaf, uint32_t sub, bool forced, uint32_t out[4])
{
    if (leaf == 1 && out[C] & BIT(26) && ((forced && v->kernel_mode) || v->cr4 & CR4_OSXSAVE))
        out[C] |= BIT(27); /* kernels look for OSXSAVE before they set CR4 */
    if (leaf == 0xd && sub == 0 && out[A])
        out[B] = xsave_bytes(policy_of(v->d), v->xcr0);
    if (leaf == 0x80000007u && v->d->privileged && cpu.tsc_invariant)
        out[D] |= BIT(8); /* dom0 does not move to another machine */
}

void guest_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, bool forced, uint32_t out[4])
{
    struct policy *p = policy_of(v->d);
    const struct xen_cpuid_leaf *l, *last;

    memset(out, 0, 4 * sizeof(out[0]));
    if (leaf >= XEN_BASE && leaf <= XEN_LAST) {
        xen_leaf(v, leaf, sub, out);
        return;
    }
    last = find(p, leaf & 0x80000000u, 0);
    l = find(p, leaf, sub);
    if (!l || !last || leaf > last->a)
        return;
    out[A] = l->a;
    out[B] = l->b;
    out[C] = l->c;
    out[D] = l->d;
    live_bits(v, leaf, sub, forced, out);
}

bool guest_has_feature(const struct domain *d, unsigned leaf, unsigned reg, unsigned bit)
{
    struct xen_cpuid_leaf *l = find(policy_of(d), leaf, 0);
    return l && *reg_of(l, (enum reg)reg) >> bit & 1;
}

/* ---- what tools get ---- */

static int system_policy(unsigned index, struct policy **p)
{
    switch (index) {
    case XEN_SYSCTL_cpu_policy_raw:
    case XEN_SYSCTL_cpu_policy_host:
        *p = &host;
        return 0;
    case XEN_SYSCTL_cpu_policy_pv_max:
    case XEN_SYSCTL_cpu_policy_pv_default:
        *p = &pv;
        return 0;
    case XEN_SYSCTL_cpu_policy_hvm_max:
    case XEN_SYSCTL_cpu_policy_hvm_default:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

long cpu_policy_to_guest(const struct domain *d, unsigned index, guest_va_t leaves,
                         uint32_t *nr_leaves, uint32_t *nr_msrs)
{
    struct policy *p = d ? policy_of(d) : NULL;
    int rc = d ? 0 : system_policy(index, &p);
    uint32_t room = *nr_leaves;

    if (rc)
        return rc;
    *nr_leaves = leaves.v ? p->nr : MAX_LEAVES;
    *nr_msrs = leaves.v ? 0 : 1; /* room for one: tools do not like an array of none */
    if (!leaves.v)
        return 0;
    return room < p->nr ? -ENOBUFS : copy_to_guest(leaves, p->leaf, p->nr * sizeof(p->leaf[0]));
}

/* Records that a policy may have, whether or not this machine has something to say there. */
static bool leaf_known(const struct xen_cpuid_leaf *l)
{
    if (l->leaf == XEN_BASE || l->leaf == XEN_BASE + 0x100)
        return true;
    return l->leaf <= 0x1f || (l->leaf >= 0x80000000u && l->leaf <= 0x8000003fu);
}

/* Takes one record over; what is derived from the machine stays ours. */
static int set_leaf(struct policy *p, const struct xen_cpuid_leaf *in)
{
    struct xen_cpuid_leaf *l = find(p, in->leaf, in->subleaf);
    bool last = in->leaf == 0 || in->leaf == 0x80000000u;

    if (!leaf_known(in))
        return -ERANGE;
    if (last && (!l || in->a > max(l->a, in->leaf)))
        return -EINVAL;
    if (!l)
        return 0;
    switch (in->leaf) {
    case 4:
    case 0xd:
        break;
    default:
        *l = (struct xen_cpuid_leaf){l->leaf, l->subleaf, in->a, in->b, in->c, in->d};
    }
    return 0;
}

static int read_policy(struct policy *p, struct xen_domctl_cpu_policy *op)
{
    struct xen_cpuid_leaf l;
    struct xen_msr_entry m;

    for (uint32_t i = 0; i < op->nr_leaves; i++) {
        guest_va_t at = guest_va_at(guest_va((uint64_t)op->leaves.p), i, sizeof(l));
        int rc = copy_from_guest(&l, at, sizeof(l)) ? -EFAULT : set_leaf(p, &l);
        if (rc) {
            op->err_leaf = l.leaf;
            op->err_subleaf = l.subleaf;
            return rc;
        }
    }
    for (uint32_t i = 0; i < op->nr_msrs; i++) {
        if (copy_from_guest(&m, guest_va_at(guest_va((uint64_t)op->msrs.p), i, sizeof(m)),
                            sizeof(m)))
            return -EFAULT;
        if (m.flags || m.val) { /* no MSR of a policy has anything to offer */
            op->err_msr = m.idx;
            return -EINVAL;
        }
    }
    return 0;
}

int cpu_policy_set(struct domain *d, struct xen_domctl_cpu_policy *op)
{
    struct policy *p = hv_alloc(sizeof(*p));
    int rc = -ENOMEM;

    op->err_leaf = op->err_subleaf = op->err_msr = ~0u;
    if (p) {
        *p = pv;
        rc = read_policy(p, op);
    }
    if (!rc) { /* commit */
        void *old = d->cpu_policy;
        trim(p);
        d->cpu_policy = p;
        p = old;
    }
    hv_free(p);
    return rc;
}

int cpu_featureset(unsigned index, uint32_t out[CPU_FEATURE_WORDS])
{
    struct policy *p;

    if (index == XEN_SYSCTL_cpu_featureset_hvm || index == XEN_SYSCTL_cpu_featureset_hvm_max)
        return -EOPNOTSUPP;
    if (index > XEN_SYSCTL_cpu_featureset_hvm_max)
        return -EINVAL;
    p = index <= XEN_SYSCTL_cpu_featureset_host ? &host : &pv;
    for (unsigned w = 0; w < CPU_FEATURE_WORDS; w++) {
        struct xen_cpuid_leaf *l = find(p, words[w].leaf, words[w].sub);
        out[w] = l ? *reg_of(l, words[w].reg) : 0;
    }
    return 0;
}
