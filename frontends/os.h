/* SPDX-License-Identifier: MIT */
/*
 * What the frontends ask of the kernel they live in: all of it is here. A kernel that is ported to
 * these drivers writes these functions (guest-abi/kit/os.c is the kit's version,
 * tests/host/frontends has a pretend one) and gets console, store, disks and networks.
 *
 * The drivers expect one thread of control and event handlers that interrupt it (or that run inside
 * os_wait(), which is also allowed). Handlers only note that something happened: they take no
 * locks, allocate nothing and never wait. A kernel with threads calls one driver instance from one
 * thread at a time.
 *
 * Functions return 0 or a negative errno of Xen's ABI (-XEN_ENOMEM, ...) unless they say otherwise.
 */
#ifndef FRONTENDS_OS_H
#define FRONTENDS_OS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>

#define OS_PAGE_SIZE 4096u

/* --- memory ---------------------------------------------------------------------------------- */

/* `count` pages, zeroed, page-aligned, contiguous for the kernel (not for the machine: each page is
 * granted alone). NULL when there is no memory. */
void *os_pages_alloc(unsigned count);
/* Gives pages back; none of them may be granted any more. */
void os_pages_free(void *pages, unsigned count);
/* Small memory, zeroed, aligned for any type; NULL when there is none. os_free(NULL) is allowed. */
void *os_alloc(size_t bytes);
void os_free(void *memory);

/* --- grants ---------------------------------------------------------------------------------- */

/* Lets `domid` map or copy the page that holds `page`, readonly or not, until os_grant_end(). */
int os_grant(domid_t domid, const void *page, bool readonly, grant_ref_t *ref);
/* -XEN_EBUSY while the other side has it mapped: the page must not be used for anything else yet.
 */
int os_grant_end(grant_ref_t ref);

/* --- events ---------------------------------------------------------------------------------- */

typedef void os_event_handler(void *context);
/* For ports whose events have nothing to do but end os_wait(), however many they are. */
static inline void os_event_ignore(void *context)
{
    (void)context;
}

/* A new port that `remote` may bind to; `handler` runs, with the port's own events held back, when
 * it is signalled. */
int os_event_alloc(domid_t remote, os_event_handler *handler, void *context, evtchn_port_t *port);
/* Gives a port that exists (start_info names two) a handler. */
int os_event_bind(evtchn_port_t port, os_event_handler *handler, void *context);
/* Closes the port; its handler does not run again. */
void os_event_close(evtchn_port_t port);
void os_event_send(evtchn_port_t port);

/* --- time and waiting ------------------------------------------------------------------------ */

/* Nanoseconds since some fixed moment; never goes backwards. */
uint64_t os_now(void);
#define OS_NEVER UINT64_MAX
/*
 * Returns when an event handler has run since the last os_wait() returned, or at `deadline` (on the
 * clock of os_now(); OS_NEVER waits for ever). An event that came before the call is not missed,
 * so that
 *     while (!condition()) os_wait(deadline);
 * is how everything here waits.
 */
void os_wait(uint64_t deadline);
/*
 * The next os_wait() returns at once. For whoever has waited in the midst of something, as the
 * store's client does, and may have used up the event that its caller is going to wait for.
 */
void os_wake(void);

/* --- where things are ------------------------------------------------------------------------ */

/* The ring pages and ports that the builder prepared, from start_info. */
void *os_store_page(evtchn_port_t *port);
void *os_console_page(evtchn_port_t *port);

/* A line (no newline at its end) for whoever debugs this kernel. */
void os_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What every C compiler may call anyway, and a bounded printf. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int snprintf(char *to, size_t bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *to, size_t bytes, const char *format, va_list args);

#endif
