/* SPDX-License-Identifier: MIT */
/* What vbd.c (the data path) and vbd_life.c (its beginning and end) know of each other. */
#ifndef BLKD_VBD_PRIVATE_H
#define BLKD_VBD_PRIVATE_H

#include "backends/blkd/vbd.h"

/* Lists of slots, first in, first out. */
static inline void slots_clear(struct slot_list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static inline void slots_add(struct slot_list *l, struct slot *s)
{
    s->next = NULL;
    *l->end = s;
    l->end = &s->next;
}

static inline struct slot *slots_take(struct slot_list *l)
{
    struct slot *s = l->first;

    if (s) {
        l->first = s->next;
        if (!l->first)
            l->end = &l->first;
    }
    return s;
}

/* Writes an answer into the ring, unseen by the frontend yet. */
void vbd_put_answer(struct vbd *v, uint32_t index, uint64_t id, uint8_t operation, int16_t status);
/* Judges the request in the slot's journal: refused, or on the list taken. */
void vbd_look_at(struct slot *s);
/* All that are on the list taken, to the kernel. */
void vbd_start_taken(struct vbd *v);
/* The end of a slot's I/O. */
void vbd_completed(struct io_op *op, int result);

#endif
