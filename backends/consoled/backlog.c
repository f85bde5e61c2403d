/* SPDX-License-Identifier: MIT */
/* A queue that grows up to its limit: see backlog.h. */
#include "backends/consoled/backlog.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 4096u

void backlog_init(struct backlog *b, size_t limit)
{
    *b = (struct backlog){.limit = limit};
}

void backlog_free(struct backlog *b)
{
    free(b->data);
    b->data = NULL;
    b->start = b->used = b->room = 0;
}

static void grow(struct backlog *b, size_t need)
{
    size_t room = b->room ? b->room : FIRST_ROOM;
    size_t first = b->room - b->start;
    char *data;

    while (room < need && room < b->limit)
        room *= 2;
    if (room > b->limit)
        room = b->limit;
    if (room <= b->room || !(data = malloc(room)))
        return;
    if (first > b->used)
        first = b->used;
    if (b->used) {
        memcpy(data, b->data + b->start, first);
        memcpy(data + first, b->data, b->used - first);
    }
    free(b->data);
    b->data = data;
    b->start = 0;
    b->room = room;
}

void backlog_add(struct backlog *b, const char *p, size_t n)
{
    grow(b, b->used + n);
    if (n > b->room) { /* only its end fits */
        b->lost += n - b->room;
        p += n - b->room;
        n = b->room;
    }
    if (b->used + n > b->room) {
        size_t over = b->used + n - b->room;

        b->lost += over;
        backlog_drop(b, over);
    }
    for (size_t done = 0; done < n;) {
        size_t at = (b->start + b->used) % b->room;
        size_t run = b->room - at < n - done ? b->room - at : n - done;

        memcpy(b->data + at, p + done, run);
        b->used += run;
        done += run;
    }
}

void backlog_put_back(struct backlog *b, const char *p, size_t n)
{
    grow(b, b->used + n);
    if (n > b->room - b->used) {
        b->lost += n - (b->room - b->used);
        p += n - (b->room - b->used);
        n = b->room - b->used;
    }
    for (size_t i = n; i > 0; i--) {
        b->start = b->start ? b->start - 1 : b->room - 1;
        b->data[b->start] = p[i - 1];
        b->used++;
    }
}

const char *backlog_head(const struct backlog *b, size_t *n)
{
    size_t first = b->room - b->start;

    *n = b->used < first ? b->used : first;
    return b->data + b->start;
}

void backlog_drop(struct backlog *b, size_t n)
{
    b->used -= n;
    b->start = b->used ? (b->start + n) % b->room : 0;
}
