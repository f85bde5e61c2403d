/* SPDX-License-Identifier: MIT */
/*
 * What both domains of this test know. They go through the same list of steps: in each, first the
 * owner does its part, then the user, then the owner looks. A control page that the owner grants
 * says how far each is.
 */
#ifndef GRANT_PAIR_H
#define GRANT_PAIR_H

#include "tests/guest/lib/check.h"
#include "tests/guest/lib/frames.h"
#include "tests/guest/lib/grants.h"

/* References in the owner's table. */
enum {
    REF_CONTROL = GRANT_FIRST,
    REF_DATA,     /* one page, to write */
    REF_READONLY, /* another, to read */
    REF_LOST,     /* a page that the owner gives up while it is mapped */
    REF_ZAPPED,   /* a page whose mapping the user forgets */
    REF_SPARE,    /* nothing yet */
};

struct control {
    uint32_t at[2]; /* steps done, by the owner and by the user */
};

extern domid_t peer;

struct step {
    const char *name;
    void (*owner)(void), (*user)(void), (*look)(void); /* NULL: nothing */
};
extern const struct step steps[];
extern const unsigned nr_steps;

void owner_prepare(struct control *control);
struct control *user_prepare(void);

void owner_grants(void), owner_sees_use(void), owner_sees_end(void), owner_sees_idle(void),
    owner_ends(void);
void owner_revokes(void), owner_abuses_page(void), owner_gives_up(void), owner_after_zap(void);
void owner_grants_again(void), owner_maps_onward(void), owner_version(void);
void user_maps(void), user_writes_after_revoke(void), user_unmaps(void), user_after_end(void);
void user_readonly(void), user_abuses_frame(void), user_handles(void), user_halves(void);
void user_entries(void), user_replaces(void), user_fills_handles(void), user_copies(void);
void user_maps_lost(void), user_unmaps_lost(void), user_forgets(void), user_grants_onward(void);
void user_ends_onward(void);

#endif
