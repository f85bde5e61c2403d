/* SPDX-License-Identifier: MIT */
/*
 * Pins that contradict each other, top tables that are none, and tables written by a store: at
 * their address, at another, without the assist, and at one that the CPU still thinks writable.
 */
#include "tables.h"

static long pin(unsigned level, const void *page)
{
    return mmuext_mfn(MMUEXT_PIN_L1_TABLE + level - 1, virt_to_mfn(page));
}

static long unpin(const void *page)
{
    return mmuext_mfn(MMUEXT_UNPIN_TABLE, virt_to_mfn(page));
}

static void pin_strangers(void)
{
    static const struct {
        const char *name;
        unsigned long (*frame)(void);
    } strangers[] = {
        {"a frame behind all RAM", frame_beyond},
        {"a table of the hypervisor's", frame_hypervisor},
        {"the machine-to-physical table's frame", frame_m2p},
    };
    static const char *const names[] = {"pin as L1", "pin as L2", "pin as L3",
                                        "pin as L4", "unpin",     "top table"};
    char what[100];

    for (unsigned cmd = MMUEXT_PIN_L1_TABLE; cmd <= MMUEXT_NEW_BASEPTR; cmd++) {
        for (unsigned i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
            snprintf(what, sizeof(what), "%s of %s", names[cmd], strangers[i].name);
            check_refused(what, mmuext_mfn(cmd, strangers[i].frame()));
        }
        snprintf(what, sizeof(what), "%s of another domain's frame", names[cmd]);
        check_refused(what, mmuext_mfn(cmd, frame_foreign(5)));
    }
}

static void pin_twice(void)
{
    pte_t *p = tables.spare;

    check_refused("pin of a page that is mapped writable", pin(1, p));
    test_need(!page_readonly(p), "a page cannot be made read-only");
    check_refused("unpin of what is not pinned", unpin(p));
    check_done("pin as L1", pin(1, p));
    check_refused("pin again", pin(1, p));
    check_refused("pin as L2 of a pinned L1", pin(2, p));
    check_refused("a pinned table mapped writable", page_writable(p));
    check_refused("a pinned L1 as top table", mmuext_mfn(MMUEXT_NEW_BASEPTR, virt_to_mfn(p)));
    check_done("unpin", unpin(p));
    check_refused("unpin again", unpin(p));
    check_done("pin as L3 of what was an L1", pin(3, p));
    check_done("unpin", unpin(p));
    check_done("mapped writable after the last unpin", page_writable(p));
    check_refused("unpin of a table that hangs in another", unpin(tables.live[2]));
    check_done("pin of a table that hangs in another", pin(2, tables.live[2]));
    check_done("its unpin", unpin(tables.live[2]));
    check_goes_on("pins");
}

/* The hypervisor's own slots of a top table are its own. */
static void hypervisor_slots(void)
{
    long first = 0, rc;
    unsigned same = 0;
    pte_t *p = tables.spare;

    for (unsigned i = 256; i <= 271; i++) {
        rc = mmu_set(pte_machine(&tables.live[4][i]), entry_for(tables.child[3], PTE_FLAT));
        first = i == 256 ? rc : first;
        same += rc == first;
    }
    check(same == 16 && first < 0, "an entry in the slots 256 to 271", "%u times %s", same,
          answer_name(first));
    first = mmu_set(pte_machine(&tables.live[4][256]), 0);
    check_refused("slot 256 emptied", first);

    for (unsigned i = 0; i < 512; i++)
        p[i] = i >= 256 && i <= 271 ? ~0ul : 0;
    test_need(!page_readonly(p), "a page cannot be made read-only");
    check_done("pin of a top table with garbage in these slots", pin(4, p));
    check(p[256] != ~0ul, "the garbage is then", "%s", p[256] == ~0ul ? "there" : "gone");
    check_done("its unpin", unpin(p));
    test_need(!page_writable(p), "a table that was unpinned cannot be mapped writable");
    for (unsigned i = 256; i <= 271; i++)
        p[i] = 0;
}

static void base_pointers(void)
{
    check_refused("an L3 as top table",
                  mmuext_mfn(MMUEXT_NEW_BASEPTR, virt_to_mfn(tables.live[3])));
    check_refused("writable memory as top table",
                  mmuext_mfn(MMUEXT_NEW_BASEPTR, virt_to_mfn((void *)tables.data)));
    check_refused("the first frame of all as top table", mmuext_mfn(MMUEXT_NEW_BASEPTR, 0));
    check_refused("an L3 as top table of user mode",
                  mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(tables.live[3])));
    check_done("no top table of user mode", mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, 0));
}

