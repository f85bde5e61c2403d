/* SPDX-License-Identifier: MIT */
/*
 * printf on the PV console. The ring is frontends/console.c; here is what a kernel's words need
 * besides: they come before memory, events and time work, from handlers and from panics. So who
 * finds the ring full sleeps a millisecond at a time, without events. What is said before the ring
 * is known, or where there is none, goes to the hypervisor's log.
 */
#include "frontends/console.h"
#include "guest-abi/kit/internal.h"

#include <xen/sched.h>

#define MILLISECOND 1000000ul
#define SECOND      1000000000ul

struct console kit_console;
static bool hurry, lost;

void console_init(void)
{
    evtchn_port_t port;
    struct xencons_interface *page = os_console_page(&port);

    console_attach(&kit_console, page, port);
}

static void nap(void)
{
    struct sched_poll poll = {.nr_ports = 0, .timeout = time_now() + MILLISECOND};

    hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
}

/* All of it; or, in a hurry, what the reader takes within a second: then nothing more. */
static void put_all(const char *text, size_t bytes)
{
    uint64_t start = time_now();

    while (bytes && !lost) {
        size_t n = console_put(&kit_console, text, bytes);

        text += n;
        bytes -= n;
        if (!n)
            nap();
        lost = !n && hurry && time_now() - start > SECOND;
    }
}

/* A handler that prints must not come between. */
static void write_text(const char *text, size_t bytes)
{
    bool were_on = events_allowed();
    char chunk[256];
    size_t at = 0;

    if (!kit_console.page) {
        hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, bytes, (unsigned long)text);
        return;
    }
    events_off();
    for (size_t i = 0; i < bytes; i++) {
        if (at + 2 > sizeof(chunk)) {
            put_all(chunk, at);
            at = 0;
        }
        if (text[i] == '\n')
            chunk[at++] = '\r';
        chunk[at++] = text[i];
    }
    put_all(chunk, at);
    if (were_on)
        events_on();
}

int vprintf(const char *format, va_list args)
{
    char line[512], *all = NULL;
    va_list again;
    int length;

    va_copy(again, args);
    length = vsnprintf(line, sizeof(line), format, args);
    if ((size_t)length >= sizeof(line)) {
        all = os_alloc((size_t)length + 1);
        if (all)
            vsnprintf(all, (size_t)length + 1, format, again);
    }
    va_end(again);
    if (all)
        write_text(all, (size_t)length);
    else
        write_text(line, strlen(line));
    os_free(all);
    return length;
}

int printf(const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vprintf(format, args);
    va_end(args);
    return length;
}

void console_drain(uint64_t nanoseconds)
{
    uint64_t end = shared_info ? time_now() + nanoseconds : 0;

    while (end && !console_drained(&kit_console) && time_now() < end)
        nap();
}

void console_hurry(void)
{
    hurry = true;
}
