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
static struct domain *table_domain(struct hcall *c, domid_t id, int16_t *status)
{
    int err;
    struct domain *d = domain_get_for(c->d, id, &err);
    if (!d)
        *status = err == -EPERM ? GNTST_permission_denied : GNTST_bad_domain;
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
    struct domain *d = table_domain(c, op->dom, &op->status);

    if (!d)
        return 0;
    spin_lock(&d->grant->lock);
    op->status = domain_is_dying(d) ? GNTST_general_error : grant_grow(d, op->nr_frames);
    spin_unlock(&d->grant->lock);
    if (op->status == GNTST_okay)
        op->status = list_frames(d, op->nr_frames, guest_va((uint64_t)op->frame_list.p));
    domain_put(d);
    return 0;
}

static long gnttab_query_size(struct hcall *c, void *elem, struct gnttab_call *)
{
    struct gnttab_query_size *op = elem;
    struct domain *d = table_domain(c, op->dom, &op->status);

    if (!d)
        return 0;
    op->nr_frames = READ_ONCE(d->grant->nr_frames);
    op->max_nr_frames = d->grant->max_frames;
    op->status = GNTST_okay;
    domain_put(d);
    return 0;
}

/* Giving frames away for good is of the first guests' time; nobody may rely on it any more. */
static long gnttab_transfer(struct hcall *, void *elem, struct gnttab_call *)
{
    struct gnttab_transfer *op = elem;
    op->status = GNTST_general_error;
    return 0;
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
    struct domain *d = domain_get_for(c->d, op->dom, &err);

    if (!d)
        return err;
    op->version = 1;
    domain_put(d);
    return 0;
}

/* Only version 2 has status frames. */
static long gnttab_get_status_frames(struct hcall *, void *elem, struct gnttab_call *)
{
    struct gnttab_get_status_frames *op = elem;
    op->status = GNTST_general_error;
    return 0;
}

static long gnttab_swap_grant_ref(struct hcall *c, void *elem, struct gnttab_call *)
{
    struct gnttab_swap_grant_ref *op = elem;
    struct grant_table *t = c->d->grant;

    spin_lock(&t->lock);
    op->status = grant_swap(t, op->ref_a, op->ref_b);
    spin_unlock(&t->lock);
    return 0;
}

static long gnttab_dump_table(struct hcall *c, void *elem, struct gnttab_call *)
{
    struct gnttab_dump_table *op = elem;
    struct domain *d;

    if (!c->d->privileged)
        return -EPERM;
    d = table_domain(c, op->dom, &op->status);
    if (!d)
        return 0;
    grant_dump(d);
    op->status = GNTST_okay;
    domain_put(d);
    return 0;
}

/* ---- the hypercall ---- */

/* cache_flush is for machines whose devices do not snoop: x86 has none. */
static const struct {
    gnttab_fn *fn;
    size_t size;
} gnttab_ops[] = {
    [GNTTABOP_map_grant_ref] = {gnttab_map_grant_ref, sizeof(struct gnttab_map_grant_ref)},
    [GNTTABOP_unmap_grant_ref] = {gnttab_unmap_grant_ref, sizeof(struct gnttab_unmap_grant_ref)},
    [GNTTABOP_setup_table] = {gnttab_setup_table, sizeof(struct gnttab_setup_table)},
    [GNTTABOP_dump_table] = {gnttab_dump_table, sizeof(struct gnttab_dump_table)},
    [GNTTABOP_transfer] = {gnttab_transfer, sizeof(struct gnttab_transfer)},
    [GNTTABOP_copy] = {gnttab_copy, sizeof(struct gnttab_copy)},
    [GNTTABOP_query_size] = {gnttab_query_size, sizeof(struct gnttab_query_size)},
    [GNTTABOP_unmap_and_replace] = {gnttab_unmap_and_replace,
                                    sizeof(struct gnttab_unmap_and_replace)},
    [GNTTABOP_set_version] = {gnttab_set_version, sizeof(struct gnttab_set_version)},
    [GNTTABOP_get_status_frames] = {gnttab_get_status_frames,
                                    sizeof(struct gnttab_get_status_frames)},
    [GNTTABOP_get_version] = {gnttab_get_version, sizeof(struct gnttab_get_version)},
    [GNTTABOP_swap_grant_ref] = {gnttab_swap_grant_ref, sizeof(struct gnttab_swap_grant_ref)},
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
