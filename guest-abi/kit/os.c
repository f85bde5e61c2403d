/* SPDX-License-Identifier: MIT */
/*
 * frontends/os.h for guests of the kit. Grants: table version 1, its pages mapped one after the
 * other as they are needed. A free entry has flags 0, and its frame field, which nobody else looks
 * at then, links it to the next.
 */
#include "frontends/console.h"
#include "guest-abi/kit/internal.h"

#define PER_PAGE (PAGE_SIZE / sizeof(struct grant_entry_v1))

static struct {
    struct grant_entry_v1 *table;
    uint32_t pages, max_pages;
    grant_ref_t free; /* first of the list, 0: none */
} grants;

void *os_pages_alloc(unsigned count)
{
    return pages_alloc(count);
}

void os_pages_free(void *pages, unsigned count)
{
    pages_free(pages, count);
}

/* --- grants ---------------------------------------------------------------------------------- */

static int grants_init(void)
{
    struct gnttab_query_size query = {.dom = DOMID_SELF};
    long error =
        hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, (unsigned long)&query, 1);

    if (error || query.status != GNTST_okay)
        return error ? (int)error : -XEN_EINVAL;
    grants.table = va_reserve(query.max_nr_frames);
    grants.max_pages = query.max_nr_frames;
    return 0;
}

/* One page more, its entries on the free list. */
static int grants_grow(void)
{
    xen_pfn_t frames[64];
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = grants.pages + 1};
    grant_ref_t first = grants.pages * PER_PAGE;
    int error;

    if (grants.pages == grants.max_pages || grants.pages == sizeof(frames) / sizeof(frames[0]))
        return -XEN_ENOSPC;
    set_xen_guest_handle(setup.frame_list, frames);
    error = (int)hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table,
                            (unsigned long)&setup, 1);
    if (error || setup.status != GNTST_okay)
        return error ? error : -XEN_ENOSPC;
    error = map_page((char *)grants.table + grants.pages * PAGE_SIZE,
                     frames[grants.pages] << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D);
    if (error)
        return error;
    grants.pages++;
    for (grant_ref_t ref = first + PER_PAGE - 1; ref >= first && ref >= GNTTAB_NR_RESERVED_ENTRIES;
         ref--) {
        grants.table[ref].frame = grants.free;
        grants.free = ref;
    }
    return 0;
}

int os_grant(domid_t domid, const void *page, bool readonly, grant_ref_t *ref)
{
    unsigned long frame = virt_to_mfn(page);
    struct grant_entry_v1 *entry;
    int error = 0;

    if (frame > UINT32_MAX) /* not a page of the window, or past what version 1 can name */
        return -XEN_EINVAL;
    if (!grants.table)
        error = grants_init();
    if (!error && !grants.free)
        error = grants_grow();
    if (error)
        return error;
    *ref = grants.free;
    entry = &grants.table[*ref];
    grants.free = entry->frame;
    entry->domid = domid;
    entry->frame = (uint32_t)frame;
    __atomic_store_n(&entry->flags, GTF_permit_access | (readonly ? GTF_readonly : 0),
                     __ATOMIC_RELEASE);
    return 0;
}

/* The other side's use shows in flags, and must not begin between our look and our clearing. */
int os_grant_end(grant_ref_t ref)
{
    struct grant_entry_v1 *entry = &grants.table[ref];
    bool ours = ref >= GNTTAB_NR_RESERVED_ENTRIES && ref < grants.pages * PER_PAGE;
    uint16_t flags = ours ? __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) : 0;

    if (!flags)
        guest_panic("os_grant_end(%u), which is not granted", ref);
    do {
        if (flags & (GTF_reading | GTF_writing))
            return -XEN_EBUSY;
    } while (!__atomic_compare_exchange_n(&entry->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_ACQUIRE));
    entry->frame = grants.free;
    grants.free = ref;
    return 0;
}

/* --- events ---------------------------------------------------------------------------------- */

struct listener {
    os_event_handler *handler;
    void *context;
};

static void listener_called(evtchn_port_t port, void *context)
{
    const struct listener *l = context;

    (void)port;
    l->handler(l->context);
}

int os_event_bind(evtchn_port_t port, os_event_handler *handler, void *context)
{
    struct listener *l = os_alloc(sizeof(*l)), *old;

    if (!l)
        return -XEN_ENOMEM;
    *l = (struct listener){.handler = handler, .context = context};
    old = event_context(port, listener_called);
    event_bind(port, listener_called, l);
    os_free(old);
    return 0;
}

int os_event_alloc(domid_t remote, os_event_handler *handler, void *context, evtchn_port_t *port)
{
    int error = event_alloc_unbound(remote, port);

    if (error)
        return error;
    error = os_event_bind(*port, handler, context);
    if (error)
        event_close(*port);
    return error;
}

void os_event_close(evtchn_port_t port)
{
    struct listener *l = event_context(port, listener_called);
    int error = event_close(port);

    if (error)
        os_log("cannot close event port %u: error %d", port, error);
    os_free(l);
}

void os_event_send(evtchn_port_t port)
{
    int error = event_send(port);

    if (error && port != kit_console.port) /* the words would go the same way */
        os_log("cannot send on event port %u: error %d", port, error);
}

/* --- time, places, words --------------------------------------------------------------------- */

uint64_t os_now(void)
{
    return time_now();
}

void os_wait(uint64_t deadline)
{
    event_wait(deadline);
}

void os_wake(void)
{
    event_wake();
}

static void *page_of_mfn(unsigned long mfn)
{
    unsigned long pfn = mfn_to_pfn(mfn);

    return pfn == ~0ul ? NULL : pfn_to_virt(pfn);
}

void *os_store_page(evtchn_port_t *port)
{
    *port = start_info->store_evtchn;
    return page_of_mfn(start_info->store_mfn);
}

void *os_console_page(evtchn_port_t *port)
{
    if (start_info->flags & SIF_INITDOMAIN) { /* has the hypervisor's console instead */
        *port = 0;
        return NULL;
    }
    *port = start_info->console.domU.evtchn;
    return page_of_mfn(start_info->console.domU.mfn);
}

void os_log(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}
