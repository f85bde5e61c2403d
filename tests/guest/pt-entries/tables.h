/* SPDX-License-Identifier: MIT */
/*
 * The tables of this test and the ways to get an entry into one. A live set hangs in slot SLOT of
 * the top table: entry 0 of each leads to one writable data page, entry 1 to something harmless,
 * and entry 1 is what the ways try to change. A spare page becomes a table with the bad entry in it
 * for those ways that hand over a whole table.
 */
#ifndef PT_ENTRIES_TABLES_H
#define PT_ENTRIES_TABLES_H

#include "tests/guest/lib/check.h"
#include "tests/guest/lib/frames.h"

#define SLOT          400u /* of the top table; SLOT + 1 is the entry that is tried on */
#define TEST_VA       (0xffff000000000000ul | (unsigned long)SLOT << 39)
#define SOFTWARE_BITS 0x7ff0000000000e00ul
#define PTE_FLAT      (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)

struct tables {
    pte_t *live[5];          /* 1 to 4; read-only for us */
    pte_t *child[4];         /* 1 to 3: empty tables, what entry 1 of the level above names */
    pte_t *spare;            /* writable */
    volatile uint64_t *data; /* what TEST_VA maps, in the kernel's window */
};
extern struct tables tables;

/* An entry to be tried: `self` puts the frame of the table itself in. */
struct entry {
    const char *name;
    unsigned level;
    pte_t value;
    bool self;
};

void tables_make(void);
pte_t entry_for(const void *page, pte_t flags);

/* Tries the entry by each way there is for its level, one line a way. Every way must refuse it, and
 * leave everything as it was. */
void try_refused(const struct entry *e);
/* It is taken by mmu_update, and the old value put back. */
void try_accepted(const struct entry *e);
/* The data page is what it was, by its two addresses. */
void check_goes_on(const char *after);

/* rules.c, misuse.c, reservation.c: what is not a matter of the value alone */
void rules_pins(void);
void rules_aliases(void);
void rules_misuse(void);
void rules_reservation(void);

#endif