void rules_pins(void)
{
    test_part("pins and top tables");
    pin_twice();
    pin_strangers();
    hypervisor_slots();
    base_pointers();
}

struct store {
    volatile void *to;
    uint64_t value;
    unsigned size;
};

static void store(void *context)
{
    const struct store *s = context;

    if (s->size == 8)
        *(volatile uint64_t *)s->to = s->value;
    else
        *(volatile uint8_t *)s->to = (uint8_t)s->value;
}

static void check_store(const char *what, volatile void *to, uint64_t value, unsigned size,
                        int vector)
{
    struct store s = {to, value, size};

    check_trap(what, store, &s, vector);
    check_goes_on(what);
}

/* Hypervisors may add bits of their own. */
static void check_there(const char *what, pte_t entry, pte_t wanted)
{
    bool there = !((entry ^ wanted) & (PTE_MFN_MASK | PTE_P | PTE_RW));

    check(there, what, "%s", there ? "there" : "not there");
}

/* An address that the CPU knows to be writable: the entry goes without a flush, and the page
 * becomes a table. */
static void stale_mapping(void)
{
    volatile uint64_t *alias = (volatile uint64_t *)(TEST_VA + PAGE_SIZE);
    pte_t entry = *pte_of((void *)alias, 1);

    test_part("a writable address that is not flushed");
    test_need(!map_page((void *)alias, entry_for(tables.spare, PTE_FLAT)) &&
                  !page_readonly(tables.spare),
              "no second address");
    alias[7] = 0;
    check_done("its entry emptied by mmu_update", mmu_set(pte_machine(&tables.live[1][1]), 0));
    check_done("the page pinned as a table", pin(1, tables.spare));
    check_store("a write there", &alias[7], entry_for(tables.live[1], PTE_FLAT), 8, TRAP_PF);
    check_done("unpin", unpin(tables.spare));
    test_need(!page_writable(tables.spare) && !map_page((void *)alias, entry),
              "a page cannot be made writable");
}

void rules_aliases(void)
{
    pte_t *alias = (pte_t *)(TEST_VA + PAGE_SIZE), good = entry_for((void *)tables.data, PTE_FLAT);
    pte_t *l1 = tables.live[1];

    test_part("tables written by a store");
    check_store("a good entry", &l1[2], good, 8, -1);
    check_there("it is", l1[2], good);
    check_store("one byte of it", &l1[2], 0, 1, -1);
    check(!(l1[2] & PTE_P), "the entry is", "%s", l1[2] & PTE_P ? "present" : "not present");
    check_store("eight bytes across two entries", (char *)&l1[2] + 4, 0, 8, TRAP_PF);
    check_store("a good entry into an L2", &tables.live[2][1], tables.live[2][1], 8, TRAP_PF);
    check_store("a good entry into an L3", &tables.live[3][1], tables.live[3][1], 8, TRAP_PF);
    check_store("an empty entry into the top table", &tables.live[4][SLOT + 1], 0, 8, TRAP_PF);
    test_need(!map_page(alias, entry_for(l1, PTE_P | PTE_US)), "no alias of an L1");
    check_store("a good entry by another address", &alias[2], good, 8, -1);
    check_store("a bad entry by another address", &alias[2], entry_for(l1, PTE_FLAT), 8, TRAP_PF);
    check_there("the good entry is", l1[2], good);
    check_store("an empty entry by another address", &alias[2], 0, 8, -1);
    test_need(!map_page(alias, entry_for((void *)tables.data, PTE_FLAT)), "an alias does not go");

    test_need(
        !hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables),
        "the assist cannot be switched off");
    check_store("a good entry without the assist", &l1[2], good, 8, TRAP_PF);
    test_need(
        !hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables),
        "the assist cannot be switched on");
    mmu_set(pte_machine(&l1[2]), 0);

    stale_mapping();

    test_part("a page with two addresses");
    test_need(!map_page(alias, entry_for(tables.spare, PTE_FLAT)) && !page_readonly(tables.spare),
              "no second address");
    check_refused("pin, writable at the other address", pin(1, tables.spare));
    test_need(!map_page(alias, entry_for((void *)tables.data, PTE_FLAT)), "an alias does not go");
    check_done("pin, when it is gone", pin(1, tables.spare));
    check_done("unpin", unpin(tables.spare));
    test_need(!page_writable(tables.spare), "a page cannot be made writable");
}
