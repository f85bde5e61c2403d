/* SPDX-License-Identifier: MIT */
/*
 * What a guest printed and nobody has read yet: a byte queue of bounded size that forgets the
 * oldest bytes when it is full. Memory is taken as it grows.
 */
#ifndef CONSOLED_BACKLOG_H
#define CONSOLED_BACKLOG_H

#include <stddef.h>

struct backlog {
    char *data;
    size_t start, used, room, limit; /* bytes; limit is fixed */
};

void backlog_init(struct backlog *b, size_t limit);
void backlog_free(struct backlog *b);
/* Without memory to grow, the oldest bytes make room. */
void backlog_add(struct backlog *b, const char *p, size_t n);
/* The longest run of bytes that can be written at once; drop what was written. */
const char *backlog_head(const struct backlog *b, size_t *n);
void backlog_drop(struct backlog *b, size_t n);

#endif
