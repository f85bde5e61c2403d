/* SPDX-License-Identifier: MIT
 *
 * What evtchn.c and the two ways of delivery share.
 *
 * A port is free, unbound (waits for `remote` to bind it), or bound: to a peer's port, an interrupt
 * line, a virtual interrupt or an IPI. Ports live in pages of PORTS_PER_PAGE, allocated on demand
 * and kept until the domain's struct goes, so that a port number can be looked up without a lock.
 * Closed ports go to the tail of a list and are reused from its head.
 */
#pragma once
#include <xen/event_channel.h>
#include "comms/evtchn.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "lib/spinlock.h"

enum port_state { /* by the numbers of EVTCHNSTAT_* */
                  PORT_FREE = EVTCHNSTAT_closed,
                  PORT_UNBOUND = EVTCHNSTAT_unbound,
                  PORT_INTERDOMAIN = EVTCHNSTAT_interdomain,
                  PORT_PIRQ = EVTCHNSTAT_pirq,
                  PORT_VIRQ = EVTCHNSTAT_virq,
                  PORT_IPI = EVTCHNSTAT_ipi
};

struct port {
    /* under LOCK_EVTCHN; vcpu and priority are also read by senders that hold only LOCK_EVENTS */
    uint8_t state; /* enum port_state */
    uint8_t priority;
    uint16_t vcpu; /* who is notified */
    union {
        uint32_t peer_port; /* PORT_INTERDOMAIN */
        uint32_t line;      /* PORT_PIRQ, PORT_VIRQ: its number */
        uint32_t next_free; /* PORT_FREE: 0 ends the list */
    };
    union {
        struct domain *peer; /* PORT_INTERDOMAIN; no reference: closing takes both locks */
        uint64_t remote;     /* PORT_UNBOUND: domid that may bind */
    };
    /* under LOCK_EVENTS, FIFO only */
    uint16_t queue_vcpu; /* the queue it was linked on last */
    uint8_t queue_priority;
    bool early; /* raised before its event word existed */
    uint32_t spare[2];
};
#define PORTS_PER_PAGE 128u
_Static_assert(sizeof(struct port) * PORTS_PER_PAGE == PAGE_SIZE, "a page of ports");

#define FIFO_WORDS_PER_PAGE 1024u
#define FIFO_MAX_PAGES      (EVTCHN_FIFO_NR_CHANNELS / FIFO_WORDS_PER_PAGE)
struct evtchn_fifo {
    event_word_t *page[FIFO_MAX_PAGES]; /* guest frames, each with a reference and writable use */
    unsigned nr_pages;
};
struct fifo_vcpu {
    struct evtchn_fifo_control_block *block; /* in a guest frame held likewise */
    uint32_t tail[EVTCHN_FIFO_MAX_QUEUES];   /* last port linked; 0: the queue was empty */
};

struct evtchn_table {
    struct spinlock lock;        /* LOCK_EVTCHN */
    struct spinlock events_lock; /* LOCK_EVENTS */

    /* under lock */
    uint32_t max_port;             /* highest number the toolstack allows */
    uint32_t next_new;             /* ports below have been in use at some time */
    uint32_t free_head, free_tail; /* 0: none */
    uint32_t reset_next;           /* where a resumable closing of all ports goes on */
    bool closed;                   /* teardown has begun: nothing opens any more */
    uint32_t *pirq_port;           /* nr_pirqs() entries once the first line is bound */
    unsigned nr_pirq_ports;

    struct evtchn_fifo *fifo; /* NULL: 2-level; written under both locks */
    struct port *page[];      /* grows under lock, never shrinks */
};

/* NULL when the number was never given out. */
static inline struct port *port_of(const struct evtchn_table *t, uint32_t n)
{
    if (n >= READ_ONCE(t->next_new))
        return NULL;
    return &READ_ONCE(t->page[n / PORTS_PER_PAGE])[n % PORTS_PER_PAGE];
}

static inline bool virq_is_global(uint32_t virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

/* evtchn.c. Raises the port's event, by whichever way the domain has chosen. */
void port_set_pending(struct domain *d, uint32_t n, struct port *p);
/* A port to bind; the caller sets its state, or gives it back. LOCK_EVTCHN held. -EINVAL when d is
 * dying, -ENOSPC, -ENOMEM. */
int port_alloc(struct domain *d, uint32_t *n, struct port **p);
void port_give_back(struct evtchn_table *t, uint32_t n);
/* Takes the locks itself. -EINVAL: not open. */
int port_close(struct domain *d, uint32_t n);
/* Closes a batch of what is open, at the end also the FIFO. 0 or -ERESTART. */
int port_close_all(struct domain *d);
/* Somebody may poll for this port, which has just become pending. */
void port_wake_pollers(struct domain *d, uint32_t n);

/* evtchn_2l.c: bits in the shared_info page. No locks. */
void port_2l_set_pending(struct domain *d, uint32_t n, const struct port *p);
void port_2l_clear_pending(struct domain *d, uint32_t n);
bool port_2l_is_pending(const struct domain *d, uint32_t n);
void port_2l_unmask(struct domain *d, uint32_t n, const struct port *p);

/* evtchn_fifo.c. All but the first four take LOCK_EVENTS themselves; those want LOCK_EVTCHN. */
int fifo_init_control(struct domain *d, struct evtchn_init_control *op);
int fifo_expand_array(struct domain *d, uint64_t gfn);
bool fifo_port_busy(struct domain *d, uint32_t n); /* still linked: not to be reused yet */
void fifo_destroy(struct domain *d);
void fifo_set_pending(struct domain *d, uint32_t n, struct port *p);
void fifo_clear_pending(struct domain *d, uint32_t n, struct port *p);
bool fifo_is_pending(struct domain *d, uint32_t n);
void fifo_unmask(struct domain *d, uint32_t n, struct port *p);
