/* SPDX-License-Identifier: MIT
 *
 * grant_table_op (ABI: grant_table.h): one operation on an array of elements, each with its own
 * status, continued in the middle when it takes long; and the operations on tables as a whole.
 */
#include "comms/grant_private.h"
#include "hypercall.h"
#include "mm/guest_copy.h"
#include "x86/hvmap.h"

/* ---- operations on the table ---- */

/* The domain an operation on a table is about; NULL and its status. */
static struct domain *table_domain(struct hcall *c, domid_t id, long *status)
{
    int err;
    struct domain *d = domain_get_for(c->d, id, &err);
    *status = d ? GNTST_okay : err == -EPERM ? GNTST_permission_denied : GNTST_bad_domain;
    return d;
}

static int16_t list_frames(struct domain *d, uint32_t nr, guest_va_t to)
{
    for (uint32_t i = 0; i < nr; i++) {
        xen_pfn_t m = va_to_mfn(d->grant->shared[i]).v; /* frames never go */
        if (copy_to_guest(guest_va_at(to, i, sizeof(m)), &m, sizeof(m)))
            return GNTST_bad_virt_addr;
    }
    return GNTST_okay;
}

static long gnttab_setup_table(struct hcall *c, void *elem, struct gnttab_call *)
{
    struct gnttab_setup_table *op = elem;
    long status;
    struct domain *d PUT_AT_END = table_domain(c, op->dom, &status);

    if (!d)
        return status;
    spin_lock(&d->grant->lock);
    status = domain_is_dying(d) ? GNTST_general_error : grant_grow(d, op->nr_frames);
    spin_unlock(&d->grant->lock);
    if (status == GNTST_okay)
        status = list_frames(d, op->nr_frames, guest_va((uint64_t)op->frame_list.p));
    return status;
}

static long gnttab_query_size(struct hcall *c, void *elem, struct gnttab_call *)
{
    struct gnttab_query_size *op = elem;
    long status;
    struct domain *d PUT_AT_END = table_domain(c, op->dom, &status);

    if (d) {
        op->nr_frames = READ_ONCE(d->grant->nr_frames);
        op->max_nr_frames = d->grant->max_frames;
    }
    return status;
}

/* Giving frames away for good is of the first guests' time, and nobody may rely on it any more;
 * status frames are version 2's. */
static long gnttab_refuse(struct hcall *, void *, struct gnttab_call *)
{
    return GNTST_general_error;
}

static long gnttab_set_version(struct hcall *, void *elem, struct gnttab_call *)
{
    struct gnttab_set_version *op = elem;
    if (op->version == 1)
        return 0;
    return op->version == 2 ? -ENOSYS : -EINVAL;
}

static long gnttab_get_version(struct hcall *c, void *elem, struct gnttab_call *)
{
    struct gnttab_get_version *op = elem;
    int err;
    struct domain *d PUT_AT_END = domain_get_for(c->d, op->dom, &err);

    if (!d)
        return err;
    op->version = 1;
    return 0;
}

static long gnttab_swap_grant_ref(struct hcall *c, void *elem, struct gnttab_call *)
{
    struct gnttab_swap_grant_ref *op = elem;
    struct grant_table *t = c->d->grant;
    long status;

    spin_lock(&t->lock);
    status = grant_swap(t, op->ref_a, op->ref_b);
    spin_unlock(&t->lock);
    return status;
}

static long gnttab_dump_table(struct hcall *c, void *elem, struct gnttab_call *)
{
    struct gnttab_dump_table *op = elem;
    long status;
    struct domain *d PUT_AT_END = table_domain(c, op->dom, &status);

    if (d)
        grant_dump(d);
    return status;
}

/* ---- the hypercall ---- */

#define S(type) sizeof(struct type), offsetof(struct type, status)

/* cache_flush is for machines whose devices do not snoop: x86 has none. */
static const struct {
    gnttab_fn *fn;
    size_t size, status; /* of an element; where in it the status goes, 0: nowhere */
} gnttab_ops[] = {
    [GNTTABOP_map_grant_ref] = {gnttab_map_grant_ref, S(gnttab_map_grant_ref)},
    [GNTTABOP_unmap_grant_ref] = {gnttab_unmap_grant_ref, S(gnttab_unmap_grant_ref)},
    [GNTTABOP_setup_table] = {gnttab_setup_table, S(gnttab_setup_table)},
    [GNTTABOP_dump_table] = {gnttab_dump_table, S(gnttab_dump_table)},
    [GNTTABOP_transfer] = {gnttab_refuse, S(gnttab_transfer)},
    [GNTTABOP_copy] = {gnttab_copy, S(gnttab_copy)},
    [GNTTABOP_query_size] = {gnttab_query_size, S(gnttab_query_size)},
    [GNTTABOP_unmap_and_replace] = {gnttab_unmap_and_replace, S(gnttab_unmap_and_replace)},
    [GNTTABOP_set_version] = {gnttab_set_version, sizeof(struct gnttab_set_version), 0},
    [GNTTABOP_get_status_frames] = {gnttab_refuse, S(gnttab_get_status_frames)},
    [GNTTABOP_get_version] = {gnttab_get_version, sizeof(struct gnttab_get_version), 0},
    [GNTTABOP_swap_grant_ref] = {gnttab_swap_grant_ref, S(gnttab_swap_grant_ref)},
};
#define MAX_ELEM sizeof(struct gnttab_copy)

/* One element; c->a[1] and a[2] move on when it is done. */
static long one_element(struct hcall *c, unsigned cmd, struct gnttab_call *call)
{
    uint64_t elem[MAX_ELEM / 8];
    size_t size = gnttab_ops[cmd].size;
    guest_va_t at = guest_va(c->a[1]);
    long rc;

    if (copy_from_guest(elem, at, size))
        return -EFAULT;
    rc = gnttab_ops[cmd].fn(c, elem, call);
    if (gnttab_ops[cmd].status) {
        *(int16_t *)((char *)elem + gnttab_ops[cmd].status) = (int16_t)rc;
        rc = 0;
    }
    if (!rc && copy_to_guest(at, elem, size))
        rc = -EFAULT;
    c->a[1] += size;
    c->a[2]--;
    return rc;
}

long do_grant_table_op(struct hcall *c, void *)
{
    uint32_t cmd = (uint32_t)c->a[0];
    struct gnttab_call call = {.nr = 0};
    long rc = 0;

    if (cmd == GNTTABOP_cache_flush)
        return -EOPNOTSUPP;
    if (cmd == GNTTABOP_dump_table && !c->d->privileged)
        return -EPERM;
    if (cmd >= ARRAY_SIZE(gnttab_ops) || !gnttab_ops[cmd].fn)
        return -ENOSYS;
    c->a[2] = (uint32_t)c->a[2];
    if (c->a[2] > INT32_MAX)
        return -EINVAL;
    while (!rc && c->a[2]) {
        rc = one_element(c, cmd, &call);
        if (call.nr == UNMAP_BATCH)
            gnttab_finish(c->d, &call);
        if (!rc && c->a[2] && hcall_out_of_budget(c))
            rc = -ERESTART;
    }
    gnttab_finish(c->d, &call);
    return rc;
}
