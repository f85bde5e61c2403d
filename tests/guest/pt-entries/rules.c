/* SPDX-License-Identifier: MIT */
/*
 * What is refused whatever the value: pins that contradict each other, tables written by another
 * door, calls that name what is no table, frames given away while they are one.
 */
#include "tables.h"

#include <xen/memory.h>

#define NO_TABLE_VA 0xffff100000000000ul /* is not canonical */
#define HOLE_VA     0xffff800000000000ul

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
    check_refused("frame 0 as top table", mmuext_mfn(MMUEXT_NEW_BASEPTR, 0));
    check_refused("an L3 as top table of user mode",
                  mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(tables.live[3])));
    check_done("frame 0 as top table of user mode", mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, 0));
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

    test_part("a page with two addresses");
    test_need(!map_page(alias, entry_for(tables.spare, PTE_FLAT)) && !page_readonly(tables.spare),
              "no second address");
    check_refused("pin, writable at the other address", pin(1, tables.spare));
    test_need(!map_page(alias, entry_for((void *)tables.data, PTE_FLAT)), "an alias does not go");
    check_done("pin, when it is gone", pin(1, tables.spare));
    check_done("unpin", unpin(tables.spare));
    test_need(!page_writable(tables.spare), "a page cannot be made writable");
}

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
        {"at an address that is not canonical", NO_TABLE_VA & 0x7ffffffffffffffful},
        {"where there is no table", 0x0000700000000000ul},
        {"at the end of the last page of all", ~0ul},
    };
    char what[100];

    test_part("update_va_mapping");
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]) - 1; i++) {
        snprintf(what, sizeof(what), "%s", places[i].name);
        check_refused(what,
                      hypercall3(__HYPERVISOR_update_va_mapping, places[i].va, good, UVMF_INVLPG));
    }
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

static long give_up(unsigned long mfn, unsigned order)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .extent_order = order, .domid = DOMID_SELF};
    xen_pfn_t frame = mfn;

    set_xen_guest_handle(r.extent_start, &frame);
    return hypercall_op(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r);
}

/* Exchanges one or two frames, the last of them a bad one: refused, and told how many were
 * exchanged before. What came for the first is then the spare page's frame. */
static void exchange(const char *what, unsigned long first, unsigned long second, unsigned n,
                     unsigned order_out)
{
    unsigned long pfn = virt_to_pfn(tables.spare);
    xen_pfn_t in[2] = {first, second}, out[2] = {pfn, pfn};
    struct xen_memory_exchange x = {.in = {.nr_extents = n, .domid = DOMID_SELF},
                                    .out = {.nr_extents = 1ul << (n / 2) >> order_out,
                                            .extent_order = order_out,
                                            .domid = DOMID_SELF}};

    set_xen_guest_handle(x.in.extent_start, in);
    set_xen_guest_handle(x.out.extent_start, out);
    check_refused(what, hypercall_op(__HYPERVISOR_memory_op, XENMEM_exchange, &x));
    if (n == 2)
        check(x.nr_exchanged <= 1, what, "%lu exchanged", x.nr_exchanged);
    else if (x.nr_exchanged)
        check(false, what, "%lu exchanged", x.nr_exchanged);
    if (x.nr_exchanged == 1)
        ((unsigned long *)start_info->mfn_list)[pfn] = out[0];
    check_goes_on(what);
}

void rules_reservation(void)
{
    unsigned long spare = virt_to_mfn(tables.spare);

    test_part("frames given up");
    check_answer("another domain's", give_up(frame_foreign(5), 0), 0);
    check_answer("the hypervisor's", give_up(frame_hypervisor(), 0), 0);
    check_answer("behind all RAM", give_up(frame_beyond(), 0), 0);
    check_answer_any("shared_info", give_up(start_info->shared_info >> PAGE_SHIFT, 0));
    check(give_up(spare, 40) <= 0, "of an order that no machine has", "none");

    test_part("frames exchanged");
    exchange("a table", virt_to_mfn(tables.live[1]), 0, 1, 0);
    exchange("another domain's", frame_foreign(5), 0, 1, 0);
    exchange("the hypervisor's", frame_hypervisor(), 0, 1, 0);
    exchange("behind all RAM", frame_beyond(), 0, 1, 0);
    exchange("a page that is mapped", spare, 0, 1, 0);
    test_need(!map_page(tables.spare, 0), "a page cannot be unmapped");
    exchange("the second of two is a table", spare, virt_to_mfn(tables.live[1]), 2, 0);
    spare = virt_to_mfn(tables.spare);
    exchange("twice the same", spare, spare, 2, 1);
    exchange("for more than there was", spare, 0, 1, 3);
    check_done("the page is still there",
               map_page(tables.spare, entry_for(tables.spare, PTE_FLAT)));
}
