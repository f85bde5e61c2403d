/* SPDX-License-Identifier: MIT
 *
 * FIFO delivery (ABI: event_channel.h): an event word for each port in pages that the guest gives,
 * and 16 queues a vCPU, each a chain of ports through the words' link fields. The control block of
 * a vCPU holds the queues' heads and which of them are ready.
 *
 * We append; the guest takes from the head, clearing LINKED as it does. The tail is ours and kept
 * here (struct fifo_vcpu), because the guest may write every word at any time: a link is set by
 * compare-and-exchange only while the tail's word still says LINKED, with a bounded number of
 * tries, and otherwise the event starts a new queue. A guest that scribbles loses its own events.
 *
 * LOCK_EVENTS of the domain guards all queues and the life of the pages. Pages and control blocks
 * are guest frames held by a reference and a writable use until the domain closes its ports.
 */
#include "comms/evtchn_private.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "x86/hvmap.h"

#define WORD_PENDING (1u << EVTCHN_FIFO_PENDING)
#define WORD_MASKED  (1u << EVTCHN_FIFO_MASKED)
#define WORD_LINKED  (1u << EVTCHN_FIFO_LINKED)
#define WORD_BUSY    (1u << EVTCHN_FIFO_BUSY)
#define LINK_TRIES   8

/* NULL while the guest has not given that page, or has no FIFO. */
static event_word_t *word_of(const struct evtchn_fifo *fifo, uint32_t n)
{
    if (!fifo || n / FIFO_WORDS_PER_PAGE >= fifo->nr_pages)
        return NULL;
    return &fifo->page[n / FIFO_WORDS_PER_PAGE][n % FIFO_WORDS_PER_PAGE];
}

/* A frame of d's as memory we may write; NULL when it is none or has another use. */
static void *map_guest_frame(struct domain *d, uint64_t gfn)
{
    struct frame *f = frame_of(mfn(gfn));
    if (!f || frame_get_and_type(f, d, FRAME_WRITABLE))
        return NULL;
    return mfn_to_va(mfn(gfn));
}

static void unmap_guest_frame(void *va)
{
    frame_put_and_type(frame_of(va_to_mfn((void *)((uint64_t)va & PAGE_MASK))));
}

/* Links n behind the queue's tail. false: the guest has taken the tail off the queue. */
static bool link_to_tail(event_word_t *tail, uint32_t n)
{
    bool linked = false;
    uint32_t w = __atomic_load_n(tail, __ATOMIC_RELAXED);

    for (int i = 0; i < LINK_TRIES && w & WORD_LINKED; i++) {
        uint32_t busy = i >= LINK_TRIES / 2 ? WORD_BUSY : 0; /* asks the guest to let go */
        uint32_t new = (w & ~(uint32_t)EVTCHN_FIFO_LINK_MASK) | n;
        if (busy && !(w & WORD_BUSY))
            w = __atomic_or_fetch(tail, WORD_BUSY, __ATOMIC_SEQ_CST);
        else if (__atomic_compare_exchange_n(tail, &w, new & ~WORD_BUSY, false, __ATOMIC_SEQ_CST,
                                             __ATOMIC_RELAXED)) {
            linked = true;
            break;
        }
    }
    if (!linked)
        __atomic_and_fetch(tail, ~WORD_BUSY, __ATOMIC_SEQ_CST);
    return linked;
}

/* The port left its last queue by being its tail: that queue starts anew. */
static void forget_old_tail(struct domain *d, uint32_t n, const struct port *p)
{
    struct fifo_vcpu *old = d->vcpu[p->queue_vcpu]->fifo;
    if (old && old->tail[p->queue_priority] == n)
        old->tail[p->queue_priority] = 0;
}

/* Appends the port to its vCPU's queue. true: that queue was empty, and must be announced. */
static bool append(struct domain *d, uint32_t n, struct port *p, struct fifo_vcpu *q, unsigned prio)
{
    uint32_t tail;
    bool linked = false;

    forget_old_tail(d, n, p);
    p->queue_vcpu = p->vcpu;
    p->queue_priority = (uint8_t)prio;
    tail = q->tail[prio];
    if (tail)
        linked = link_to_tail(word_of(d->evtchn->fifo, tail), n);
    if (!linked)
        __atomic_store_n(&q->block->head[prio], n, __ATOMIC_RELEASE);
    q->tail[prio] = n;
    return !linked;
}

/* PENDING is set and the port may be unmasked: put it on its queue unless it is on one. */
static void link_port(struct domain *d, uint32_t n, struct port *p, event_word_t *word)
{
    struct vcpu *v = d->vcpu[p->vcpu];
    struct fifo_vcpu *q = v->fifo;
    unsigned prio = p->priority;

    if (!q) /* no init_control for that vCPU: stays pending until it is unmasked again */
        return;
    if (__atomic_fetch_or(word, WORD_LINKED, __ATOMIC_SEQ_CST) & WORD_LINKED)
        return;
    if (append(d, n, p, q, prio) &&
        !(__atomic_fetch_or(&q->block->ready, 1u << prio, __ATOMIC_SEQ_CST) & 1u << prio))
        vcpu_mark_events_pending(v);
}

