/* SPDX-License-Identifier: MIT */
/* The paravirtual console; see console.h. */
#include "frontends/console.h"

static uint32_t load(const XENCONS_RING_IDX *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void publish(XENCONS_RING_IDX *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* before the other side's index is looked at again */
}

void console_attach(struct console *c, struct xencons_interface *page, evtchn_port_t port)
{
    c->page = page;
    c->port = port;
    if (page != NULL) {
        c->out_prod = load(&page->out_prod);
        c->in_cons = load(&page->in_cons);
    }
}

int console_open(struct console *c)
{
    evtchn_port_t port = 0;

    console_attach(c, os_console_page(&port), port);
    c->port = port;
    return c->page == NULL ? -XEN_ENODEV : os_event_bind(port, os_event_ignore, c);
}

size_t console_put(struct console *c, const char *text, size_t len)
{
    if (c->page == NULL)
        return len;
    uint32_t cons = load(&c->page->out_cons), used = c->out_prod - cons;
    if (used > sizeof(c->page->out)) {
        c->out_prod = cons;
        used = 0;
    }
    size_t room = sizeof(c->page->out) - used, n = len < room ? len : room;
    if (n == 0)
        return 0;
    size_t at = MASK_XENCONS_IDX(c->out_prod, c->page->out);
    size_t first = sizeof(c->page->out) - at < n ? sizeof(c->page->out) - at : n;
    memcpy(c->page->out + at, text, first);
    memcpy(c->page->out, text + first, n - first);
    c->out_prod += (uint32_t)n;
    publish(&c->page->out_prod, c->out_prod);
    os_event_send(c->port);
    return n;
}

void console_write(struct console *c, const char *text, size_t len)
{
    for (;;) {
        size_t n = console_put(c, text, len);
        if (n == len)
            return;
        text += n;
        len -= n;
        if (n == 0)
            os_wait(OS_NEVER);
    }
}

size_t console_get(struct console *c, char *text, size_t size)
{
    if (c->page == NULL)
        return 0;
    uint32_t prod = load(&c->page->in_prod), there = prod - c->in_cons;
    if (there > sizeof(c->page->in)) {
        c->in_cons = prod;
        there = 0;
    }
    size_t n = there < size ? there : size;
    size_t at = MASK_XENCONS_IDX(c->in_cons, c->page->in);
    size_t first = sizeof(c->page->in) - at < n ? sizeof(c->page->in) - at : n;
    memcpy(text, c->page->in + at, first);
    memcpy(text + first, c->page->in, n - first);
    if (n > 0) {
        c->in_cons += (uint32_t)n;
        publish(&c->page->in_cons, c->in_cons);
        os_event_send(c->port);
    }
    return n;
}

bool console_drained(const struct console *c)
{
    return c->page == NULL || load(&c->page->out_cons) == c->out_prod;
}
