/* SPDX-License-Identifier: MIT
 *
 * A circular doubly linked list whose head is a node like the others. Node memory is the caller's.
 */
#pragma once

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline void list_add_before(struct list *at, struct list *n)
{
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}
/* At the tail of the list whose head is `head`. */
static inline void list_append(struct list *head, struct list *n)
{
    list_add_before(head, n);
}
/* Takes n out and leaves it a list of its own, so that taking it out twice is harmless. */
static inline void list_remove(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}
#define list_entry(p, type, member) container_of(p, type, member)
