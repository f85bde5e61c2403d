/* SPDX-License-Identifier: MIT */
/*
 * Calls that name what is no table or no place for an entry, lists with a bad request in them, lies
 * about frames, whole pages.
 */
#include "tables.h"

#define HOLE_VA 0xffff800000000000ul

static void machphys(void)
{
    unsigned long own = virt_to_mfn(tables.spare), pfn = virt_to_pfn(tables.spare), seen = 0;
    static const struct {
        const char *name;
        unsigned long (*frame)(void);
    } strangers[] = {
        {"a frame behind all RAM", frame_beyond},
        {"a table of the hypervisor's", frame_hypervisor},
        {"its own frame", frame_m2p},
    };
    char what[100];

    test_part("the machine-to-physical table");
    for (unsigned i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        snprintf(what, sizeof(what), "a lie about %s", strangers[i].name);
        check_refused(what, mmu_update(strangers[i].frame() << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 1,
                                       NULL, DOMID_SELF));
    }
    check_refused(
        "a lie about another domain's frame",
        mmu_update(frame_foreign(5) << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 1, NULL, DOMID_SELF));
    check_done("a lie about one's own frame",
               mmu_update(own << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 0x1234, NULL, DOMID_SELF));
    check(m2p_read(own, &seen) && seen == 0x1234, "it is", "%s",
          seen == 0x1234 ? "there" : "not there");
    check_done("the truth again",
               mmu_update(own << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, pfn, NULL, DOMID_SELF));
}

/* mmu_update on what is no table of ours. */
static void no_tables(void)
{
    uint64_t plain = virt_to_mfn(tables.spare) << PAGE_SHIFT;

    test_part("mmu_update on what is no table");
    tables.spare[3] = 0;
    check_done("an ordinary page", mmu_set(plain + 24, 0xabcdef));
    check(tables.spare[3] == 0xabcdef, "it has", "%s",
          tables.spare[3] == 0xabcdef ? "the value" : "another value");
    check_refused("another domain's page", mmu_set(frame_foreign(5) << PAGE_SHIFT, 0));
    check_refused("the hypervisor's table", mmu_set(frame_hypervisor() << PAGE_SHIFT, 0));
    check_refused("the machine-to-physical table", mmu_set(frame_m2p() << PAGE_SHIFT, 0));
    check_refused("behind all RAM", mmu_set(frame_beyond() << PAGE_SHIFT, 0));
    check_refused("the local APIC", mmu_set(0xfee00000, 0));
    check_refused("an entry that is not aligned",
                  mmu_set(pte_machine(&tables.live[1][1]) + 4, tables.live[1][1]));
    check_goes_on("no tables");
}

static void va_mappings(void)
{
    pte_t good = entry_for((void *)tables.data, PTE_FLAT);
    static const struct {
        const char *name;
        unsigned long va;
    } places[] = {
        {"in the hypervisor's half", HOLE_VA},
        {"at the end of the hypervisor's half", 0xffff87fffffff000ul},
        {"at an address that is not canonical", 0x7fff100000000000},
        {"where there is no table", 0x0000700000000000ul},
    };

    test_part("update_va_mapping");
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        check_refused(places[i].name,
                      hypercall3(__HYPERVISOR_update_va_mapping, places[i].va, good, UVMF_INVLPG));
    check_done("flushed in both ways",
               hypercall3(__HYPERVISOR_update_va_mapping, TEST_VA + PAGE_SIZE, good, 3));
    check_refused("flushed for vCPUs that cannot be read",
                  hypercall3(__HYPERVISOR_update_va_mapping, TEST_VA + PAGE_SIZE, good,
                             HOLE_VA | UVMF_TLB_FLUSH));
    check_goes_on("update_va_mapping");
}

/* Lists of requests: the first bad one ends it, and what is done is told. */
static void lists(void)
{
    struct mmu_update r[3];
    unsigned done = 99;
    pte_t *l1 = tables.live[1], good = entry_for((void *)tables.data, PTE_FLAT);
    long rc;

    test_part("lists of requests");
    for (unsigned i = 0; i < 3; i++)
        r[i] = (struct mmu_update){pte_machine(&l1[4 + i]), good};
    r[1].val = entry_for(l1, PTE_FLAT);
    rc = hypercall4(__HYPERVISOR_mmu_update, (unsigned long)r, 3, (unsigned long)&done, DOMID_SELF);
    check_refused("the second of three is bad", rc);
    check(done == 1 && l1[4] && !l1[5] && !l1[6], "done are", "%u; entries %s %s %s", done,
          l1[4] ? "new" : "old", l1[5] ? "new" : "old", l1[6] ? "new" : "old");
    mmu_set(pte_machine(&l1[4]), 0);
    done = 99;
    check_done("a list of none", hypercall4(__HYPERVISOR_mmu_update, (unsigned long)r, 0,
                                            (unsigned long)&done, DOMID_SELF));
    check_refused("a list that is not mapped",
                  hypercall4(__HYPERVISOR_mmu_update, 0x700000000000, 1, 0, DOMID_SELF));
    check_refused("a list in the hypervisor's half",
                  hypercall4(__HYPERVISOR_mmu_update, HOLE_VA, 1, 0, DOMID_SELF));
    check_refused("a list around the end of all addresses",
                  hypercall4(__HYPERVISOR_mmu_update, -16ul, 3, 0, DOMID_SELF));
    r[0].val = 0;
    check_answer_any("the count of done where it cannot be written",
                     hypercall4(__HYPERVISOR_mmu_update, (unsigned long)r, 1, HOLE_VA, DOMID_SELF));
    check_goes_on("lists");
}

static void whole_pages(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_CLEAR_PAGE};

    test_part("whole pages");
    op.arg1.mfn = virt_to_mfn(tables.live[1]);
    check_refused("clear a table", mmuext(&op, DOMID_SELF));
    op.arg1.mfn = frame_foreign(5);
    check_refused("clear another domain's page", mmuext(&op, DOMID_SELF));
    op.arg1.mfn = virt_to_mfn(tables.spare);
    check_done("clear one's own page", mmuext(&op, DOMID_SELF));
    op = (struct mmuext_op){.cmd = MMUEXT_COPY_PAGE, .arg1.mfn = virt_to_mfn(tables.live[1])};
    op.arg2.src_mfn = virt_to_mfn(tables.spare);
    check_refused("copy onto a table", mmuext(&op, DOMID_SELF));
    op.arg1.mfn = virt_to_mfn(tables.spare);
    op.arg2.src_mfn = frame_foreign(5);
    check_refused("copy another domain's page", mmuext(&op, DOMID_SELF));
    op.arg2.src_mfn = frame_hypervisor();
    check_refused("copy a table of the hypervisor's", mmuext(&op, DOMID_SELF));
    op.arg2.src_mfn = virt_to_mfn(tables.live[1]);
    check_done("copy a table", mmuext(&op, DOMID_SELF));
    check_refused("mark a superpage", mmuext_mfn(MMUEXT_MARK_SUPER, virt_to_mfn(tables.spare)));
    check_refused("flush the caches", mmuext_mfn(MMUEXT_FLUSH_CACHE, 0));
    check_refused("flush all caches", mmuext_mfn(MMUEXT_FLUSH_CACHE_GLOBAL, 0));
    check_refused("an operation there is not", mmuext_mfn(77, 0));
    check_goes_on("whole pages");
}

void rules_misuse(void)
{
    machphys();
    no_tables();
    va_mappings();
    lists();
    whole_pages();
}
