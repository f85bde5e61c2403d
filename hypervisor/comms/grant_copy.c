/* SPDX-License-Identifier: MIT
 *
 * GNTTABOP_copy: moves up to a page between frames, each named by a grant or (own frames only) by
 * its number. Both sides are held for the time of the copy: a grant by a use of it, an own frame by
 * a reference, the destination also by a writable use.
 */
#include "comms/grant_private.h"
#include "hypercall.h"
#include "mm/frame.h"
#include "x86/hvmap.h"

struct side {
    struct domain *owner; /* with a reference, for a grant; NULL: own frame */
    uint32_t ref;
    bool write;
    mfn_t m;
};

static int16_t hold_own(struct hcall *c, const struct gnttab_copy_ptr *p, struct side *s)
{
    struct frame *f;

    if (p->domid != DOMID_SELF) {
        struct domain *d PUT_AT_END = domain_get(p->domid);

        return d ? GNTST_permission_denied : GNTST_bad_domain;
    }
    s->m = mfn(p->u.gmfn);
    f = frame_of(s->m);
    if (!f || !frame_get(f, c->d))
        return GNTST_bad_page;
    if (!s->write || !frame_get_type(f, FRAME_WRITABLE))
        return GNTST_okay;
    frame_put(f);
    return GNTST_general_error;
}

static int16_t hold_grant(struct hcall *c, const struct gnttab_copy_ptr *p, struct side *s)
{
    int16_t status;

    s->ref = p->u.ref;
    s->owner = domain_get(p->domid == DOMID_SELF ? c->d->id : p->domid);
    if (!s->owner)
        return GNTST_bad_domain;
    status = grant_pin(s->owner, c->d, s->ref, s->write, 1, &s->m);
    if (status != GNTST_okay) {
        domain_put(s->owner);
        s->owner = NULL;
    }
    return status;
}

static void release(struct side *s)
{
    if (s->owner) {
        grant_unpin(s->owner, s->ref, s->write, 1);
        domain_put(s->owner);
    } else {
        frame_drop(frame_of(s->m), s->write);
    }
}

static bool inside_page(const struct gnttab_copy_ptr *p, uint16_t len)
{
    return p->offset <= PAGE_SIZE && len <= PAGE_SIZE - p->offset;
}

long gnttab_copy(struct hcall *c, void *elem, struct gnttab_call *)
{
    const struct gnttab_copy *op = elem;
    struct side src = {.write = false}, dst = {.write = true};
    int16_t status;

    if (!inside_page(&op->source, op->len) || !inside_page(&op->dest, op->len))
        return GNTST_bad_copy_arg;
    status = op->flags & GNTCOPY_source_gref ? hold_grant(c, &op->source, &src)
                                             : hold_own(c, &op->source, &src);
    if (status != GNTST_okay)
        return status;
    status = op->flags & GNTCOPY_dest_gref ? hold_grant(c, &op->dest, &dst)
                                           : hold_own(c, &op->dest, &dst);
    if (status == GNTST_okay) {
        memmove((char *)mfn_to_va(dst.m) + op->dest.offset,
                (char *)mfn_to_va(src.m) + op->source.offset, op->len);
        release(&dst);
    }
    release(&src);
    return status;
}
