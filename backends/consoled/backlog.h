/* SPDX-License-Identifier: MIT */
/*
 * Bytes that wait for somebody: a reader of the terminal, room on the disk. A queue of bounded size
 * that forgets the oldest bytes when it is full and counts them. Memory is taken as it grows.
 */
#ifndef CONSOLED_BACKLOG_H
#define CONSOLED_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

struct backlog {
    char *data;
    size_t start, used, room, limit; /* bytes; limit is fixed */
    uint64_t lost;                   /* forgotten before what is at the head now; 0 by the owner */
};

void backlog_init(struct backlog *b, size_t limit);
void backlog_free(struct backlog *b);
/* Without memory to grow, the oldest bytes make room. */
void backlog_add(struct backlog *b, const char *p, size_t n);
/* Puts what was dropped back in front; of it what there is room for, from its end. */
void backlog_put_back(struct backlog *b, const char *p, size_t n);
/* The longest run of bytes that can be written at once; drop what was written. */
const char *backlog_head(const struct backlog *b, size_t *n);
void backlog_drop(struct backlog *b, size_t n);

#endif
