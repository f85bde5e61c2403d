/* SPDX-License-Identifier: MIT */
/* Selectors that are not the guest's: the hypervisor's part of the GDT, ends, far calls. */
#include "descriptors.h"

static void far_call(void *context)
{
    struct {
        uint32_t offset;
        uint16_t selector;
    } __attribute__((packed)) target = {0, *(const uint16_t *)context};

    __asm__ volatile("lcall *%0" : : "m"(target) : "memory");
}

static void calls(void)
{
    static const struct {
        const char *name;
        uint16_t selector;
    } calls[] = {
        {"the null selector", 0},
        {"the hypervisor's code", SEL_HV_CODE},
        {"the hypervisor's code, RPL 3", SEL_HV_CODE | 3},
        {"an empty entry", 0x1000},
        {"behind the GDT", 0xf000},
    };

    test_part("far calls");
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        uint16_t selector = calls[i].selector;

        check_trap(calls[i].name, far_call, &selector, TRAP_GP);
    }
}

void selectors_part(void)
{
    test_part("selectors without a GDT of its own");
    load_ds("null", 0);
    load_ds("null, RPL 3", 3);
    load_ds("the first of the GDT", 8);
    load_ds("the last before the hypervisor's", 0xdff8 | 3);
    load_ds("the hypervisor's code", SEL_HV_CODE);
    load_ds("the hypervisor's code, RPL 3", SEL_HV_CODE | 3);
    load_ds("flat data", 0xe02b);
    load_ds("flat code", SEL_FLAT_CODE);
    load_ds("behind the GDT", 0xf000 | 3);
    load_ds("the last of all", 0xfffb);
    test_part("selectors of a GDT");
    table_with(511, DESC_DATA);
    test_need(!set_gdt(virt_to_mfn(pages.table), 16), "no GDT");
    load_ds("behind the number of entries, in the frame", 511 * 8 + 3);
    load_ds("behind the frame", 512 * 8 + 3);
    load_ds("an empty one", 24 | 3);
    check_done("no GDT", set_gdt(0, 0));
    load_ds("it is gone", 511 * 8 + 3);
    calls();
}
