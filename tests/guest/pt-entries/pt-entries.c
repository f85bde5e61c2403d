/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries that must be refused, at every level and by every way in.
 *
 * The MMU takes any entry: a bit that is set where it means something (PSE) or nothing (a reserved
 * one, which faults when the CPU walks there), any frame, any child. On a hypervisor with Xen's ABI
 * entries name machine frames, so the hypervisor looks at each before the MMU does: frames that are
 * the guest's own, tables and descriptors mapped read-only, children one level down, no superpages,
 * no cache attributes for who has no device. Refused is: a negative answer (a page fault for an
 * ordinary store), the entry and all uses of frames as they were, and the guest goes on.
 *
 * This file has the values, tables.c the ways; rules.c, misuse.c and reservation.c what is not a
 * matter of the value.
 */
#include "tables.h"

#include "tests/guest/lib/grants.h"

static void refuse(unsigned level, const char *name, pte_t value)
{
    struct entry e = {.name = name, .level = level, .value = value};

    try_refused(&e);
}

static void accept(unsigned level, const char *name, pte_t value)
{
    struct entry e = {.name = name, .level = level, .value = value};

    try_accepted(&e);
}

static pte_t good_child(unsigned level)
{
    return entry_for(level == 1 ? (void *)tables.data : tables.child[level - 1], PTE_FLAT);
}

static void flags_above_l1(void)
{
    static const struct {
        const char *name;
        pte_t bit;
    } bad[] = {
        {"PSE", PTE_PSE},
        {"PWT", PTE_PWT},
        {"PCD", PTE_PCD},
        {"G", PTE_G},
    };

    test_part("flags above L1");
    for (unsigned level = 2; level <= 4; level++) {
        for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
            refuse(level, bad[i].name, good_child(level) | bad[i].bit);
        accept(level, "software bits", good_child(level) | SOFTWARE_BITS);
        accept(level, "NX", good_child(level) | PTE_NX);
    }
}

static void flags_of_l1(void)
{
    test_part("flags of L1");
    refuse(1, "PAT", good_child(1) | PTE_PSE);
    refuse(1, "PWT", good_child(1) | PTE_PWT);
    refuse(1, "PCD", good_child(1) | PTE_PCD);
    accept(1, "G", good_child(1) | PTE_G);
    accept(1, "software bits", good_child(1) | SOFTWARE_BITS);
    accept(1, "not present, all other bits", ~PTE_P);
}

static void far_frames(void)
{
    test_part("frames that are nowhere");
    for (unsigned level = 1; level <= 4; level++) {
        refuse(level, "behind all RAM", frame_beyond() << PAGE_SHIFT | PTE_FLAT);
        refuse(level, "with address bits that no CPU has", PTE_MFN_MASK | PTE_FLAT);
        refuse(level, "all ones", ~0ul);
    }
}

static void others_frames(void)
{
    test_part("frames of others");
    for (unsigned level = 1; level <= 4; level++) {
        refuse(level, "another domain's frame", frame_foreign(5) << PAGE_SHIFT | PTE_FLAT);
        refuse(level, "a table of the hypervisor's", frame_hypervisor() << PAGE_SHIFT | PTE_FLAT);
        refuse(level, "the machine-to-physical table's frame",
               frame_m2p() << PAGE_SHIFT | PTE_FLAT);
    }
    refuse(1, "another domain's frame, to read",
           frame_foreign(5) << PAGE_SHIFT | (PTE_FLAT & ~PTE_RW));
    refuse(1, "a table of the hypervisor's, to read",
           frame_hypervisor() << PAGE_SHIFT | (PTE_FLAT & ~PTE_RW));
}

static void devices(void)
{
    static const struct {
        const char *name;
        unsigned long address;
    } places[] = {
        {"the local APIC", 0xfee00000},
        {"the IOAPIC", 0xfec00000},
        {"the HPET", 0xfed00000},
        {"the text screen", 0xb8000},
        {"the BIOS", 0xf0000},
        {"the first frame of all", 0},
        {"the configuration space of PCI", 0xb0000000},
    };

    test_part("devices of others");
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        refuse(1, places[i].name, places[i].address | PTE_FLAT);
    refuse(1, "the IOAPIC, to read", 0xfec00000 | PTE_P | PTE_US);
    refuse(2, "the local APIC", 0xfee00000 | PTE_FLAT);
}

