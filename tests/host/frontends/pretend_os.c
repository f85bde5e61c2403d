/* SPDX-License-Identifier: MIT */
/* See pretend_os.h. */
#include "pretend_os.h"

#include "xenstore/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRANTS 4096
#define PORTS  64
#define ACTORS 8
#define IDLE   1000 /* turns without any progress, with nobody ever to wake us */

uint64_t pretend_now;
struct fake_session *pretend_dom0;
struct xenstore_domain_interface *pretend_store_page;
unsigned pretend_fail_after = UINT32_MAX, pretend_pages;
static unsigned small_blocks;
static char text[65536];
static uint64_t wake_at;
static bool woken;

static struct {
    const void *page;
    domid_t domid;
    bool readonly;
    unsigned mapped;
} grants[GRANTS];

static struct {
    bool open, pending, kicked;
    os_event_handler *handler;
    void *context;
} ports[PORTS];

static struct {
    pretend_actor *actor;
    void *context;
} actors[ACTORS];

static struct ring_conn *daemon_ring;
static void *console;

/* --- memory */

static bool may_allocate(void)
{
    if (pretend_fail_after == UINT32_MAX)
        return true;
    return pretend_fail_after > 0 && pretend_fail_after-- > 0;
}

void *os_pages_alloc(unsigned count)
{
    if (!may_allocate())
        return NULL;
    void *pages = aligned_alloc(OS_PAGE_SIZE, count * OS_PAGE_SIZE);
    assert_non_null(pages);
    pretend_pages += count;
    return memset(pages, 0, count * OS_PAGE_SIZE);
}

void os_pages_free(void *pages, unsigned count)
{
    for (unsigned i = 0; i < GRANTS; i++)
        if (grants[i].page != NULL && (const char *)grants[i].page >= (char *)pages &&
            (const char *)grants[i].page < (char *)pages + count * OS_PAGE_SIZE)
            fail_msg("a page is freed that is granted (ref %u)", i);
    pretend_pages -= count;
    free(pages);
}

void *os_alloc(size_t bytes)
{
    if (!may_allocate())
        return NULL;
    small_blocks++;
    return calloc(1, bytes != 0 ? bytes : 1);
}

void os_free(void *memory)
{
    if (memory != NULL)
        small_blocks--;
    free(memory);
}

/* --- grants */

int os_grant(domid_t domid, const void *page, bool readonly, grant_ref_t *ref)
{
    if (!may_allocate())
        return -XEN_ENOSPC;
    for (unsigned i = GNTTAB_NR_RESERVED_ENTRIES; i < GRANTS; i++) {
        if (grants[i].page != NULL)
            continue;
        grants[i].page = page;
        grants[i].domid = domid;
        grants[i].readonly = readonly;
        *ref = i;
        return 0;
    }
    return -XEN_ENOSPC;
}

int os_grant_end(grant_ref_t ref)
{
    assert_true(ref < GRANTS && grants[ref].page != NULL);
    if (grants[ref].mapped > 0)
        return -XEN_EBUSY;
    grants[ref].page = NULL;
    return 0;
}

void *pretend_map(grant_ref_t ref, bool write)
{
    if (ref >= GRANTS || grants[ref].page == NULL || grants[ref].domid != 0 ||
        (write && grants[ref].readonly))
        return NULL;
    grants[ref].mapped++;
    return (void *)grants[ref].page;
}

void pretend_unmap(grant_ref_t ref)
{
    assert_true(ref < GRANTS && grants[ref].mapped > 0);
    grants[ref].mapped--;
}

unsigned pretend_mapped(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < GRANTS; i++)
        n += grants[i].mapped;
    return n;
}

/* --- events */

int os_event_bind(evtchn_port_t port, os_event_handler *handler, void *context)
{
    assert_true(port < PORTS);
    ports[port].open = true;
    ports[port].handler = handler;
    ports[port].context = context;
    return 0;
}

int os_event_alloc(domid_t remote, os_event_handler *handler, void *context, evtchn_port_t *port)
{
    assert_int_equal(remote, 0);
    if (!may_allocate())
        return -XEN_ENOSPC;
    for (*port = PRETEND_CONSOLE_PORT + 1; *port < PORTS; ++*port)
        if (!ports[*port].open)
            return os_event_bind(*port, handler, context);
    return -XEN_ENOSPC;
}

void os_event_close(evtchn_port_t port)
{
    assert_true(port < PORTS && ports[port].open);
    memset(&ports[port], 0, sizeof(ports[port]));
}

void os_event_send(evtchn_port_t port)
{
    assert_true(port < PORTS && ports[port].open);
    ports[port].kicked = true;
}

void pretend_signal(evtchn_port_t port)
{
    if (port < PORTS && ports[port].open)
        ports[port].pending = true;
}

bool pretend_kicked(evtchn_port_t port)
{
    bool kicked = port < PORTS && ports[port].kicked;

    if (kicked)
        ports[port].kicked = false;
    return kicked;
}

bool pretend_port_open(evtchn_port_t port)
{
    return port < PORTS && ports[port].open;
}

static bool run_handlers(void)
{
    bool ran = false;

    for (evtchn_port_t p = 0; p < PORTS; p++) {
        if (!ports[p].open || !ports[p].pending)
            continue;
        ports[p].pending = false;
        ports[p].handler(ports[p].context);
        ran = true;
    }
    return ran;
}

/* --- time, and everybody else's turn */

uint64_t os_now(void)
{
    return pretend_now;
}

