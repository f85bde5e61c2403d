/* SPDX-License-Identifier: MIT */
/* epoll, wrapped; see loop.h. */
#include "xenstore/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

static int epoll = -1;

int loop_init(void)
{
    epoll = epoll_create1(EPOLL_CLOEXEC);
    return epoll < 0 ? -1 : 0;
}

int loop_add(struct watched *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, w->fd, &e);
}

int loop_change(struct watched *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};
    return epoll_ctl(epoll, EPOLL_CTL_MOD, w->fd, &e);
}

void loop_remove(struct watched *w)
{
    epoll_ctl(epoll, EPOLL_CTL_DEL, w->fd, NULL); /* closing it does the same */
}

int loop_once(bool dont_wait)
{
    struct epoll_event event[64];
    int n = epoll_wait(epoll, event, 64, dont_wait ? 0 : -1);
    if (n < 0)
        return errno == EINTR ? 0 : -1;
    for (int i = 0; i < n; i++) {
        struct watched *w = event[i].data.ptr;
        w->on(w, event[i].events);
    }
    return 0;
}
