/* SPDX-License-Identifier: MIT */
/*
 * Grants, used after their end, in part, twice, by the wrong handle, and fuller than full. Two
 * domains: the first owns the pages, the second uses them.
 *
 * The ABI promises: a grant is what its entry says when it is used first; while it is in use its
 * status bits are set, the frame stays the owner's memory and can become neither a page table nor
 * another domain's, whatever the owner writes into the entry or does with the frame. After the last
 * unmap the bits are clear, no address leads to the frame any more, and a use needs a new look at
 * the entry. A mapping is undone by its handle and its own address only, each half once. The user
 * has the frame, not the right to pass it on.
 *
 * owner.c and user.c are the two sides, copies.c the user's copies.
 */
#include "pair.h"

domid_t peer;
static struct control *control;
static bool owner;

const struct step steps[] = {
    {"a grant mapped", owner_grants, user_maps, owner_sees_use},
    {"revoked while it is mapped", owner_revokes, user_writes_after_revoke, owner_abuses_page},
    {"a version switch while it is mapped", owner_version, NULL, NULL},
    {"unmapped", NULL, user_unmaps, owner_sees_end},
    {"ended", owner_ends, user_after_end, NULL},
    {"granted to read", owner_grants_again, user_readonly, NULL},
    {"a granted frame as something else", NULL, user_abuses_frame, NULL},
    {"a granted frame granted onward", NULL, user_grants_onward, owner_maps_onward},
    {"and no more", NULL, user_ends_onward, NULL},
    {"handles", NULL, user_handles, NULL},
    {"halves", NULL, user_halves, NULL},
    {"entries by machine address", NULL, user_entries, NULL},
    {"replaced", NULL, user_replaces, NULL},
    {"all handles", NULL, user_fills_handles, NULL},
    {"copies", NULL, user_copies, owner_sees_idle},
    {"a page given up while it is mapped", NULL, user_maps_lost, owner_gives_up},
    {"and unmapped", NULL, user_unmaps_lost, NULL},
    {"a mapping forgotten", NULL, user_forgets, owner_after_zap},
};
const unsigned nr_steps = sizeof(steps) / sizeof(steps[0]);

/* Tells the other side that this one is done with step n, and waits until that is, too. */
static void meet(uint32_t n)
{
    __atomic_store_n(&control->at[!owner], n, __ATOMIC_RELEASE);
    while ((int32_t)(__atomic_load_n(&control->at[owner], __ATOMIC_ACQUIRE) - n) < 0)
        time_sleep(1000000);
}

static void do_part(const struct step *s, void (*part)(void))
{
    if (!part)
        return;
    test_part(s->name);
    part();
}

int guest_main(void)
{
    uint32_t n = 0;

    owner = test_word("first");
    if (!owner && !test_word("second"))
        test_skip("neither 'first' nor 'second' on the command line");
    peer = (domid_t)(own_domid() + (owner ? 1 : -1));
    if (owner) {
        control = pages_alloc(1);
        owner_prepare(control);
    } else {
        control = user_prepare();
    }
    meet(++n);
    do {
        for (unsigned i = 0; i < nr_steps; i++) {
            if (owner)
                do_part(&steps[i], steps[i].owner);
            meet(++n);
            if (!owner)
                do_part(&steps[i], steps[i].user);
            meet(++n);
            if (owner)
                do_part(&steps[i], steps[i].look);
            meet(++n);
        }
    } while (test_round());
    return test_end();
}
