/* SPDX-License-Identifier: MIT */
/* update_descriptor: one descriptor by its machine address. */
#include "descriptors.h"

static long update(uint64_t maddr, uint64_t descriptor)
{
    return hypercall2(__HYPERVISOR_update_descriptor, maddr, descriptor);
}

static void bad_places(void)
{
    const struct {
        const char *name;
        uint64_t maddr;
    } places[] = {
        {"in another domain's page", frame_foreign(3) << PAGE_SHIFT},
        {"in the hypervisor's table", frame_hypervisor() << PAGE_SHIFT},
        {"in the machine-to-physical table", frame_m2p() << PAGE_SHIFT},
        {"behind all RAM", frame_beyond() << PAGE_SHIFT},
        {"in the local APIC", 0xfee00000},
        {"at all ones", ~7ul},
        {"in the top table", live_l4_mfn() << PAGE_SHIFT},
        {"not aligned", (virt_to_mfn(pages.plain) << PAGE_SHIFT) + 4},
    };

    test_part("places of a descriptor");
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        check_refused(places[i].name, update(places[i].maddr, DESC_DATA));
}

static void values(const char *where, uint64_t maddr, const volatile uint64_t *seen)
{
    static const struct {
        const char *name;
        uint64_t value;
        bool good;
    } tries[] = {
        {"data", DESC_DATA, true},
        {"data for ring 0", DESC_DATA & ~DESC_DPL(3), true},
        {"a gate into the hypervisor", DESC_GATE(SEL_HV_CODE, 3), false},
        {"a TSS", DESC_PRESENT | DESC_TYPE(9), false},
        {"an LDT", DESC_PRESENT | DESC_TYPE(2), false},
        {"an interrupt gate", DESC_PRESENT | DESC_TYPE(14), false},
        {"what is not present", ~DESC_PRESENT, true},
        {"nothing", 0, true},
    };
    char what[80];

    test_part(where);
    for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        uint64_t before = *seen;
        long rc = update(maddr, tries[i].value);

        snprintf(what, sizeof(what), "%s, %s", where, tries[i].name);
        check(tries[i].good == !rc, what, "%s", answer_name(rc));
        if (rc && *seen != before)
            check(false, what, "it is there although it was refused");
        if (!rc && *seen & DESC_PRESENT && !(*seen & DESC_DPL(3)))
            check(false, what, "its DPL is 0");
    }
}

void update_part(void)
{
    uint64_t maddr = virt_to_mfn(pages.table) << PAGE_SHIFT;

    bad_places();
    values("in an ordinary page", virt_to_mfn(pages.plain) << PAGE_SHIFT, pages.plain);
    table_with(0, 0);
    test_need(!set_gdt(virt_to_mfn(pages.table), 512), "no GDT");
    values("in the GDT", maddr + 24, &pages.table[3]);
    values("as the GDT's last", maddr + 4088, &pages.table[511]);
    check_done("no GDT", set_gdt(0, 0));
}
