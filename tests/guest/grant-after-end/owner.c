/* SPDX-License-Identifier: MIT */
/* The owner: it grants, and looks at what becomes of its entries and pages. */
#include "pair.h"

#include <xen/memory.h>

static volatile uint64_t *data, *readonly, *zapped, *lost;

static uint16_t flags_of(grant_ref_t ref)
{
    return __atomic_load_n(&grant_table()[ref].flags, __ATOMIC_ACQUIRE);
}

static void check_flags(const char *what, grant_ref_t ref, unsigned expected)
{
    unsigned flags = flags_of(ref);

    check(flags == expected, what, "%s%s%s%s", flags & GTF_type_mask ? "granted" : "not granted",
          flags & GTF_readonly ? ", readonly" : "", flags & GTF_reading ? ", read" : "",
          flags & GTF_writing ? ", written" : "");
}

static void *page(void)
{
    void *p = pages_alloc(1);

    test_need(p != NULL, "no memory");
    return p;
}

void owner_prepare(struct control *control)
{
    test_need(control != NULL, "no memory");
    data = page();
    readonly = page();
    zapped = page();
    lost = page();
    grant_entry(REF_CONTROL, peer, virt_to_mfn(control), GTF_permit_access);
}

void owner_grants(void)
{
    *data = 1111;
    *readonly = 3333;
    grant_entry(REF_DATA, peer, virt_to_mfn((void *)data), GTF_permit_access);
    grant_entry(REF_LOST, peer, virt_to_mfn((void *)lost), GTF_permit_access);
    if (!(flags_of(REF_ZAPPED) & (GTF_reading | GTF_writing)))
        grant_entry(REF_ZAPPED, peer, virt_to_mfn((void *)zapped), GTF_permit_access);
}

void owner_sees_use(void)
{
    bool ended;

    check(*data == 2222, "what the user wrote is", "%s", *data == 2222 ? "there" : "not there");
    check_flags("the entry is", REF_DATA, GTF_permit_access | GTF_reading | GTF_writing);
    ended = grant_end(REF_DATA);
    check(!ended, "it can be ended", "%s", ended ? "yes" : "no");
}

void owner_revokes(void)
{
    gnttab_swap_grant_ref_t swap = {.ref_a = REF_DATA, .ref_b = REF_SPARE, .status = 1};

    hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_swap_grant_ref, (unsigned long)&swap, 1);
    check_status_refused("its entry exchanged for another", swap.status);
    grant_revoke(REF_DATA);
}

/* The user has it mapped, writable, although the entry says nothing any more. */
void owner_abuses_page(void)
{
    check(*data == 4444, "what the user wrote after that is", "%s",
          *data == 4444 ? "there" : "not there");
    test_need(!page_readonly((void *)data), "a page cannot be made read-only");
    check_refused("the page pinned as a table",
                  mmuext_mfn(MMUEXT_PIN_L1_TABLE, virt_to_mfn((void *)data)));
    uint64_t list = virt_to_mfn((void *)data);
    check_refused("the page as a GDT", hypercall2(__HYPERVISOR_set_gdt, (unsigned long)&list, 16));
    test_need(!page_writable((void *)data), "a page cannot be made writable");
}

void owner_version(void)
{
    gnttab_set_version_t version = {.version = 2};

    check_refused("version 2", hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_set_version,
                                          (unsigned long)&version, 1));
}

void owner_sees_end(void)
{
    check_flags("the entry is", REF_DATA, 0);
}

void owner_sees_idle(void)
{
    check_flags("the entry is", REF_DATA, GTF_permit_access);
}

void owner_ends(void)
{
    grant_entry(REF_DATA, peer, virt_to_mfn((void *)data), GTF_permit_access);
    check_grant_ends("the entry is", REF_DATA);
}

void owner_grants_again(void)
{
    grant_entry(REF_DATA, peer, virt_to_mfn((void *)data), GTF_permit_access);
    grant_entry(REF_READONLY, peer, virt_to_mfn((void *)readonly),
                GTF_permit_access | GTF_readonly);
}

/* The user's reference REF_SPARE names the owner's own page, granted to the owner. */
void owner_maps_onward(void)
{
    static void *va;
    grant_handle_t handle = 0;
    int status;

    va = va ? va : va_reserve(1);
    status = grant_map_at(va, peer, REF_SPARE, GNTMAP_host_map, &handle);
    check_status_refused("the owner maps it", status);
    if (status == GNTST_okay)
        grant_unmap((unsigned long)va, 0, handle);
}

/* Once only, as there is no second such page when the test runs in rounds. */
void owner_gives_up(void)
{
    static bool done;
    xen_pfn_t frame = virt_to_mfn((void *)lost);
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    long rc;

    if (done)
        return;
    done = true;
    set_xen_guest_handle(r.extent_start, &frame);
    test_need(!map_page((void *)lost, 0), "a page cannot be unmapped");
    rc = hypercall_op(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r);
    check_answer_any("given up", rc);
    rc = map_page((void *)lost, frame << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US);
    check_answer_any("mapped by the owner again", rc);
    map_page((void *)lost, 0);
}

void owner_after_zap(void)
{
    unsigned flags = flags_of(REF_ZAPPED);

    check(flags != 0, "the entry of the forgotten mapping is", "%s",
          flags & (GTF_reading | GTF_writing) ? "in use" : "free");
}
