/* SPDX-License-Identifier: MIT */
/* The daemon's wait: descriptors with a function each, over epoll. One thread, so one loop. */
#ifndef XENSTORE_LOOP_H
#define XENSTORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watched {
    int fd;
    void (*on)(struct watched *w, uint32_t events); /* EPOLL* */
};

/* Each 0, or -1 with errno. w lives until loop_remove(). */
int loop_init(void);
int loop_add(struct watched *w, uint32_t events);
int loop_change(struct watched *w, uint32_t events);
void loop_remove(struct watched *w);
/* Waits (not at all when dont_wait) and calls; nothing may be freed by the functions called. */
int loop_once(bool dont_wait);

#endif
