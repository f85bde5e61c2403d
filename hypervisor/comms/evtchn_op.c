/* SPDX-License-Identifier: MIT
 *
 * EVTCHNOP_*, one function each (ABI: event_channel.h). Rows of the table in hypercall.c; locks and
 * states as in evtchn.c.
 */
#include "comms/evtchn_private.h"
#include "dev/dev.h"
#include "hypercall.h"
#include "mm/page_alloc.h"

static struct vcpu *vcpu_of(const struct domain *d, uint32_t id)
{
    return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

long evtchnop_alloc_unbound(struct hcall *c, void *arg)
{
    struct evtchn_alloc_unbound *op = arg;
    struct port *p;
    uint32_t n = 0;
    int rc;
    struct domain *d PUT_AT_END = domain_get_for(c->d, op->dom, &rc);

    if (!d)
        return rc;
    spin_lock(&d->evtchn->lock);
    rc = port_alloc(d, &n, &p);
    if (!rc) {
        p->remote = op->remote_dom == DOMID_SELF ? c->d->id : op->remote_dom;
        p->state = PORT_UNBOUND;
        op->port = n;
    }
    spin_unlock(&d->evtchn->lock);
    return rc;
}

/* Both domains' locks held. */
static int bind_interdomain(struct domain *ld, struct domain *rd,
                            struct evtchn_bind_interdomain *op)
{
    struct port *remote = port_of(rd->evtchn, op->remote_port), *local;
    uint32_t n;
    int rc;

    if (!remote || remote->state != PORT_UNBOUND || remote->remote != ld->id)
        return -EINVAL;
    rc = port_alloc(ld, &n, &local);
    if (rc)
        return rc;
    /* commit */
    local->peer = rd;
    local->peer_port = op->remote_port;
    local->state = PORT_INTERDOMAIN;
    remote->peer = ld;
    remote->peer_port = n;
    remote->state = PORT_INTERDOMAIN;
    port_set_pending(ld, n, local); /* what the peer sent before we were there */
    op->local_port = n;
    return 0;
}

long evtchnop_bind_interdomain(struct hcall *c, void *arg)
{
    struct evtchn_bind_interdomain *op = arg;
    struct domain *rd PUT_AT_END =
        domain_get(op->remote_dom == DOMID_SELF ? c->d->id : op->remote_dom);
    int rc;

    if (!rd)
        return -ESRCH;
    spin_lock_pair(&c->d->evtchn->lock, &rd->evtchn->lock);
    rc = bind_interdomain(c->d, rd, op);
    spin_unlock_pair(&c->d->evtchn->lock, &rd->evtchn->lock);
    return rc;
}

long evtchnop_bind_virq(struct hcall *c, void *arg)
{
    struct evtchn_bind_virq *op = arg;
    struct domain *d = c->d;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&d->evtchn->lock);
    struct vcpu *v = vcpu_of(d, op->vcpu);
    struct port *p;
    uint32_t n;
    int rc;

    if (op->virq >= NR_VIRQS || (virq_is_global(op->virq) && op->vcpu != 0))
        return -EINVAL;
    if (!v)
        return -ENOENT;
    rc = v->virq_port[op->virq] ? -EEXIST : port_alloc(d, &n, &p);
    if (rc)
        return rc;
    p->line = op->virq;
    p->vcpu = (uint16_t)op->vcpu;
    p->state = PORT_VIRQ;
    WRITE_ONCE(v->virq_port[op->virq], n);
    op->port = n;
    return 0;
}

long evtchnop_bind_ipi(struct hcall *c, void *arg)
{
    struct evtchn_bind_ipi *op = arg;
    struct domain *d = c->d;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&d->evtchn->lock);
    struct port *p;
    uint32_t n;
    int rc = vcpu_of(d, op->vcpu) ? port_alloc(d, &n, &p) : -ENOENT;

    if (rc)
        return rc;
    p->vcpu = (uint16_t)op->vcpu;
    p->state = PORT_IPI;
    op->port = n;
    return 0;
}

/* The table from line to port, made for the first line. */
static int pirq_ports_ready(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;
    uint32_t *ports;

    if (t->pirq_port)
        return 0;
    ports = hv_alloc(nr_pirqs(d) * sizeof(*ports));
    if (!ports)
        return -ENOMEM;
    t->pirq_port = ports;
    __atomic_store_n(&t->nr_pirq_ports, nr_pirqs(d), __ATOMIC_RELEASE);
    return 0;
}

long evtchnop_bind_pirq(struct hcall *c, void *arg)
{
    struct evtchn_bind_pirq *op = arg;
    struct domain *d = c->d;
    struct evtchn_table *t = d->evtchn;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&t->lock);
    struct port *p;
    uint32_t n;
    int rc = op->pirq < nr_pirqs(d) ? pirq_ports_ready(d) : -EINVAL;

    if (rc)
        return rc;
    if (t->pirq_port[op->pirq])
        return -EEXIST;
    rc = port_alloc(d, &n, &p);
    if (rc)
        return rc;
    p->line = op->pirq;
    p->state = PORT_PIRQ;
    WRITE_ONCE(t->pirq_port[op->pirq], n); /* the line may fire before pirq_bind() returns */
    rc = pirq_bind(d, op->pirq, op->flags & BIND_PIRQ__WILL_SHARE);
    if (rc) {
        WRITE_ONCE(t->pirq_port[op->pirq], 0);
        p->state = PORT_FREE;
        port_give_back(t, n);
        return rc;
    }
    op->port = n;
    return 0;
}

