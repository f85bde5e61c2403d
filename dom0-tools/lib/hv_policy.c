/* SPDX-License-Identifier: MIT */
/*
 * hv_policy: CPUID leaves and MSRs that domains see (sysctl and domctl cpu_policy). See hv.h.
 *
 * Our structs have the ABI's own layout, so arrays are passed as they are.
 */
#include "dom0-tools/lib/hv_private.h"

#include <string.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

_Static_assert(sizeof(struct hv_cpuid_leaf) == 24, "CPUID leaf");
_Static_assert(sizeof(struct hv_msr) == 16, "MSR");

/* Hypercall buffers for both arrays. */
struct policy_buffers {
    void *leaves, *msrs;
    size_t leaves_size, msrs_size;
};

static void policy_free(struct hv *hv, struct policy_buffers *b)
{
    hv_buf_free(hv, b->leaves, b->leaves_size);
    hv_buf_free(hv, b->msrs, b->msrs_size);
}

/* Sizes of 0 leave the pointer NULL. */
static int policy_alloc(struct hv *hv, struct policy_buffers *b, size_t leaves, size_t msrs)
{
    *b = (struct policy_buffers){
        .leaves_size = leaves * sizeof(struct hv_cpuid_leaf),
        .msrs_size = msrs * sizeof(struct hv_msr),
    };
    if (leaves)
        b->leaves = hv_buf(hv, b->leaves_size);
    if (msrs)
        b->msrs = hv_buf(hv, b->msrs_size);
    if ((leaves && !b->leaves) || (msrs && !b->msrs)) {
        policy_free(hv, b);
        return -1;
    }
    return 0;
}

int hv_get_system_cpu_policy(struct hv *hv, unsigned which, struct hv_cpuid_leaf *leaves,
                             uint32_t *n_leaves, struct hv_msr *msrs, uint32_t *n_msrs)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_get_cpu_policy};
    struct xen_sysctl_cpu_policy *p = &op.u.cpu_policy;
    struct policy_buffers b;
    int result;

    if (policy_alloc(hv, &b, leaves ? *n_leaves : 0, msrs ? *n_msrs : 0) < 0)
        return -1;
    p->index = which;
    p->nr_leaves = leaves ? *n_leaves : 0;
    p->nr_msrs = msrs ? *n_msrs : 0;
    set_xen_guest_handle(p->leaves, b.leaves);
    set_xen_guest_handle(p->msrs, b.msrs);
    result = hv_sysctl(hv, &op);
    if (result >= 0) {
        if (b.leaves)
            memcpy(leaves, b.leaves, b.leaves_size);
        if (b.msrs)
            memcpy(msrs, b.msrs, b.msrs_size);
        *n_leaves = p->nr_leaves;
        *n_msrs = p->nr_msrs;
    }
    policy_free(hv, &b);
    return result;
}

int hv_get_cpu_featureset(struct hv *hv, unsigned which, uint32_t *words, uint32_t *n)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_get_cpu_featureset};
    size_t size = *n * sizeof(*words);
    uint32_t *buf = words && *n ? hv_buf(hv, size) : NULL;
    int result;

    if (words && *n && !buf)
        return -1;
    op.u.cpu_featureset.index = which;
    op.u.cpu_featureset.nr_features = buf ? *n : 0;
    set_xen_guest_handle(op.u.cpu_featureset.features, buf);
    result = hv_sysctl(hv, &op);
    if (result >= 0) {
        if (buf)
            memcpy(words, buf, size);
        *n = op.u.cpu_featureset.nr_features;
    }
    hv_buf_free(hv, buf, size);
    return result;
}

int hv_set_cpu_policy(struct hv *hv, uint16_t domid, const struct hv_cpuid_leaf *leaves,
                      uint32_t n_leaves, const struct hv_msr *msrs, uint32_t n_msrs,
                      struct hv_policy_error *bad)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_set_cpu_policy, .domain = domid};
    struct xen_domctl_cpu_policy *p = &op.u.cpu_policy;
    struct policy_buffers b;
    int result;

    if (policy_alloc(hv, &b, n_leaves, n_msrs) < 0)
        return -1;
    if (n_leaves)
        memcpy(b.leaves, leaves, b.leaves_size);
    if (n_msrs)
        memcpy(b.msrs, msrs, b.msrs_size);
    p->nr_leaves = n_leaves;
    p->nr_msrs = n_msrs;
    set_xen_guest_handle(p->leaves, b.leaves);
    set_xen_guest_handle(p->msrs, b.msrs);
    p->err_leaf = p->err_subleaf = p->err_msr = UINT32_MAX;
    result = hv_domctl(hv, &op);
    if (bad)
        *bad = (struct hv_policy_error){p->err_leaf, p->err_subleaf, p->err_msr};
    policy_free(hv, &b);
    return result;
}

int hv_get_cpu_policy(struct hv *hv, uint16_t domid, struct hv_cpuid_leaf *leaves,
                      uint32_t *n_leaves, struct hv_msr *msrs, uint32_t *n_msrs)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_get_cpu_policy, .domain = domid};
    struct xen_domctl_cpu_policy *p = &op.u.cpu_policy;
    struct policy_buffers b;
    int result;

    if (policy_alloc(hv, &b, *n_leaves, *n_msrs) < 0)
        return -1;
    p->nr_leaves = *n_leaves;
    p->nr_msrs = *n_msrs;
    set_xen_guest_handle(p->leaves, b.leaves);
    set_xen_guest_handle(p->msrs, b.msrs);
    result = hv_domctl(hv, &op);
    if (result >= 0) {
        memcpy(leaves, b.leaves, b.leaves_size);
        memcpy(msrs, b.msrs, b.msrs_size);
        *n_leaves = p->nr_leaves;
        *n_msrs = p->nr_msrs;
    }
    policy_free(hv, &b);
    return result;
}
