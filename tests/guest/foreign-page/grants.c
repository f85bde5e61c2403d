/* SPDX-License-Identifier: MIT */
/*
 * Grants that give nothing: entries that do not exist, are for another domain, allow less, or name
 * a frame that cannot be granted. The domain grants to itself here, which is allowed; what a second
 * domain can do is tests/guest/grant-after-end.
 */
#include "foreign-page.h"

#define REF GRANT_FIRST

static domid_t own;

/* Maps and, where that worked, unmaps again. */
static int try_map(void *va, domid_t domid, grant_ref_t ref, unsigned flags)
{
    grant_handle_t handle;
    int status = grant_map_at(va, domid, ref, flags, &handle);

    if (status == GNTST_okay) {
        gnttab_map_grant_ref_t op = {.host_addr = (unsigned long)va};

        test_need(grant_unmap(flags & GNTMAP_host_map ? op.host_addr : 0, 0, handle) == GNTST_okay,
                  "what was mapped cannot be unmapped");
    }
    return status;
}

static void entries(void *page, void *va)
{
    static const struct {
        const char *name;
        unsigned flags;
    } bad[] = {
        {"an invalid entry", GTF_invalid},
        {"an entry for a transfer", GTF_accept_transfer},
        {"a transitive entry", GTF_transitive},
        {"an entry of no type with the readonly bit", GTF_readonly},
    };
    unsigned long mfn = virt_to_mfn(page);

    test_part("grant entries");
    grant_entry(REF, own, mfn, GTF_permit_access);
    check_status("a good entry", try_map(va, own, REF, GNTMAP_host_map), GNTST_okay);
    check_status_refused("a good entry, by DOMID_SELF",
                         try_map(va, DOMID_SELF, REF, GNTMAP_host_map));
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        grant_entry(REF, own, mfn, bad[i].flags);
        check_status_refused(bad[i].name, try_map(va, own, REF, GNTMAP_host_map));
    }
    grant_entry(REF, own, mfn, GTF_permit_access | GTF_readonly);
    check_status_refused("a readonly entry, to write", try_map(va, own, REF, GNTMAP_host_map));
    check_status("a readonly entry, to read",
                 try_map(va, own, REF, GNTMAP_host_map | GNTMAP_readonly), GNTST_okay);
    grant_entry(REF, 0, mfn, GTF_permit_access);
    check_status_refused("an entry for dom0", try_map(va, own, REF, GNTMAP_host_map));
    grant_entry(REF, 0x6fff, mfn, GTF_permit_access);
    check_status_refused("an entry for a domain there is not",
                         try_map(va, own, REF, GNTMAP_host_map));
    check_grant_ends("the entry is", REF);
}

static void frames(void *page, void *va)
{
    const struct {
        const char *name;
        unsigned long mfn;
    } bad[] = {
        {"another domain's frame", frame_foreign(3)},
        {"a table of the hypervisor's", frame_hypervisor()},
        {"the machine-to-physical table's frame", frame_m2p()},
        {"a frame behind all RAM", frame_beyond()},
        {"the highest frame an entry can name", 0xffffffff},
        {"the local APIC", 0xfee00},
        {"the text screen", 0xb8},
    };
    unsigned long l1 = virt_to_mfn((void *)((unsigned long)pte_of(page, 1) & PAGE_MASK));

    test_part("frames that cannot be granted");
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        grant_entry(REF, own, bad[i].mfn, GTF_permit_access);
        check_status_refused(with(bad[i].name, "to write"), try_map(va, own, REF, GNTMAP_host_map));
        check_status_refused(with(bad[i].name, "to read"),
                             try_map(va, own, REF, GNTMAP_host_map | GNTMAP_readonly));
        check_status_refused(with(bad[i].name, "for a device"),
                             try_map(va, own, REF, GNTMAP_device_map));
        check_grant_ends(with(bad[i].name, "its entry is"), REF);
    }
    grant_entry(REF, own, l1, GTF_permit_access);
    check_status_refused("a page table, to write", try_map(va, own, REF, GNTMAP_host_map));
    check_status("a page table, to read", try_map(va, own, REF, GNTMAP_host_map | GNTMAP_readonly),
                 GNTST_okay);
    grant_revoke(REF);
}

