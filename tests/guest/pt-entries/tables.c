/* SPDX-License-Identifier: MIT */
/* The tables and the ways in of tables.h. */
#include "tables.h"

struct tables tables;

pte_t entry_for(const void *page, pte_t flags)
{
    return virt_to_mfn(page) << PAGE_SHIFT | flags;
}

static pte_t *page(void)
{
    pte_t *p = pages_alloc(1);

    test_need(p != NULL, "no memory");
    return p;
}

static void freeze(void *p)
{
    test_need(!page_readonly(p), "a page cannot be made read-only");
}

static pte_t *l4_slot(void)
{
    return &live_l4()[SLOT];
}

void tables_make(void)
{
    struct tables *t = &tables;

    t->spare = page();
    t->data = (volatile uint64_t *)page();
    for (int level = 1; level <= 3; level++) {
        t->live[level] = page();
        t->child[level] = page();
        freeze(t->child[level]);
    }
    t->live[4] = live_l4();
    for (int level = 1; level <= 3; level++) {
        const void *first = level == 1 ? (void *)t->data : t->live[level - 1];
        const void *second = level == 1 ? (void *)t->data : t->child[level - 1];

        t->live[level][0] = entry_for(first, PTE_FLAT);
        t->live[level][1] = entry_for(second, PTE_FLAT);
        freeze(t->live[level]);
    }
    test_need(!mmu_set(pte_machine(l4_slot()), entry_for(t->live[3], PTE_FLAT)) &&
                  !mmu_set(pte_machine(l4_slot() + 1), entry_for(t->child[3], PTE_FLAT)),
              "good tables are refused");
    *t->data = 1;
    check_goes_on("good tables");
}

void check_goes_on(const char *after)
{
    volatile uint64_t *alias = (volatile uint64_t *)TEST_VA;

    (*tables.data)++;
    if (*alias != *tables.data)
        check(false, after, "the data page is not the same by its two addresses");
    (*alias)++;
    if (*alias != *tables.data)
        check(false, after, "a write did not reach the data page");
}

static volatile pte_t *tried_entry(unsigned level)
{
    return level == 4 ? l4_slot() + 1 : &tables.live[level][1];
}

static const char *line(const struct entry *e, const char *way)
{
    static char text[120];

    snprintf(text, sizeof(text), "L%u %s, %s", e->level, e->name, way);
    return text;
}

static pte_t value_in(const struct entry *e, const void *table)
{
    return e->self ? virt_to_mfn(table) << PAGE_SHIFT | e->value : e->value;
}

/* After a refusal: the entry has its old value. */
static void check_unchanged(const struct entry *e, pte_t before)
{
    pte_t now = *tried_entry(e->level);

    if (now != before) {
        check(false, e->name, "the entry has changed");
        mmu_set(pte_machine((const pte_t *)tried_entry(e->level)), before);
    }
    check_goes_on(e->name);
}

static void by_mmu_update(const struct entry *e, unsigned command, const char *way)
{
    const pte_t *slot = (const pte_t *)tried_entry(e->level);
    pte_t before = *slot;
    unsigned done = 99;
    long rc = mmu_update(pte_machine(slot) | command, value_in(e, slot), &done, DOMID_SELF);

    check_refused(line(e, way), rc);
    if (done)
        check(false, line(e, way), "%u done", done);
    check_unchanged(e, before);
}

static void by_va_mapping(const struct entry *e)
{
    pte_t before = *tried_entry(1);

    check_refused(line(e, "update_va_mapping"),
                  map_page((void *)(TEST_VA + PAGE_SIZE), value_in(e, tables.live[1])));
    check_unchanged(e, before);
}

struct store {
    volatile pte_t *to;
    pte_t value;
};

static void store(void *context)
{
    const struct store *s = context;

    *s->to = s->value;
}

/* An ordinary store to the table, which the hypervisor emulates for good entries. */
static void by_store(const struct entry *e)
{
    struct store s = {tried_entry(1), value_in(e, tables.live[1])};
    pte_t before = *s.to;

    check_trap(line(e, "a store"), store, &s, TRAP_PF);
    check_unchanged(e, before);
}

/* The spare page as a table: entry 0 good, the last one bad. */
static void fill_spare(const struct entry *e)
{
    for (unsigned i = 0; i < 512; i++)
        tables.spare[i] = 0;
    tables.spare[0] =
        entry_for(e->level == 1 ? (void *)tables.data : tables.child[e->level - 1], PTE_FLAT);
    tables.spare[511] = value_in(e, tables.spare);
    freeze(tables.spare);
}

/* Nothing of the refused table may be left: neither its use nor that of the page in entry 0. */
static void empty_spare(const struct entry *e)
{
    if (page_writable(tables.spare))
        check(false, e->name, "the refused table is still in use as one");
    else
        tables.spare[0] = tables.spare[511] = 0;
    check_goes_on(e->name);
}

static void by_pin(const struct entry *e)
{
    long rc;

    fill_spare(e);
    rc = mmuext_mfn(MMUEXT_PIN_L1_TABLE + e->level - 1, virt_to_mfn(tables.spare));
    if (!check_refused(line(e, "pin of a table"), rc))
        mmuext_mfn(MMUEXT_UNPIN_TABLE, virt_to_mfn(tables.spare));
    empty_spare(e);
}

/* The whole table is hooked in one level above. */
static void by_hook(const struct entry *e)
{
    struct entry above = {.level = e->level + 1};
    const pte_t *slot = (const pte_t *)tried_entry(above.level);
    pte_t before = *slot;

    fill_spare(e);
    check_refused(line(e, "a table hooked in"),
                  mmu_set(pte_machine(slot), entry_for(tables.spare, PTE_FLAT)));
    above.name = e->name;
    check_unchanged(&above, before);
    empty_spare(e);
}

static void by_baseptr(const struct entry *e, unsigned command, const char *way)
{
    pte_t *before = live_l4();

    fill_spare(e);
    check_refused(line(e, way), mmuext_mfn(command, virt_to_mfn(tables.spare)));
    if (live_l4() != before)
        check(false, e->name, "the top table has changed");
    empty_spare(e);
}

void try_refused(const struct entry *e)
{
    by_mmu_update(e, MMU_NORMAL_PT_UPDATE, "mmu_update");
    by_pin(e);
    if (e->level == 1) {
        by_mmu_update(e, MMU_PT_UPDATE_PRESERVE_AD, "mmu_update keeping A and D");
        by_va_mapping(e);
        by_store(e);
    }
    if (e->level < 4) {
        by_hook(e);
    } else {
        by_baseptr(e, MMUEXT_NEW_BASEPTR, "new top table");
        by_baseptr(e, MMUEXT_NEW_USER_BASEPTR, "new top table of user mode");
    }
}

void try_accepted(const struct entry *e)
{
    const pte_t *slot = (const pte_t *)tried_entry(e->level);
    pte_t before = *slot;

    check_done(line(e, "mmu_update"), mmu_set(pte_machine(slot), value_in(e, slot)));
    if (mmu_set(pte_machine(slot), before))
        check(false, e->name, "the old value is refused");
    check_goes_on(e->name);
}
