/* SPDX-License-Identifier: MIT */
/* Pages that a backend may use; see granted.h. */
#include "frontends/granted.h"

int granted_open(struct granted *g, domid_t domid, bool readonly)
{
    void *page = os_pages_alloc(1);

    if (page == NULL)
        return -XEN_ENOMEM;
    int err = os_grant(domid, page, readonly, &g->ref);
    if (err != 0) {
        os_pages_free(page, 1);
        return err;
    }
    g->page = page;
    return 0;
}

void granted_close(struct granted *g, struct graveyard *y)
{
    if (g->page == NULL)
        return;
    if (os_grant_end(g->ref) == 0) {
        os_pages_free(g->page, 1);
    } else {
        struct grave *grave = os_alloc(sizeof(*grave));
        y->pages++;
        if (grave != NULL) {
            grave->granted = *g;
            grave->next = y->graves;
            y->graves = grave;
        }
    }
    g->page = NULL;
}

void graveyard_sweep(struct graveyard *y)
{
    struct grave **at = &y->graves;

    while (*at != NULL) {
        struct grave *grave = *at;
        if (os_grant_end(grave->granted.ref) != 0) {
            at = &grave->next;
            continue;
        }
        *at = grave->next;
        os_pages_free(grave->granted.page, 1);
        os_free(grave);
        y->pages--;
    }
}