static void references(void *va)
{
    static const struct {
        const char *name;
        grant_ref_t ref;
    } refs[] = {
        {"the first behind the table", 512},
        {"far behind the table", 1u << 20},
        {"the highest there is", ~0u},
    };

    test_part("references there are not");
    for (unsigned i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
        check_status_refused(with(refs[i].name, "its own"),
                             try_map(va, own, refs[i].ref, GNTMAP_host_map));
        check_status_refused(with(refs[i].name, "dom0's"),
                             try_map(va, 0, refs[i].ref, GNTMAP_host_map));
    }
    for (unsigned i = 0; i < NR_OTHERS; i++)
        check_status_refused(with("reference 300", others[i].name),
                             try_map(va, others[i].id, 300, GNTMAP_host_map));
}

static void places(void *page)
{
    static const struct {
        const char *name;
        unsigned long va;
    } bad[] = {
        {"in the hypervisor's half", 0xffff800000000000},
        {"at an address that is not canonical", 0x0000900000000000},
        {"where there is no table", 0x0000700000000000},
        {"at 0", 0},
    };

    test_part("places to map at");
    grant_entry(REF, own, virt_to_mfn(page), GTF_permit_access);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_status_refused(bad[i].name, try_map((void *)bad[i].va, own, REF, GNTMAP_host_map));
    check_status_refused("an entry in dom0's page",
                         try_map((void *)(frame_foreign(3) << PAGE_SHIFT), own, REF,
                                 GNTMAP_host_map | GNTMAP_contains_pte));
    check_status_refused("an entry in the hypervisor's table",
                         try_map((void *)(frame_hypervisor() << PAGE_SHIFT), own, REF,
                                 GNTMAP_host_map | GNTMAP_contains_pte));
    check_status_refused("an entry in an ordinary page",
                         try_map((void *)(virt_to_mfn(page) << PAGE_SHIFT), own, REF,
                                 GNTMAP_host_map | GNTMAP_contains_pte));
    check_status_refused("neither for the CPU nor for a device", try_map(NULL, own, REF, 0));
    check_grant_ends("the entry is", REF);
}

static int copy(domid_t domid, unsigned long from, bool by_ref, void *to)
{
    gnttab_copy_t op = {.source.domid = domid,
                        .dest = {.domid = DOMID_SELF},
                        .len = 64,
                        .flags = by_ref ? GNTCOPY_source_gref : 0};

    if (by_ref)
        op.source.u.ref = (grant_ref_t)from;
    else
        op.source.u.gmfn = from;
    op.dest.u.gmfn = virt_to_mfn(to);
    return grant_copy(&op);
}

static void copies(void *page)
{
    test_part("copies");
    check_status_refused("another domain's frame as one's own",
                         copy(DOMID_SELF, frame_foreign(3), false, page));
    check_status_refused("the hypervisor's table as one's own",
                         copy(DOMID_SELF, frame_hypervisor(), false, page));
    check_status_refused("behind all RAM", copy(DOMID_SELF, frame_beyond(), false, page));
    for (unsigned i = 0; i < NR_OTHERS; i++)
        check_status_refused(with("a frame of", others[i].name),
                             copy(others[i].id, frame_foreign(3), false, page));
    for (unsigned i = 0; i < NR_OTHERS; i++)
        check_status_refused(with("reference 300 of", others[i].name),
                             copy(others[i].id, 300, true, page));
    grant_entry(REF, 0, virt_to_mfn(page), GTF_permit_access);
    check_status_refused("an entry for dom0", copy(DOMID_SELF, REF, true, page));
    grant_revoke(REF);
}

void by_grants(void *page, void *va)
{
    own = own_domid();
    entries(page, va);
    frames(page, va);
    references(va);
    places(page);
    copies(page);
}
