/* SPDX-License-Identifier: MIT */
/* MMUEXT_SET_LDT, and what happens at the load of a selector, which is when the LDT is looked at.
 */
#include "descriptors.h"

#define LDT_SELECTOR(n) ((n)*8 + 7)

static long set_ldt(const void *base, unsigned entries)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (unsigned long)base};

    op.arg2.nr_ents = entries;
    return mmuext(&op, DOMID_SELF);
}

static void settings(void)
{
    test_part("an LDT is set");
    check_done("none", set_ldt(NULL, 0));
    check_done("one entry", set_ldt(pages.table, 1));
    check_done("8192 entries", set_ldt(pages.table, 8192));
    check_refused("8193 entries", set_ldt(pages.table, 8193));
    check_refused("all ones", set_ldt(pages.table, ~0u));
    check_refused("at an address that is not aligned", set_ldt((char *)pages.table + 8, 1));
    check_refused("in the hypervisor's half", set_ldt((void *)0xffff800000000000, 1));
    check_answer_any("whose end is not canonical", set_ldt((void *)0x00007ffffffff000, 8192));
    check_refused("at an address that is not canonical", set_ldt((void *)0x1000000000000000, 1));
    check_done("none", set_ldt(NULL, 0));
}

static void loads(void)
{
    test_part("selectors of the LDT");
    load_ds("there is none", LDT_SELECTOR(0));
    table_with(3, DESC_DATA);
    test_need(!set_ldt(pages.table, 4), "no LDT");
    load_ds("a good one", LDT_SELECTOR(3));
    load_ds("an empty one", LDT_SELECTOR(2));
    load_ds("behind the end", LDT_SELECTOR(4));
    load_ds("the last of all", LDT_SELECTOR(8191));
    check_refused("the page mapped writable", page_writable(pages.table));
    check_refused("the page pinned as a table",
                  mmuext_mfn(MMUEXT_PIN_L1_TABLE, virt_to_mfn(pages.table)));
    check_done("none", set_ldt(NULL, 0));
    load_ds("there is none again", LDT_SELECTOR(3));
    check_done("the page mapped writable then", page_writable(pages.table));
    test_need(!page_readonly(pages.table), "a page cannot be made read-only");
}

static void bad_pages(void)
{
    void *unmapped = va_reserve(1);

    test_part("LDTs that cannot be one");
    test_need(!set_ldt(pages.plain, 16), "no LDT");
    pages.plain[1] = DESC_DATA;
    load_ds("mapped writable", LDT_SELECTOR(1));
    test_need(unmapped && !set_ldt(unmapped, 16), "no LDT");
    load_ds("not mapped", LDT_SELECTOR(1));
    test_need(!set_ldt(live_l4(), 16), "no LDT");
    load_ds("the top table", LDT_SELECTOR(1));
    table_with(3, DESC_GATE(SEL_HV_CODE, 3));
    test_need(!set_ldt(pages.table, 16), "no LDT");
    load_ds("with a gate into the hypervisor, another", LDT_SELECTOR(1));
    test_need(!set_ldt((void *)0x0000700000000000, 16), "no LDT");
    load_ds("where there is no table", LDT_SELECTOR(1));
    test_need(!set_ldt(NULL, 0), "the LDT does not go");
    pages.plain[1] = 0;
}

void ldt_part(void)
{
    settings();
    loads();
    bad_pages();
}
