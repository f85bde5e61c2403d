/* SPDX-License-Identifier: MIT
 *
 * A vCPU's two page-table roots: the kernel's, always there while it runs, and the user half's,
 * which may be missing. Each root holds a reference and an L4 use, so that changing to a table that
 * is validated already costs the same however big it is. The tables of a root that is given up may
 * take long to release: v->old_table then remembers where a later hypercall goes on.
 */
#include "mm/pt.h"
#include "mm/tlb.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "pv/pv.h"
#include "x86/percpu.h"

static int get_l4(struct domain *d, mfn_t m, long *budget)
{
    struct frame *f = frame_of(m);
    int rc;

    if (!f || !frame_get(f, d))
        return -EINVAL;
    rc = frame_get_type_within(f, FRAME_L4, budget);
    if (rc)
        frame_put(f);
    return rc;
}

static void put_l4(struct vcpu *v, mfn_t m, long *budget)
{
    struct frame *f;

    if (mfn_eq(m, MFN_NONE))
        return;
    f = frame_of(m);
    if (frame_put_type_within(f, budget))
        v->old_table = f;
    else
        frame_put(f);
}

int vcpu_finish_old_table(struct vcpu *v, long *budget)
{
    struct frame *f = v->old_table;

    if (!f)
        return 0;
    if (frame_finish_partial(f, budget))
        return -ERESTART;
    v->old_table = NULL;
    frame_put(f);
    return 0;
}

int vcpu_set_kernel_l4_within(struct vcpu *v, mfn_t l4, long *budget)
{
    mfn_t old = v->kernel_l4;
    int rc = vcpu_finish_old_table(v, budget);

    if (rc)
        return rc;
    if (!mfn_eq(l4, old)) {
        rc = get_l4(v->d, l4, budget);
        if (rc)
            return rc;
        /* commit */
        vcpu_drop_ldt_frames(v);
        v->kernel_l4 = l4;
    }
    if (v == current_vcpu())
        tlb_write_cr3(mfn_to_maddr(l4));
    if (!mfn_eq(l4, old))
        put_l4(v, old, budget);
    return 0;
}

int vcpu_set_user_l4_within(struct vcpu *v, mfn_t l4, long *budget)
{
    mfn_t old = v->user_l4, new = l4.v ? l4 : MFN_NONE;
    int rc;

    if (mfn_eq(new, old))
        return 0;
    rc = vcpu_finish_old_table(v, budget);
    if (!rc && l4.v)
        rc = get_l4(v->d, l4, budget);
    if (rc)
        return rc;
    /* commit: the user's table is not in CR3 while its kernel makes a hypercall */
    v->user_l4 = new;
    put_l4(v, old, budget);
    return 0;
}

int vcpu_set_kernel_l4(struct vcpu *v, mfn_t l4)
{
    return vcpu_set_kernel_l4_within(v, l4, NULL);
}

int vcpu_set_user_l4(struct vcpu *v, mfn_t l4)
{
    return vcpu_set_user_l4_within(v, l4, NULL);
}

static void drop_l4(mfn_t m, long *budget)
{
    if (mfn_eq(m, MFN_NONE))
        return;
    frame_put_type_within(frame_of(m), budget);
    frame_put(frame_of(m));
}

/* A release that takes too long is left to whoever asks for the table next, or to
 * domain_pages_release_all(): as PARTIAL it holds a reference itself. */
void vcpu_put_page_tables(struct vcpu *v)
{
    long budget = pt_budget;

    if (v->old_table)
        frame_put(v->old_table);
    drop_l4(v->kernel_l4, &budget);
    drop_l4(v->user_l4, &budget);
    v->old_table = NULL;
    v->kernel_l4 = v->user_l4 = MFN_NONE;
}
