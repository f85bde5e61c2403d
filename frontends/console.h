/* SPDX-License-Identifier: MIT */
/*
 * The paravirtual console: two byte rings in the page of start_info. Our own indices are kept
 * privately; where the other side's make no sense the ring is taken for empty, since there is
 * nobody to complain to. With no console page everything written vanishes.
 */
#ifndef FRONTENDS_CONSOLE_H
#define FRONTENDS_CONSOLE_H

#include "frontends/os.h"

#include <xen/io/console.h>

struct console {
    struct xencons_interface *page; /* NULL: no console */
    evtchn_port_t port;
    XENCONS_RING_IDX out_prod, in_cons;
};

/* Over os_console_page(), with a handler that only ends os_wait(). -XEN_ENODEV: no console. */
int console_open(struct console *c);
/* Over a page that the caller found, before there are events: puts work, waiting does not. */
void console_attach(struct console *c, struct xencons_interface *page, evtchn_port_t port);
/* Puts what fits, tells the reader, and never waits; returns how much. */
size_t console_put(struct console *c, const char *text, size_t len);
/* All of it, waiting in os_wait() while the ring is full. */
void console_write(struct console *c, const char *text, size_t len);
/* What has been typed, up to `size` bytes; 0 when nothing. Never waits. */
size_t console_get(struct console *c, char *text, size_t size);
/* Whether the reader has taken all that was put. */
bool console_drained(const struct console *c);

#endif
