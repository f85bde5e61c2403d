/* SPDX-License-Identifier: MIT */
/* Pages that a backend may use; see granted.h. */
#include "frontends/granted.h"

int granted_open(struct granted *g, domid_t domid, bool readonly)
{
    struct grave *grave = os_alloc(sizeof(*grave));
    void *page = os_pages_alloc(1);
    int err =
        grave != NULL && page != NULL ? os_grant(domid, page, readonly, &g->ref) : -XEN_ENOMEM;

    if (err != 0) {
        os_free(grave);
        if (page != NULL)
            os_pages_free(page, 1);
        return err;
    }
    g->page = page;
    g->grave = grave;
    return 0;
}

void granted_close(struct granted *g, struct graveyard *y)
{
    if (g->page == NULL)
        return;
    if (os_grant_end(g->ref) == 0) {
        os_pages_free(g->page, 1);
        os_free(g->grave);
    } else {
        *g->grave = (struct grave){.next = y->graves, .page = g->page, .ref = g->ref};
        y->graves = g->grave;
        y->pages++;
    }
    g->page = NULL;
    g->grave = NULL;
}

void graveyard_sweep(struct graveyard *y)
{
    struct grave **at = &y->graves;

    while (*at != NULL) {
        struct grave *grave = *at;
        if (os_grant_end(grave->ref) != 0) {
            at = &grave->next;
            continue;
        }
        *at = grave->next;
        os_pages_free(grave->page, 1);
        os_free(grave);
        y->pages--;
    }
}