void fifo_set_pending(struct domain *d, uint32_t n, struct port *p)
{
    struct evtchn_table *t = d->evtchn;
    event_word_t *word;
    uint32_t was = WORD_PENDING;

    spin_lock(&t->events_lock);
    word = word_of(t->fifo, n);
    if (!word) {
        p->early = t->fifo != NULL;
    } else {
        was = __atomic_fetch_or(word, WORD_PENDING, __ATOMIC_SEQ_CST);
        if (!(was & (WORD_MASKED | WORD_LINKED)))
            link_port(d, n, p, word);
    }
    spin_unlock(&t->events_lock);
    if (!(was & WORD_PENDING))
        port_wake_pollers(d, n);
}

void fifo_clear_pending(struct domain *d, uint32_t n, struct port *p)
{
    struct evtchn_table *t = d->evtchn;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&t->events_lock);
    event_word_t *word = word_of(t->fifo, n);

    p->early = false;
    if (word)
        __atomic_and_fetch(word, ~WORD_PENDING, __ATOMIC_SEQ_CST);
}

bool fifo_is_pending(struct domain *d, uint32_t n)
{
    struct evtchn_table *t = d->evtchn;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&t->events_lock);
    const event_word_t *word = word_of(t->fifo, n);

    return word && __atomic_load_n(word, __ATOMIC_RELAXED) & WORD_PENDING;
}

void fifo_unmask(struct domain *d, uint32_t n, struct port *p)
{
    struct evtchn_table *t = d->evtchn;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&t->events_lock);
    event_word_t *word = word_of(t->fifo, n);
    uint32_t was = word ? __atomic_fetch_and(word, ~WORD_MASKED, __ATOMIC_SEQ_CST) : 0;

    if (was & WORD_PENDING && !(was & WORD_LINKED))
        link_port(d, n, p, word);
}

bool fifo_port_busy(struct domain *d, uint32_t n)
{
    const event_word_t *word = word_of(d->evtchn->fifo, n);
    return word && __atomic_load_n(word, __ATOMIC_RELAXED) & WORD_LINKED;
}

/* The first vCPU chose FIFO: what is pending in the 2-level bits is raised again when its word
 * comes. */
static void adopt_2l(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;
    for (uint32_t n = 1; n < t->next_new; n++) {
        struct port *p = port_of(t, n);
        p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
        if (port_2l_is_pending(d, n))
            p->early = true;
    }
}

int fifo_init_control(struct domain *d, struct evtchn_init_control *op)
{
    struct evtchn_table *t = d->evtchn;
    struct evtchn_fifo *fifo = t->fifo;
    struct vcpu *v = op->vcpu < d->max_vcpus ? d->vcpu[op->vcpu] : NULL;
    struct fifo_vcpu *q;
    uint8_t *block;

    ASSERT(spin_is_held(&t->lock));
    if (!v)
        return -ENOENT;
    if (op->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || op->offset % 8)
        return -EINVAL;
    if (v->fifo || t->closed)
        return -EINVAL;
    q = hv_alloc(sizeof(*q));
    if (!fifo)
        fifo = hv_alloc(sizeof(*fifo));
    block = q && fifo ? map_guest_frame(d, op->control_gfn) : NULL;
    if (!block) {
        int rc = q && fifo ? -EINVAL : -ENOMEM;
        if (fifo != t->fifo)
            hv_free(fifo);
        hv_free(q);
        return rc;
    }
    /* commit */
    q->block = (void *)(block + op->offset);
    spin_lock(&t->events_lock);
    v->fifo = q;
    if (!t->fifo) {
        adopt_2l(d);
        __atomic_store_n(&t->fifo, fifo, __ATOMIC_RELEASE);
    }
    spin_unlock(&t->events_lock);
    op->link_bits = EVTCHN_FIFO_LINK_BITS;
    return 0;
}

int fifo_expand_array(struct domain *d, uint64_t gfn)
{
    struct evtchn_table *t = d->evtchn;
    struct evtchn_fifo *fifo = t->fifo;
    uint32_t first, end;
    void *va;

    ASSERT(spin_is_held(&t->lock));
    if (!fifo)
        return -EOPNOTSUPP;
    if (fifo->nr_pages >= FIFO_MAX_PAGES)
        return -ENOSPC;
    va = map_guest_frame(d, gfn);
    if (!va)
        return -EINVAL;
    /* commit */
    first = fifo->nr_pages * FIFO_WORDS_PER_PAGE;
    end = min(first + FIFO_WORDS_PER_PAGE, t->next_new);
    spin_lock(&t->events_lock);
    fifo->page[fifo->nr_pages++] = va;
    spin_unlock(&t->events_lock);
    for (uint32_t n = first; n < end; n++) {
        struct port *p = port_of(t, n);
        if (p->early && p->state != PORT_FREE)
            fifo_set_pending(d, n, p);
        p->early = false;
    }
    return 0;
}

/* Back to 2-level, with no port open: nobody else links or looks any more but stray VIRQs, which
 * find t->fifo NULL under the lock. */
void fifo_destroy(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;
    struct evtchn_fifo *fifo = t->fifo;

    ASSERT(spin_is_held(&t->lock));
    if (!fifo)
        return;
    spin_lock(&t->events_lock);
    t->fifo = NULL;
    spin_unlock(&t->events_lock);
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct fifo_vcpu *q = d->vcpu[i] ? d->vcpu[i]->fifo : NULL;
        if (!q)
            continue;
        d->vcpu[i]->fifo = NULL;
        unmap_guest_frame(q->block);
        hv_free(q);
    }
    for (unsigned i = 0; i < fifo->nr_pages; i++)
        unmap_guest_frame(fifo->page[i]);
    hv_free(fifo);
}