static void tables_writable(void)
{
    static const char *const names[] = {"", "an L1, writable", "an L2, writable", "an L3, writable",
                                        "the top table, writable"};
    static const char *const read[] = {"", "an L1, to read", "an L2, to read", "an L3, to read",
                                       "the top table, to read"};

    test_part("tables mapped");
    for (unsigned level = 1; level <= 4; level++) {
        refuse(1, names[level], entry_for(tables.live[level], PTE_FLAT));
        accept(1, read[level], entry_for(tables.live[level], PTE_P | PTE_US));
    }
}

static void wrong_children(void)
{
    struct entry self = {.value = PTE_FLAT, .self = true};

    test_part("children of the wrong level");
    refuse(2, "leads to an L2", entry_for(tables.child[2], PTE_FLAT));
    refuse(2, "leads to an L3", entry_for(tables.child[3], PTE_FLAT));
    refuse(2, "leads to the top table", entry_for(tables.live[4], PTE_FLAT));
    refuse(2, "leads to writable memory", entry_for((void *)tables.data, PTE_FLAT));
    refuse(3, "leads to an L1", entry_for(tables.child[1], PTE_FLAT));
    refuse(3, "leads to an L3", entry_for(tables.child[3], PTE_FLAT));
    refuse(3, "leads to writable memory", entry_for((void *)tables.data, PTE_FLAT));
    refuse(4, "leads to an L1", entry_for(tables.child[1], PTE_FLAT));
    refuse(4, "leads to an L2", entry_for(tables.child[2], PTE_FLAT));
    refuse(4, "leads to writable memory", entry_for((void *)tables.data, PTE_FLAT));
    test_part("tables that lead to themselves");
    for (self.level = 1; self.level <= 4; self.level++) {
        self.name = "itself, writable";
        try_refused(&self);
    }
}

/* The GDT, as a frame that holds descriptors, and what the hypervisor lends us. */
static void lent_frames(void)
{
    void *gdt = pages_alloc(1);
    uint64_t list;

    test_need(gdt && !page_readonly(gdt), "no page for descriptors");
    list = virt_to_mfn(gdt);
    test_need(!hypercall2(__HYPERVISOR_set_gdt, (unsigned long)&list, 512), "no GDT can be set");
    test_part("descriptors, and frames that the hypervisor lends");
    refuse(1, "the GDT, writable", entry_for(gdt, PTE_FLAT));
    accept(1, "the GDT, to read", entry_for(gdt, PTE_P | PTE_US));
    for (unsigned level = 2; level <= 4; level++) {
        refuse(level, "leads to the GDT", entry_for(gdt, PTE_FLAT));
        refuse(level, "leads to the shared_info page", start_info->shared_info | PTE_FLAT);
    }
    refuse(1, "shared_info, uncached", start_info->shared_info | PTE_FLAT | PTE_PCD);
    accept(1, "shared_info, writable", start_info->shared_info | PTE_FLAT);
    refuse(2, "leads to a frame of the grant table",
           (*pte_of(grant_table(), 1) & PTE_MFN_MASK) | PTE_FLAT);
    test_need(!hypercall2(__HYPERVISOR_set_gdt, (unsigned long)&list, 0) && !page_writable(gdt),
              "the GDT cannot be taken back");
    pages_free(gdt, 1);
}

/* A top table without the guest in it: not even its handlers are there to take the page fault. */
static void crash_by_empty_top_table(void)
{
    test_need(!page_readonly(tables.spare), "a page cannot be made read-only");
    test_crashes_now("an empty top table");
    check_refused("an empty top table", mmuext_mfn(MMUEXT_NEW_BASEPTR, virt_to_mfn(tables.spare)));
}

int guest_main(void)
{
    tables_make();
    if (test_word("empty-top-table")) {
        crash_by_empty_top_table();
        return test_end();
    }
    test_need(
        !hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables),
        "no writable page tables");
    do {
        flags_above_l1();
        flags_of_l1();
        far_frames();
        others_frames();
        devices();
        tables_writable();
        wrong_children();
        lent_frames();
        rules_pins();
        rules_aliases();
        rules_misuse();
        rules_reservation();
    } while (test_round());
    return test_end();
}