long evtchnop_close(struct hcall *c, void *arg)
{
    struct evtchn_close *op = arg;
    return port_close(c->d, op->port);
}

long evtchnop_send(struct hcall *c, void *arg)
{
    struct evtchn_send *op = arg;
    struct domain *d = c->d;
    struct evtchn_table *t = d->evtchn;
    struct port *p;
    long rc = 0;

    spin_lock(&t->lock);
    p = port_of(t, op->port);
    if (p && p->state == PORT_INTERDOMAIN)
        port_set_pending(p->peer, p->peer_port, port_of(p->peer->evtchn, p->peer_port));
    else if (p && p->state == PORT_IPI)
        port_set_pending(d, op->port, p);
    else if (!p || p->state != PORT_UNBOUND) /* nobody listens yet: dropped */
        rc = -EINVAL;
    spin_unlock(&t->lock);
    return rc;
}

static void fill_status(const struct port *p, struct evtchn_status *op)
{
    op->vcpu = p->vcpu;
    op->status = p->state;
    if (p->state == PORT_UNBOUND)
        op->u.unbound.dom = (domid_t)p->remote;
    else if (p->state == PORT_PIRQ)
        op->u.pirq = p->line;
    else if (p->state == PORT_VIRQ)
        op->u.virq = p->line;
    if (p->state != PORT_INTERDOMAIN)
        return;
    op->u.interdomain.dom = p->peer->id;
    op->u.interdomain.port = p->peer_port;
}

long evtchnop_status(struct hcall *c, void *arg)
{
    struct evtchn_status *op = arg;
    struct port *p;
    int rc;
    struct domain *d PUT_AT_END = domain_get_for(c->d, op->dom, &rc);

    if (!d)
        return rc;
    spin_lock(&d->evtchn->lock);
    p = port_of(d->evtchn, op->port);
    if (p)
        fill_status(p, op);
    spin_unlock(&d->evtchn->lock);
    return p ? 0 : -EINVAL;
}

long evtchnop_bind_vcpu(struct hcall *c, void *arg)
{
    struct evtchn_bind_vcpu *op = arg;
    struct domain *d = c->d;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&d->evtchn->lock);
    struct port *p = port_of(d->evtchn, op->port);

    if (!vcpu_of(d, op->vcpu))
        return -ENOENT;
    if (!p || !(p->state == PORT_UNBOUND || p->state == PORT_INTERDOMAIN || p->state == PORT_PIRQ ||
                (p->state == PORT_VIRQ && virq_is_global(p->line))))
        return -EINVAL;
    WRITE_ONCE(p->vcpu, (uint16_t)op->vcpu);
    return 0;
}

long evtchnop_unmask(struct hcall *c, void *arg)
{
    struct evtchn_unmask *op = arg;
    struct domain *d = c->d;
    struct port *p;

    spin_lock(&d->evtchn->lock);
    p = port_of(d->evtchn, op->port);
    if (p && d->evtchn->fifo)
        fifo_unmask(d, op->port, p);
    else if (p)
        port_2l_unmask(d, op->port, p);
    spin_unlock(&d->evtchn->lock);
    return p ? 0 : -EINVAL;
}

/* Also reset_cont. Another domain must be paused by the toolstack, or it would open ports
 * meanwhile. */
long evtchnop_reset(struct hcall *c, void *arg)
{
    struct evtchn_reset *op = arg;
    int rc;
    struct domain *d PUT_AT_END = domain_get_for(c->d, op->dom, &rc);

    if (!d)
        return rc;
    return d != c->d && !READ_ONCE(d->controller_pauses) ? -EINVAL : port_close_all(d);
}

long evtchnop_init_control(struct hcall *c, void *arg)
{
    struct spinlock *held UNLOCK_AT_END = spin_hold(&c->d->evtchn->lock);

    return fifo_init_control(c->d, arg);
}

long evtchnop_expand_array(struct hcall *c, void *arg)
{
    struct evtchn_expand_array *op = arg;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&c->d->evtchn->lock);

    return fifo_expand_array(c->d, op->array_gfn);
}

/* Counts from the port's next event on. */
long evtchnop_set_priority(struct hcall *c, void *arg)
{
    struct evtchn_set_priority *op = arg;
    struct evtchn_table *t = c->d->evtchn;
    struct spinlock *held UNLOCK_AT_END = spin_hold(&t->lock);
    struct port *p = port_of(t, op->port);

    if (!t->fifo)
        return -ENOSYS;
    if (!p || op->priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -EINVAL;
    if (p->state == PORT_FREE)
        return -EACCES;
    WRITE_ONCE(p->priority, (uint8_t)op->priority);
    return 0;
}
