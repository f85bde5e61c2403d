/* SPDX-License-Identifier: MIT */
/* set_gdt: frames, counts, contents, and what the frame cannot be meanwhile. */
#include "descriptors.h"

#include <xen/memory.h>

#define LIMIT 7168u

static long give_up(unsigned long mfn)
{
    xen_pfn_t frame = mfn;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, &frame);
    return hypercall_op(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r);
}

static void bad_frames(void)
{
    const struct {
        const char *name;
        unsigned long mfn;
    } frames[] = {
        {"another domain's frame", frame_foreign(3)},
        {"a table of the hypervisor's", frame_hypervisor()},
        {"behind all RAM", frame_beyond()},
        {"the local APIC", 0xfee00},
        {"all ones", ~0ul},
        {"a page that is mapped writable", virt_to_mfn(pages.plain)},
        {"its own top table", live_l4_mfn()},
        {"shared_info", start_info->shared_info >> PAGE_SHIFT},
    };
    uint64_t list[2] = {virt_to_mfn(pages.table), 0};

    test_part("frames of a GDT");
    for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        check_refused(frames[i].name, set_gdt(frames[i].mfn, 1));
        list[1] = frames[i].mfn;
        if (set_gdt_frames(list, 513) >= 0)
            check(false, frames[i].name, "taken as the second frame");
        if (page_writable(pages.table) || page_readonly(pages.table))
            check(false, frames[i].name, "the first frame is still in use");
    }
}

static void counts(void)
{
    uint64_t list[14];

    test_part("sizes of a GDT");
    for (unsigned i = 0; i < 14; i++)
        list[i] = virt_to_mfn(pages.table);
    check_done("no entry", set_gdt_frames(list, 0));
    check_done("one entry", set_gdt_frames(list, 1));
    check_done("one frame in all 14 places", set_gdt_frames(list, LIMIT));
    check_refused("one entry too many", set_gdt_frames(list, LIMIT + 1));
    check_refused("all ones", set_gdt_frames(list, ~0u));
    check_refused("a list that is not mapped", set_gdt_frames((void *)0x700000000000, 1));
    check_refused("a list in the hypervisor's half", set_gdt_frames((void *)0xffff800000000000, 1));
    check_done("no entry, and no list", set_gdt_frames(NULL, 0));
    check_done("the page writable after that", page_writable(pages.table));
    test_need(!page_readonly(pages.table), "a page cannot be made read-only");
}

/* A table with one descriptor; taken or not is what the transcript says, but for those that give
 * away what is not the guest's. */
static void content(const char *name, unsigned at, uint64_t descriptor, bool must_refuse)
{
    long rc;

    table_with(at, descriptor);
    rc = set_gdt(virt_to_mfn(pages.table), 16);
    check(!must_refuse || rc < 0, name, "%s", answer_name(rc));
    if (!rc && pages.table[at] & DESC_PRESENT && pages.table[at] & DESC_TYPE(0x10) &&
        !(pages.table[at] & DESC_DPL(3)))
        check(false, name, "its DPL is 0");
    set_gdt(0, 0);
}

static void contents(void)
{
    char what[60];

    test_part("descriptors of a GDT");
    content("data", 3, DESC_DATA, false);
    content("code", 3, DESC_CODE, false);
    content("data for ring 0", 3, DESC_DATA & ~DESC_DPL(3), false);
    content("code for ring 0", 3, DESC_CODE & ~DESC_DPL(3), false);
    content("conforming code for ring 0", 3, (DESC_CODE & ~DESC_DPL(3)) | DESC_TYPE(4), false);
    content("code of 32 and 64 bits at once", 3, DESC_CODE | 1ul << 54, false);
    content("data in the hypervisor's half", 3, DESC_DATA | 0xfful << 56 | 0x800000ul << 16, false);
    content("a gate into the hypervisor", 3, DESC_GATE(SEL_HV_CODE, 3), true);
    content("a gate into the hypervisor for ring 0", 3, DESC_GATE(SEL_HV_CODE, 0), true);
    content("a gate into its own segment", 3, DESC_GATE(SEL_FLAT_CODE, 3), false);
    content("anything that is not present", 3, ~DESC_PRESENT, false);
    content("a gate into the hypervisor as the last, behind the end", 511,
            DESC_GATE(SEL_HV_CODE, 3), true);
    for (unsigned type = 1; type < 16; type++) {
        if (type == 0xc)
            continue;
        snprintf(what, sizeof(what), "system descriptor of type %u", type);
        content(what, 3, DESC_PRESENT | DESC_DPL(3) | DESC_TYPE(type), true);
    }
}

static void reuse(void)
{
    unsigned long mfn = virt_to_mfn(pages.table);

    test_part("a page of descriptors as something else");
    table_with(3, 0);
    check_done("it is the GDT", set_gdt(mfn, 16));
    check_refused("mapped writable", page_writable(pages.table));
    for (unsigned level = 1; level <= 4; level++)
        check_refused("pinned as a table", mmuext_mfn(MMUEXT_PIN_L1_TABLE + level - 1, mfn));
    check_refused("as top table", mmuext_mfn(MMUEXT_NEW_BASEPTR, mfn));
    check_refused("written by mmu_update", mmu_set(mfn << PAGE_SHIFT, DESC_DATA));
    check_done("it is the GDT again", set_gdt(mfn, 16));
    check_done("no GDT", set_gdt(0, 0));
    check_done("pinned as a table", mmuext_mfn(MMUEXT_PIN_L1_TABLE, mfn));
    check_refused("a pinned table as the GDT", set_gdt(mfn, 16));
    check_done("unpinned", mmuext_mfn(MMUEXT_UNPIN_TABLE, mfn));
    check_done("it is the GDT", set_gdt(mfn, 16));
    check_done("no GDT", set_gdt(0, 0));
    check_done("mapped writable", page_writable(pages.table));
    test_need(!page_readonly(pages.table), "a page cannot be made read-only");
}

/* Given up while it is the GDT, it stays the GDT for as long as it is set. Once only: it is gone.
 */
static void given_up(void)
{
    static bool done;
    uint64_t *page = done ? NULL : pages_alloc(1);
    unsigned long mfn;

    if (done)
        return;
    done = true;
    test_need(page != NULL, "no memory");
    page[3] = DESC_DATA;
    mfn = virt_to_mfn(page);
    test_part("a page of descriptors given up");
    test_need(!page_readonly(page), "a page cannot be made read-only");
    check_done("it is the GDT", set_gdt(mfn, 16));
    test_need(!map_page(page, 0), "a page cannot be unmapped");
    check_answer_any("given up", give_up(mfn));
    load_ds("its descriptor", 24 | 3);
    check_done("no GDT", set_gdt(0, 0));
    check_refused("the GDT again", set_gdt(mfn, 16));
    load_ds("its descriptor after that", 24 | 3);
}

void gdt_part(void)
{
    bad_frames();
    counts();
    contents();
    reuse();
    given_up();
}
