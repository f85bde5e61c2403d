/* SPDX-License-Identifier: MIT
 *
 * domctl commands about memory: limits, what frames are used as, the hypercall page, nodes (there
 * is one).
 */
#include "dom/bitmap.h"
#include "dom/domain.h"
#include "dom/domctl.h"
#include "hypercall.h"
#include "mm/frame.h"
#include "mm/guest_copy.h"
#include "pv/hypercall_page.h"

#define FRAMEINFO_MAX 1024u

/* The limit may be below what the domain has: it then gets no more. */
long domctl_max_mem(struct hcall *, struct domain *d, struct xen_domctl *op)
{
    uint64_t pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    if (pages > UINT32_MAX)
        return -EINVAL;
    spin_lock(&d->page_lock);
    d->max_pages = (uint32_t)pages;
    spin_unlock(&d->page_lock);
    return 0;
}

/* The array's machine frame numbers become their frames' uses. */
long domctl_getpageframeinfo3(struct hcall *, struct domain *d, struct xen_domctl *op)
{
    guest_va_t array = guest_va((uint64_t)op->u.getpageframeinfo3.array.p);
    uint64_t num = op->u.getpageframeinfo3.num;
    xen_pfn_t part[64];

    if (num > FRAMEINFO_MAX)
        return -E2BIG;
    for (uint64_t done = 0; done < num; done += ARRAY_SIZE(part)) {
        guest_va_t at = guest_va_at(array, done, sizeof(part[0]));
        size_t n = min(num - done, ARRAY_SIZE(part));
        if (copy_from_guest(part, at, n * sizeof(part[0])))
            return -EFAULT;
        for (size_t i = 0; i < n; i++)
            part[i] = frame_tool_type(d, mfn(part[i]));
        if (copy_to_guest(at, part, n * sizeof(part[0])))
            return -EFAULT;
    }
    return 0;
}

long domctl_hypercall_init(struct hcall *, struct domain *d, struct xen_domctl *op)
{
    return hypercall_page_write(d, mfn(op->u.hypercall_init.gmfn));
}

long domctl_setnodeaffinity(struct hcall *, struct domain *, struct xen_domctl *op)
{
    uint64_t nodes;

    if (bitmap_from_guest(&nodes, 1, &op->u.nodeaffinity.nodemap))
        return -EFAULT;
    return nodes & 1 ? 0 : -EINVAL; /* node 0 is all there is */
}

long domctl_getnodeaffinity(struct hcall *, struct domain *, struct xen_domctl *op)
{
    uint64_t nodes = 1;
    return bitmap_to_guest(&op->u.nodeaffinity.nodemap, &nodes, 1);
}
