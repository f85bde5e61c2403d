/* SPDX-License-Identifier: MIT
 *
 * Event channels (ABI: event_channel.h): the table of a domain's ports, raising events,
 * closing. States of a port and their memory are in evtchn_private.h, the hypercalls in
 * evtchn_op.c.
 *
 * LOCK_EVTCHN of a domain guards its table. An interdomain binding changes only with both domains'
 * locks held (in address order), so a sender needs its own alone: while it holds that, the peer's
 * port stays bound, and so the peer stays a domain. Sending then sets bits in the peer's memory by
 * atomic operations, or appends to its FIFO queues under its LOCK_EVENTS.
 *
 * VIRQs and interrupts come from any depth of the hypervisor, and take no LOCK_EVTCHN: they read
 * the bound port's number once. If that port is closed meanwhile the event is spurious, which
 * guests must bear anyway; its memory never goes before the domain does.
 */
#include "comms/evtchn_private.h"
#include "dev/dev.h"
#include "mm/page_alloc.h"

#define CLOSE_BATCH 512u /* ports closed in one go of a resumable operation */

int evtchn_init(struct domain *d, uint32_t max_port)
{
    struct evtchn_table *t;
    uint32_t pages;

    max_port = min(max_port, (uint32_t)EVTCHN_FIFO_NR_CHANNELS - 1);
    pages = max_port / PORTS_PER_PAGE + 1;
    t = hv_alloc(sizeof(*t) + pages * sizeof(t->page[0]));
    if (!t)
        return -ENOMEM;
    t->page[0] = hv_page_alloc();
    if (!t->page[0]) {
        hv_free(t);
        return -ENOMEM;
    }
    t->lock = SPINLOCK(LOCK_EVTCHN);
    t->events_lock = SPINLOCK(LOCK_EVENTS);
    t->max_port = max_port;
    t->next_new = 1; /* port 0 is never given out */
    d->evtchn = t;
    return 0;
}

void evtchn_free(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;
    if (!t)
        return;
    for (uint32_t n = 0; n < t->next_new; n += PORTS_PER_PAGE)
        hv_page_free(t->page[n / PORTS_PER_PAGE]);
    hv_free(t->pirq_port);
    hv_free(t);
    d->evtchn = NULL;
}

/* ---- delivery ---- */

void vcpu_mark_events_pending(struct vcpu *v)
{
    if (__atomic_exchange_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
        return;
    vcpu_kick(v); /* ends its blocking too, whatever it masks */
}

void evtchn_vcpu_info_moved(struct vcpu *v)
{
    __atomic_store_n(&v->info->evtchn_pending_sel, ~0ul, __ATOMIC_SEQ_CST);
    vcpu_mark_events_pending(v);
}

/* The poller sets VCPU_POLLING before it looks at its ports; the port became pending by an atomic
 * operation before we look at the flags: one of the two sees the other. */
void port_wake_pollers(struct domain *d, uint32_t n)
{
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];
        if (v && v->flags & VCPU_POLLING && (v->poll_nr != 1 || v->poll_port == n))
            vcpu_wake(v);
    }
}

void port_set_pending(struct domain *d, uint32_t n, struct port *p)
{
    if (__atomic_load_n(&d->evtchn->fifo, __ATOMIC_ACQUIRE))
        fifo_set_pending(d, n, p);
    else
        port_2l_set_pending(d, n, p);
}

static void clear_pending(struct domain *d, uint32_t n, struct port *p)
{
    if (d->evtchn->fifo)
        fifo_clear_pending(d, n, p);
    else
        port_2l_clear_pending(d, n);
}

bool evtchn_port_valid(struct domain *d, uint32_t port)
{
    const struct port *p = port_of(d->evtchn, port);

    return p && READ_ONCE(p->state) != PORT_FREE;
}

bool evtchn_is_pending(struct domain *d, uint32_t port)
{
    if (!evtchn_port_valid(d, port))
        return false;
    if (__atomic_load_n(&d->evtchn->fifo, __ATOMIC_ACQUIRE))
        return fifo_is_pending(d, port);
    return port_2l_is_pending(d, port);
}

void virq_send_vcpu(struct vcpu *v, unsigned virq)
{
    struct domain *d = v->d;
    uint32_t n;

    ASSERT(virq < NR_VIRQS);
    n = READ_ONCE(v->virq_port[virq]);
    if (n)
        port_set_pending(d, n, port_of(d->evtchn, n));
}

void virq_send_global(unsigned virq)
{
    if (dom0 && dom0->vcpu[0])
        virq_send_vcpu(dom0->vcpu[0], virq);
}

void evtchn_send_pirq(struct domain *d, unsigned pirq)
{
    struct evtchn_table *t = d->evtchn;
    uint32_t n = pirq < t->nr_pirq_ports ? READ_ONCE(t->pirq_port[pirq]) : 0;
    if (n)
        port_set_pending(d, n, port_of(t, n));
}

/* ---- ports: LOCK_EVTCHN held ---- */

void port_give_back(struct evtchn_table *t, uint32_t n)
{
    port_of(t, n)->next_free = 0;
    if (t->free_tail)
        port_of(t, t->free_tail)->next_free = n;
    else
        t->free_head = n;
    t->free_tail = n;
}

static uint32_t free_list_take(struct evtchn_table *t)
{
    uint32_t n = t->free_head;
    if (n) {
        t->free_head = port_of(t, n)->next_free;
        if (!t->free_head)
            t->free_tail = 0;
    }
    return n;
}