void pretend_act(pretend_actor *actor, void *context)
{
    for (unsigned i = 0; i < ACTORS; i++) {
        if (actors[i].actor != NULL)
            continue;
        actors[i].actor = actor;
        actors[i].context = context;
        return;
    }
    fail_msg("more actors than a test may have");
}

void pretend_dismiss(void *context)
{
    for (unsigned i = 0; i < ACTORS; i++)
        if (actors[i].context == context)
            actors[i].actor = NULL;
}

void pretend_wake_at(uint64_t when)
{
    wake_at = when;
}

static bool run_daemon(void)
{
    if (daemon_ring == NULL || (!pretend_kicked(PRETEND_STORE_PORT) && !conn_any_ready()))
        return false;
    conn_ready(&daemon_ring->conn);
    for (int i = 0; i < 200 && conn_any_ready(); i++) {
        conn_run_ready();
        conn_reap();
    }
    return true;
}

static bool run_others(void)
{
    bool progress = run_daemon();

    for (unsigned i = 0; i < ACTORS; i++)
        if (actors[i].actor != NULL && actors[i].actor(actors[i].context))
            progress = true;
    return progress;
}

void os_wake(void)
{
    woken = true;
}

void os_wait(uint64_t deadline)
{
    if (woken) {
        woken = false;
        (void)run_others();
        (void)run_handlers();
        return;
    }
    for (unsigned idle = 0; idle < IDLE; idle++) {
        bool progress = run_others();
        if (run_handlers())
            return;
        if (progress)
            continue;
        uint64_t next = wake_at > pretend_now && wake_at < deadline ? wake_at : deadline;
        if (next == OS_NEVER)
            fail_msg("the guest waits for ever; it said: %s", text);
        if (next > pretend_now)
            pretend_now = next;
        if (next == deadline)
            return;
    }
    fail_msg("the others are busy for ever; the guest said: %s", text);
}

/* --- places and words */

void *os_store_page(evtchn_port_t *port)
{
    *port = PRETEND_STORE_PORT;
    return pretend_store_page;
}

void *os_console_page(evtchn_port_t *port)
{
    *port = PRETEND_CONSOLE_PORT;
    return console;
}

void *pretend_console_page(void)
{
    return console;
}

void os_log(const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + len, sizeof(text) - len - 1, format, args);
    va_end(args);
    strcat(text, "\n");
}

const char *pretend_log(void)
{
    return text;
}

bool pretend_said(const char *what)
{
    return strstr(text, what) != NULL;
}

void pretend_forget_log(void)
{
    text[0] = '\0';
}

/* --- the store */

static void notify(struct ring_conn *r)
{
    (void)r;
    pretend_signal(PRETEND_STORE_PORT);
}

static void closed(struct ring_conn *r)
{
    free(r);
    daemon_ring = NULL;
}

void pretend_store_start(void)
{
    daemon_ring = calloc(1, sizeof(*daemon_ring));
    assert_non_null(daemon_ring);
    daemon_ring->page = pretend_store_page;
    daemon_ring->notify = notify;
    daemon_ring->close = closed;
    assert_int_equal(ring_open(daemon_ring, &fake_store, 1), 0);
}

void pretend_store_kill(void)
{
    /* what a closing connection still writes did not come from a killed daemon */
    struct xenstore_domain_interface before = *pretend_store_page;

    conn_close_all();
    *pretend_store_page = before;
    ports[PRETEND_STORE_PORT].pending = false;
}

void pretend_write(const char *path, const char *format, ...)
{
    char value[256];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    assert_int_equal(do_write(pretend_dom0, NULL, path, value), 0);
}

const char *pretend_read(const char *path)
{
    return do_read(pretend_dom0, NULL, path);
}

unsigned long pretend_number(const char *dir, const char *node)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", dir, node);
    return strtoul(pretend_read(path), NULL, 10);
}

int pretend_setup_no_store(void **state)
{
    if (fake_setup(state) != 0)
        return -1;
    pretend_now = 1000;
    pretend_fail_after = UINT32_MAX;
    wake_at = 0;
    text[0] = '\0';
    memset(actors, 0, sizeof(actors));
    pretend_store_page = calloc(1, OS_PAGE_SIZE);
    console = calloc(1, OS_PAGE_SIZE);
    pretend_dom0 = fake_open(0);
    return 0;
}

int pretend_setup(void **state)
{
    if (pretend_setup_no_store(state) != 0)
        return -1;
    fake_store.wake = conn_wake;
    fake_exists[1] = true;
    assert_int_equal(do_mkdir(pretend_dom0, NULL, GUEST_HOME), 0);
    assert_int_equal(do_perms(pretend_dom0, NULL, GUEST_HOME, "n1"), 0);
    pretend_store_start();
    return 0;
}

int pretend_teardown(void **state)
{
    unsigned open_ports = 0, live = 0, left_pages = pretend_pages, left_blocks = small_blocks;

    for (unsigned p = 0; p < PORTS; p++)
        open_ports += ports[p].open;
    for (unsigned i = 0; i < GRANTS; i++)
        live += grants[i].page != NULL;
    memset(ports, 0, sizeof(ports));
    memset(grants, 0, sizeof(grants));
    pretend_pages = small_blocks = 0;
    fake_close(pretend_dom0);
    conn_close_all();
    free(pretend_store_page);
    free(console);
    if (fake_teardown(state) != 0)
        return -1;
    if (open_ports + live + left_pages + left_blocks == 0)
        return 0;
    print_error("left behind: %u ports, %u grants, %u pages, %u small blocks; said: %s\n",
                open_ports, live, left_pages, left_blocks, text);
    return -1;
}
