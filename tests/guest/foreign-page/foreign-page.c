/* SPDX-License-Identifier: MIT */
/*
 * Another domain's pages, without its leave.
 *
 * On a bare machine every frame is the kernel's. Here a guest sees the numbers of all frames (the
 * machine-to-physical table is readable) and may name any domain in many calls, but has no right to
 * a frame that is not its own, unless the owner grants it to it or it is privileged. So: entries
 * with frames of dom0's and of the hypervisor's, foreigndom arguments, grants that do not exist,
 * are for somebody else, or name what cannot be granted (grants.c), calls that take a domid or a
 * frame (ids.c). All are refused, nothing is mapped, and the guest goes on.
 */
#include "foreign-page.h"

#define SAMPLES 64u

const struct domains others[NR_OTHERS] = {
    {"dom0", 0},
    {"DOMID_IO", DOMID_IO},
    {"DOMID_XEN", DOMID_XEN},
    {"DOMID_COW", DOMID_COW},
    {"DOMID_INVALID", DOMID_INVALID},
    {"DOMID_IDLE", DOMID_IDLE},
    {"a domain there is not", 0x6fff},
};

const char *with(const char *what, const char *who)
{
    static char text[120];

    snprintf(text, sizeof(text), "%s, %s", what, who);
    return text;
}

static pte_t to_frame(unsigned long mfn, pte_t flags)
{
    return mfn << PAGE_SHIFT | PTE_P | PTE_US | flags;
}

static void check_nothing_mapped(const char *what, const void *va)
{
    pte_t now = *pte_of(va, 1);

    if (now)
        check(false, what, "an entry is there");
}

/* Many frames: how many were refused, with the error of the first. */
static void map_samples(void *va, const char *what, pte_t flags)
{
    unsigned refused = 0, tried = 0;
    long first = 0;

    for (; tried < SAMPLES; tried++) {
        unsigned long mfn = frame_foreign(tried * 61);
        long rc;

        if (mfn == ~0ul)
            break;
        rc = map_page(va, to_frame(mfn, flags));
        first = tried ? first : rc;
        refused += rc < 0 && rc == first;
    }
    check(tried == SAMPLES && refused == tried, what, "%u of %u frames: %s", refused, tried,
          answer_name(first));
    check_nothing_mapped(what, va);
}

/* What the hypervisor keeps in its slots of every top table; one of them may be the table itself.
 */
static void map_hypervisor(void *va)
{
    unsigned present = 0, refused = 0;

    for (unsigned i = 256; i <= 271; i++) {
        pte_t entry = live_l4()[i];

        if (!(entry & PTE_P) || (entry & PTE_MFN_MASK) >> PAGE_SHIFT == live_l4_mfn())
            continue;
        present++;
        refused += map_page(va, to_frame((entry & PTE_MFN_MASK) >> PAGE_SHIFT, 0)) < 0;
    }
    check(present && refused == present, "the tables in the hypervisor's slots, to read",
          "refused");
    check_nothing_mapped("the hypervisor's slots", va);
}

static void by_foreigndom(void *va)
{
    uint64_t slot = pte_machine(pte_of(va, 1));
    pte_t entry = to_frame(frame_foreign(3), 0);
    domid_t own = own_domid();

    test_part("foreigndom");
    for (unsigned i = 0; i < NR_OTHERS; i++)
        check_refused(with("frames of", others[i].name),
                      mmu_update(slot, entry, NULL, others[i].id));
    for (unsigned i = 0; i < NR_OTHERS; i++)
        check_refused(with("tables of", others[i].name),
                      mmu_update(slot, entry, NULL, DOMID_SELF | (others[i].id + 1u) << 16));
    for (unsigned i = 0; i < NR_OTHERS; i++)
        check_refused(with("update_va_mapping_otherdomain", others[i].name),
                      hypercall4(__HYPERVISOR_update_va_mapping_otherdomain, (unsigned long)va,
                                 entry, UVMF_INVLPG, others[i].id));
    check_refused("frames of its own id", mmu_update(slot, entry, NULL, own));
    check_refused("dom0's table and dom0's frame",
                  mmu_update(frame_foreign(3) << PAGE_SHIFT, entry, NULL, 1u << 16));
    check_refused("a lie about dom0's frame, as dom0",
                  mmu_update(frame_foreign(3) << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 1, NULL, 0));
    check_nothing_mapped("foreigndom", va);
}

static void by_mmuext(void)
{
    static const struct {
        const char *name;
        unsigned cmd;
    } cmds[] = {
        {"pin as L1", MMUEXT_PIN_L1_TABLE},
        {"unpin", MMUEXT_UNPIN_TABLE},
        {"top table", MMUEXT_NEW_BASEPTR},
        {"flush", MMUEXT_TLB_FLUSH_LOCAL},
        {"clear", MMUEXT_CLEAR_PAGE},
        {"copy", MMUEXT_COPY_PAGE},
        {"LDT", MMUEXT_SET_LDT},
    };

    test_part("mmuext_op on others");
    for (unsigned i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
        struct mmuext_op op = {.cmd = cmds[i].cmd, .arg1.mfn = frame_foreign(3)};

        check_refused(with(cmds[i].name, "dom0"), mmuext(&op, 0));
        check_refused(with(cmds[i].name, "DOMID_XEN"), mmuext(&op, DOMID_XEN));
        check_refused(with(cmds[i].name, "a domain there is not"), mmuext(&op, 0x6fff));
    }
}

int guest_main(void)
{
    void *va = va_reserve(1), *page = pages_alloc(1);

    test_need(va && page, "no page");
    do {
        test_part("entries");
        map_samples(va, "another domain's frames, to read", 0);
        map_samples(va, "another domain's frames, to write", PTE_RW);
        map_hypervisor(va);
        by_foreigndom(va);
        by_mmuext();
        by_grants(page, va);
        by_domain_ids(page);
    } while (test_round());
    return test_end();
}