/* A closed port whose event word the guest has not unlinked yet must wait; look at a few only. */
static uint32_t reuse_port(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;
    for (int i = 0; i < 32; i++) {
        uint32_t n = free_list_take(t);
        if (!n || !fifo_port_busy(d, n))
            return n;
        port_give_back(t, n);
    }
    return 0;
}

static uint32_t new_port(struct evtchn_table *t, int *err)
{
    uint32_t n = t->next_new, limit = t->fifo ? EVTCHN_FIFO_NR_CHANNELS : EVTCHN_2L_NR_CHANNELS;

    *err = -ENOSPC;
    if (n >= limit || n > t->max_port)
        return 0;
    if (n % PORTS_PER_PAGE == 0) {
        struct port *page = hv_page_alloc();
        *err = -ENOMEM;
        if (!page)
            return 0;
        t->page[n / PORTS_PER_PAGE] = page;
    }
    __atomic_store_n(&t->next_new, n + 1, __ATOMIC_RELEASE); /* port_of() needs the page first */
    return n;
}

/* A port to bind; the caller sets its state, or gives it back by port_give_back(). */
int port_alloc(struct domain *d, uint32_t *n, struct port **p)
{
    struct evtchn_table *t = d->evtchn;
    int err = 0;

    ASSERT(spin_is_held(&t->lock));
    if (t->closed)
        return -EINVAL;
    *n = reuse_port(d);
    if (!*n)
        *n = new_port(t, &err);
    if (!*n)
        return err;
    *p = port_of(t, *n);
    (*p)->vcpu = 0;
    (*p)->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    return 0;
}

/* Ends the binding. For PORT_INTERDOMAIN the peer's lock is held too. */
static void port_release(struct domain *d, uint32_t n, struct port *p)
{
    struct evtchn_table *t = d->evtchn;
    struct port *other;

    switch ((enum port_state)p->state) {
    case PORT_PIRQ:
        pirq_unbind(d, p->line); /* none is being raised after this */
        WRITE_ONCE(t->pirq_port[p->line], 0);
        break;
    case PORT_VIRQ:
        WRITE_ONCE(d->vcpu[virq_is_global(p->line) ? 0 : p->vcpu]->virq_port[p->line], 0);
        break;
    case PORT_INTERDOMAIN:
        other = port_of(p->peer->evtchn, p->peer_port);
        ASSERT(other->state == PORT_INTERDOMAIN && other->peer == d && other->peer_port == n);
        other->state = PORT_UNBOUND;
        other->remote = d->id;
        break;
    case PORT_FREE:
    case PORT_UNBOUND:
    case PORT_IPI:
        break;
    }
    p->state = PORT_FREE;
    clear_pending(d, n, p);
    WRITE_ONCE(p->vcpu, 0);
    port_give_back(t, n);
}

/* Takes the locks that closing needs. -EINVAL: not open. */
int port_close(struct domain *d, uint32_t n)
{
    struct evtchn_table *t = d->evtchn;
    bool done = false;

    while (!done) {
        struct domain *peer;
        struct port *p;

        spin_lock(&t->lock);
        p = port_of(t, n);
        if (!p || p->state == PORT_FREE) {
            spin_unlock(&t->lock);
            return -EINVAL;
        }
        peer = p->state == PORT_INTERDOMAIN ? p->peer : d;
        if (peer == d) {
            port_release(d, n, p);
            spin_unlock(&t->lock);
            return 0;
        }
        domain_hold(peer); /* alive as long as our port is bound to it */
        spin_unlock(&t->lock);
        spin_lock_pair(&t->lock, &peer->evtchn->lock);
        done = p->state == PORT_INTERDOMAIN && p->peer == peer;
        if (done)
            port_release(d, n, p);
        spin_unlock_pair(&t->lock, &peer->evtchn->lock);
        domain_put(peer);
    }
    return 0;
}

/* Closes a batch of what is open. 0 or -ERESTART. */
int port_close_all(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;
    uint32_t n = max(t->reset_next, 1u), end = min(n + CLOSE_BATCH, READ_ONCE(t->next_new));

    for (; n < end; n++)
        port_close(d, n); /* most are not open, and that is no error here */
    spin_lock(&t->lock);
    t->reset_next = n < t->next_new ? n : 0;
    n = t->reset_next;
    if (!n)
        fifo_destroy(d);
    spin_unlock(&t->lock);
    return n ? -ERESTART : 0;
}

int evtchn_destroy(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;
    if (!t)
        return 0;
    spin_lock(&t->lock);
    t->closed = true;
    spin_unlock(&t->lock);
    return port_close_all(d);
}

void evtchn_dump(struct domain *d)
{
    static const char *const names[] = {"free", "unbound", "interdomain", "pirq", "virq", "ipi"};
    struct evtchn_table *t = d->evtchn;

    log_info("d%u: %s events, ports up to %u", d->id, t->fifo ? "FIFO" : "2-level",
             t->next_new - 1);
    for (uint32_t n = 1; n < t->next_new; n++) {
        const struct port *p = port_of(t, n);
        if (p->state == PORT_FREE)
            continue;
        log_info("  %4u %s %u vcpu %u%s", n, names[p->state], p->peer_port, p->vcpu,
                 evtchn_is_pending(d, n) ? " pending" : "");
        if (p->state == PORT_INTERDOMAIN || p->state == PORT_UNBOUND)
            log_info("       with d%u",
                     p->state == PORT_UNBOUND ? (unsigned)p->remote : p->peer->id);
    }
}
