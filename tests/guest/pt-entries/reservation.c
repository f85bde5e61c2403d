/* SPDX-License-Identifier: MIT */
/* Frames given up, taken and exchanged, while they are a table, another's, mapped, too many. */
#include "tables.h"

#include <xen/memory.h>

static long give_up(unsigned long mfn, unsigned order)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .extent_order = order, .domid = DOMID_SELF};
    xen_pfn_t frame = mfn;

    set_xen_guest_handle(r.extent_start, &frame);
    return hypercall_op(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r);
}

/* Without a list, so that nobody is told which frames came. */
static long take(unsigned address_bits, unsigned long n, unsigned order)
{
    struct xen_memory_reservation r = {.nr_extents = n,
                                       .extent_order = order,
                                       .mem_flags = XENMEMF_address_bits(address_bits),
                                       .domid = DOMID_SELF};

    return hypercall_op(__HYPERVISOR_memory_op, XENMEM_increase_reservation, &r);
}

/* Exchanges one or two frames, the last of them a bad one: refused, and told how many were
 * exchanged before. What came for the first is then the spare page's frame. */
static void exchange(const char *what, unsigned long first, unsigned long second, unsigned n,
                     unsigned order_out)
{
    unsigned long pfn = virt_to_pfn(tables.spare);
    xen_pfn_t in[2] = {first, second}, out[2] = {pfn, pfn};
    struct xen_memory_exchange x = {.in = {.nr_extents = n, .domid = DOMID_SELF},
                                    .out = {.nr_extents = 1ul << (n / 2) >> order_out,
                                            .extent_order = order_out,
                                            .domid = DOMID_SELF}};

    set_xen_guest_handle(x.in.extent_start, in);
    set_xen_guest_handle(x.out.extent_start, out);
    check_refused(what, hypercall_op(__HYPERVISOR_memory_op, XENMEM_exchange, &x));
    if (n == 2)
        check(x.nr_exchanged <= 1, what, "%lu exchanged", x.nr_exchanged);
    else if (x.nr_exchanged)
        check(false, what, "%lu exchanged", x.nr_exchanged);
    if (x.nr_exchanged == 1)
        ((unsigned long *)start_info->mfn_list)[pfn] = out[0];
    check_goes_on(what);
}

void rules_reservation(void)
{
    unsigned long spare = virt_to_mfn(tables.spare);

    test_part("frames given up");
    check_answer("another domain's", give_up(frame_foreign(5), 0), 0);
    check_answer("the hypervisor's", give_up(frame_hypervisor(), 0), 0);
    check_answer("behind all RAM", give_up(frame_beyond(), 0), 0);
    check_answer_any("shared_info", give_up(start_info->shared_info >> PAGE_SHIFT, 0));
    check(give_up(spare, 40) <= 0, "of an order that no machine has", "none");

    test_part("more than the limit");
    check(take(0, 100000, 0) < 100000, "increase_reservation by 100000 pages", "not all");
    check_answer("one page more", take(0, 1, 0), 0);
    check_answer("a superpage more", take(0, 1, 9), 0);
    check_answer("of an order that is for tools", take(0, 1, 10), 0);
    check_answer("of an order that no machine has", take(0, 1, 60), 0);
    check_answer("frames below an address where there is none", take(1, 1, 0), 0);

    test_part("frames exchanged");
    exchange("a table", virt_to_mfn(tables.live[1]), 0, 1, 0);
    exchange("another domain's", frame_foreign(5), 0, 1, 0);
    exchange("the hypervisor's", frame_hypervisor(), 0, 1, 0);
    exchange("behind all RAM", frame_beyond(), 0, 1, 0);
    exchange("a page that is mapped", spare, 0, 1, 0);
    test_need(!map_page(tables.spare, 0), "a page cannot be unmapped");
    exchange("the second of two is a table", spare, virt_to_mfn(tables.live[1]), 2, 0);
    spare = virt_to_mfn(tables.spare);
    exchange("twice the same", spare, spare, 2, 1);
    exchange("for more than there was", spare, 0, 1, 3);
    check_done("the page is still there",
               map_page(tables.spare, entry_for(tables.spare, PTE_FLAT)));
}
