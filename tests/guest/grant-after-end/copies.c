/* SPDX-License-Identifier: MIT */
/* Copies from and to grants: within one page on both sides, or not at all. */
#include "pair.h"

static uint8_t *page;

static gnttab_copy_t to_grant(grant_ref_t ref)
{
    gnttab_copy_t op = {.source.domid = DOMID_SELF,
                        .dest = {.u.ref = ref, .domid = peer},
                        .flags = GNTCOPY_dest_gref,
                        .len = 8};

    op.source.u.gmfn = virt_to_mfn(page);
    return op;
}

static gnttab_copy_t from_grant(grant_ref_t ref)
{
    gnttab_copy_t op = {.source = {.u.ref = ref, .domid = peer},
                        .dest.domid = DOMID_SELF,
                        .flags = GNTCOPY_source_gref,
                        .len = 8};

    op.dest.u.gmfn = virt_to_mfn(page);
    return op;
}

static void sizes(void)
{
    static const struct {
        const char *name;
        uint16_t from, to, len;
        bool good;
    } tries[] = {
        {"a whole page", 0, 0, 4096, true},
        {"nothing", 0, 0, 0, true},
        {"nothing at the end of the page", 4096, 0, 0, true},
        {"the last byte", 4095, 4095, 1, true},
        {"a page and a byte", 0, 0, 4097, false},
        {"across the end of the source", 4090, 0, 8, false},
        {"across the end of the target", 0, 4090, 8, false},
        {"from behind the page", 4097, 0, 8, false},
        {"nothing from far behind the page", 65535, 0, 0, false},
        {"all ones", 65535, 65535, 65535, false},
    };

    for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        gnttab_copy_t op = from_grant(REF_DATA);
        int status;

        op.source.offset = tries[i].from;
        op.dest.offset = tries[i].to;
        op.len = tries[i].len;
        status = grant_copy(&op);
        if (tries[i].len)
            check((status == GNTST_okay) == tries[i].good, tries[i].name, "%s",
                  status_name(status));
        else
            check(true, tries[i].name, "%s", status_name(status));
    }
}

static void rights(void)
{
    gnttab_copy_t op = to_grant(REF_READONLY);

    check_status_refused("to a readonly grant", grant_copy(&op));
    op = to_grant(REF_SPARE);
    check_status_refused("to a grant that has ended", grant_copy(&op));
    op = from_grant(REF_SPARE);
    check_status_refused("from a grant that has ended", grant_copy(&op));
    op = from_grant(REF_READONLY);
    check_status("from a readonly grant", grant_copy(&op), GNTST_okay);
    op.dest.u.gmfn = live_l4_mfn();
    check_status_refused("onto a page table", grant_copy(&op));
    op.dest.u.gmfn = frame_foreign(3);
    check_status_refused("onto another domain's page", grant_copy(&op));
    op.dest.u.gmfn = frame_hypervisor();
    check_status_refused("onto the hypervisor's table", grant_copy(&op));
    op.dest.u.gmfn = frame_beyond();
    check_status_refused("behind all RAM", grant_copy(&op));
}

void user_copies(void)
{
    gnttab_copy_t op;

    page = page ? page : pages_alloc(1);
    test_need(page != NULL, "no memory");
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        page[i] = (uint8_t)(i * 7);
    op = to_grant(REF_DATA);
    op.len = 4096;
    check_status("a page to a grant", grant_copy(&op), GNTST_okay);
    page[5] = page[4095] = 0;
    op = from_grant(REF_DATA);
    op.len = 4096;
    check_status("and back", grant_copy(&op), GNTST_okay);
    check(page[5] == 35 && page[4095] == (uint8_t)(4095 * 7), "it is", "%s",
          page[5] == 35 ? "there" : "not there");
    op = (gnttab_copy_t){.source = {.u.ref = REF_DATA, .domid = peer, .offset = 0},
                         .dest = {.u.ref = REF_DATA, .domid = peer, .offset = 8},
                         .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref,
                         .len = 1000};
    check_status("within one grant", grant_copy(&op), GNTST_okay);
    sizes();
    rights();
}
