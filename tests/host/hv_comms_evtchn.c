/* SPDX-License-Identifier: MIT
 *
 * Event channels: every operation with its errors, 2-level and FIFO delivery, hostile event words,
 * polling, closing while others send, and that nothing is left when domains end.
 */
#include <pthread.h>
#include <xen/event_channel.h>
#include "hv_comms.h"
#include "comms/evtchn.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"

static struct domain *a, *b;

static int two_domains(void **state)
{
    start_machine(state);
    a = make_domain(0, true, 2);
    b = make_domain(1, false, 2);
    return 0;
}

/* ---- one line each ---- */

static uint32_t unbound(struct domain *d, domid_t remote)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = remote};
    assert_int_equal(call(evtchnop_alloc_unbound, d, &op), 0);
    return op.port;
}
static uint32_t bind(struct domain *d, domid_t remote, uint32_t port)
{
    struct evtchn_bind_interdomain op = {.remote_dom = remote, .remote_port = port};
    assert_int_equal(call(evtchnop_bind_interdomain, d, &op), 0);
    return op.local_port;
}
static long bind_rc(struct domain *d, domid_t remote, uint32_t port)
{
    struct evtchn_bind_interdomain op = {.remote_dom = remote, .remote_port = port};
    return call(evtchnop_bind_interdomain, d, &op);
}
static long send(struct domain *d, uint32_t port)
{
    struct evtchn_send op = {port};
    return call(evtchnop_send, d, &op);
}
static long close_port(struct domain *d, uint32_t port)
{
    struct evtchn_close op = {port};
    return call(evtchnop_close, d, &op);
}
static long unmask(struct domain *d, uint32_t port)
{
    struct evtchn_unmask op = {port};
    return call(evtchnop_unmask, d, &op);
}
static struct evtchn_status status_of(struct domain *d, uint32_t port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};
    assert_int_equal(call(evtchnop_status, d, &op), 0);
    return op;
}
static long virq(struct domain *d, uint32_t n, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_bind_virq op = {.virq = n, .vcpu = vcpu};
    long rc = call(evtchnop_bind_virq, d, &op);
    *port = op.port;
    return rc;
}
static bool pending2(struct domain *d, uint32_t port)
{
    return d->shared->evtchn_pending[port / 64] >> (port % 64) & 1;
}
/* What a guest does when it takes an event. */
static bool take2(struct domain *d, unsigned vcpu, uint32_t port)
{
    struct vcpu_info *i = d->vcpu[vcpu]->info;
    bool announced = i->evtchn_upcall_pending && i->evtchn_pending_sel >> (port / 64) & 1;
    bool was = pending2(d, port);
    i->evtchn_upcall_pending = 0;
    i->evtchn_pending_sel = 0;
    d->shared->evtchn_pending[port / 64] &= ~(1ul << (port % 64));
    return was && announced;
}

/* ---- 2-level ---- */

static void interdomain(void **state)
{
    uint32_t pb = unbound(b, 0), pa;

    (void)state;
    assert_int_equal(pb, 1);
    assert_int_equal(status_of(b, pb).status, EVTCHNSTAT_unbound);
    assert_int_equal(status_of(b, pb).u.unbound.dom, 0);
    assert_int_equal(send(b, pb), 0); /* nobody there: dropped */

    pa = bind(a, 1, pb);
    assert_true(take2(a, 0, pa)); /* starts pending */
    assert_false(pending2(b, pb));
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_interdomain);
    assert_int_equal(status_of(a, pa).u.interdomain.dom, 1);
    assert_int_equal(status_of(a, pa).u.interdomain.port, pb);
    assert_int_equal(status_of(b, pb).u.interdomain.port, pa);

    assert_int_equal(send(a, pa), 0);
    assert_true(take2(b, 0, pb));
    assert_int_equal(send(b, pb), 0);
    assert_true(take2(a, 0, pa));

    assert_int_equal(close_port(a, pa), 0);
    assert_int_equal(close_port(a, pa), -EINVAL);
    assert_int_equal(send(a, pa), -EINVAL);
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_closed);
    assert_int_equal(status_of(b, pb).status, EVTCHNSTAT_unbound);
    assert_int_equal(status_of(b, pb).u.unbound.dom, 0);
    pa = bind(a, 1, pb); /* and again */
    assert_int_equal(close_port(b, pb), 0);
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_unbound);
    assert_int_equal(status_of(a, pa).u.unbound.dom, 1);
}

static void loopback(void **state)
{
    uint32_t p = unbound(a, DOMID_SELF), q = bind(a, DOMID_SELF, p);

    (void)state;
    take2(a, 0, q);
    assert_int_equal(send(a, q), 0);
    assert_true(take2(a, 0, p));
    assert_int_equal(close_port(a, p), 0);
    assert_int_equal(status_of(a, q).status, EVTCHNSTAT_unbound);
}

static void refusals(void **state)
{
    struct evtchn_alloc_unbound op = {.dom = 0, .remote_dom = 1};
    struct evtchn_status st = {.dom = 0, .port = 1};
    uint32_t p = unbound(b, 5), q = unbound(b, 0);

    (void)state;
    assert_int_equal(call(evtchnop_alloc_unbound, b, &op), -EPERM);
    op.dom = 77;
    assert_int_equal(call(evtchnop_alloc_unbound, a, &op), -ESRCH);
    op.dom = 1; /* dom0 may, for another */
    assert_int_equal(call(evtchnop_alloc_unbound, a, &op), 0);
    assert_int_equal(status_of(b, op.port).u.unbound.dom, 1);
    assert_int_equal(call(evtchnop_status, b, &st), -EPERM);
    st.dom = 77;
    assert_int_equal(call(evtchnop_status, a, &st), -ESRCH);
    st = (struct evtchn_status){.dom = DOMID_SELF, .port = 100000};
    assert_int_equal(call(evtchnop_status, a, &st), -EINVAL);
    assert_int_equal(bind_rc(a, 1, p), -EINVAL); /* for domain 5 */
    assert_int_equal(bind_rc(a, 1, 4000), -EINVAL);
    assert_int_equal(bind_rc(a, 77, 1), -ESRCH);
    bind(a, 1, q);
    assert_int_equal(bind_rc(a, 1, q), -EINVAL); /* taken */
    assert_int_equal(send(a, 0), -EINVAL);
    assert_int_equal(send(a, ~0u), -EINVAL);
    assert_int_equal(close_port(a, 0), -EINVAL);
    assert_int_equal(close_port(a, ~0u), -EINVAL);
    assert_int_equal(unmask(a, ~0u), -EINVAL);
}

static void masks(void **state)
{
    uint32_t pb = unbound(b, 0), pa = bind(a, 1, pb);
    struct vcpu_info *i = b->vcpu[0]->info;

    (void)state;
    b->shared->evtchn_mask[0] = 1ul << pb;
    fakes.kicks = 0;
    assert_int_equal(send(a, pa), 0);
    assert_true(pending2(b, pb));
    assert_int_equal(i->evtchn_upcall_pending, 0);
    assert_int_equal(fakes.kicks, 0);
    assert_int_equal(unmask(b, pb), 0);
    assert_int_equal(i->evtchn_upcall_pending, 1);
    assert_int_equal(i->evtchn_pending_sel, 1);
    assert_int_equal(fakes.kicks, 1);
    assert_int_equal(send(a, pa), 0); /* pending already: nothing new */
    assert_int_equal(fakes.kicks, 1);
    assert_int_equal(b->shared->evtchn_mask[0], 0);
}

static void chosen_vcpu(void **state)
{
    uint32_t pb = unbound(b, 0), pa, ipi, timer;
    struct evtchn_bind_vcpu op = {.port = pb, .vcpu = 1};
    struct evtchn_bind_ipi i = {.vcpu = 1};

    (void)state;
    assert_int_equal(call(evtchnop_bind_vcpu, b, &op), 0); /* still unbound, as Linux does */
    pa = bind(a, 1, pb);
    send(a, pa);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 0);
    assert_true(take2(b, 1, pb));
    op.vcpu = 2;
    assert_int_equal(call(evtchnop_bind_vcpu, b, &op), -ENOENT);
    op = (struct evtchn_bind_vcpu){.port = 4000, .vcpu = 0};
    assert_int_equal(call(evtchnop_bind_vcpu, b, &op), -EINVAL);

    assert_int_equal(call(evtchnop_bind_ipi, b, &i), 0);
    ipi = i.port;
    assert_int_equal(send(b, ipi), 0);
    assert_true(take2(b, 1, ipi));
    assert_int_equal(status_of(b, ipi).status, EVTCHNSTAT_ipi);
    assert_int_equal(status_of(b, ipi).vcpu, 1);
    op = (struct evtchn_bind_vcpu){.port = ipi, .vcpu = 0};
    assert_int_equal(call(evtchnop_bind_vcpu, b, &op), -EINVAL);
    i.vcpu = 2;
    assert_int_equal(call(evtchnop_bind_ipi, b, &i), -ENOENT);
    assert_int_equal(virq(b, VIRQ_TIMER, 1, &timer), 0);
    op.port = timer;
    assert_int_equal(call(evtchnop_bind_vcpu, b, &op), -EINVAL);
}

static void virqs(void **state)
{
    uint32_t timer, debug, exc, port;

    (void)state;
    virq_send_vcpu(b->vcpu[1], VIRQ_TIMER); /* unbound: dropped */
    virq_send_global(VIRQ_DOM_EXC);
    assert_int_equal(virq(b, VIRQ_TIMER, 1, &timer), 0);
    assert_int_equal(virq(b, VIRQ_TIMER, 1, &port), -EEXIST);
    assert_int_equal(virq(b, VIRQ_TIMER, 0, &debug), 0);
    assert_int_equal(virq(b, VIRQ_TIMER, 7, &port), -ENOENT);
    assert_int_equal(virq(b, VIRQ_DOM_EXC, 1, &port), -EINVAL);
    assert_int_equal(virq(b, NR_VIRQS, 0, &port), -EINVAL);
    virq_send_vcpu(b->vcpu[1], VIRQ_TIMER);
    assert_true(take2(b, 1, timer));
    assert_false(pending2(b, debug));
    assert_int_equal(send(b, timer), -EINVAL); /* not the guest's to raise */

    assert_int_equal(virq(a, VIRQ_DOM_EXC, 0, &exc), 0);
    assert_int_equal(virq(b, VIRQ_DOM_EXC, 0, &port), 0); /* binds, but dom0 gets it */
    virq_send_global(VIRQ_DOM_EXC);
    assert_true(take2(a, 0, exc));
    assert_false(pending2(b, port));
    assert_int_equal(status_of(a, exc).u.virq, VIRQ_DOM_EXC);
    assert_int_equal(close_port(a, exc), 0);
    virq_send_global(VIRQ_DOM_EXC);
    assert_false(pending2(a, exc));
    assert_int_equal(virq(a, VIRQ_DOM_EXC, 0, &exc), 0);
}

static void global_virq_moves(void **state)
{
    uint32_t exc;
    struct evtchn_bind_vcpu op = {.vcpu = 1};

    (void)state;
    assert_int_equal(virq(a, VIRQ_DOM_EXC, 0, &exc), 0);
    op.port = exc;
    assert_int_equal(call(evtchnop_bind_vcpu, a, &op), 0);
    virq_send_global(VIRQ_DOM_EXC);
    assert_true(take2(a, 1, exc));
    assert_int_equal(close_port(a, exc), 0); /* found although it is not on vCPU 0 */
    assert_int_equal(virq(a, VIRQ_DOM_EXC, 0, &exc), 0);
}

static void pirqs(void **state)
{
    struct evtchn_bind_pirq op = {.pirq = 9};
    uint32_t port;

    (void)state;
    evtchn_send_pirq(a, 9); /* before any is bound */
    fakes.pirq_error = -EPERM;
    assert_int_equal(call(evtchnop_bind_pirq, a, &op), -EPERM);
    fakes.pirq_error = 0;
    assert_int_equal(call(evtchnop_bind_pirq, a, &op), 0);
    port = op.port;
    assert_int_equal(port, 1); /* the failed one gave its port back */
    assert_int_equal(fakes.pirq_binds, 1);
    assert_int_equal(call(evtchnop_bind_pirq, a, &op), -EEXIST);
    op.pirq = 64;
    assert_int_equal(call(evtchnop_bind_pirq, a, &op), -EINVAL);
    evtchn_send_pirq(a, 9);
    assert_true(take2(a, 0, port));
    evtchn_send_pirq(a, 1000);
    assert_int_equal(status_of(a, port).u.pirq, 9);
    assert_int_equal(close_port(a, port), 0);
    assert_int_equal(fakes.pirq_unbinds, 1);
    evtchn_send_pirq(a, 9);
    assert_false(pending2(a, port));
}

static void port_table_full(void **state)
{
    struct xen_domctl_createdomain cfg = {
        .max_vcpus = 1, .max_evtchn_port = 300, .max_grant_frames = 1, .grant_opts = 1};
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = 0};
    struct domain *d;
    uint32_t n = 0, v;

    (void)state;
    assert_int_equal(domain_create(9, &cfg, false, &d), 0);
    vcpu_create(d, 0);
    while (call(evtchnop_alloc_unbound, d, &op) == 0)
        assert_int_equal(op.port, ++n);
    assert_int_equal(n, 300);
    assert_int_equal(call(evtchnop_alloc_unbound, d, &op), -ENOSPC);
    assert_int_equal(virq(d, VIRQ_TIMER, 0, &v), -ENOSPC);
    assert_int_equal(bind_rc(d, 0, unbound(a, 9)), -ENOSPC);
    assert_int_equal(close_port(d, 150), 0);
    assert_int_equal(virq(d, VIRQ_TIMER, 0, &v), 0);
    assert_int_equal(v, 150);
    domain_put(d);

    for (n = 0; call(evtchnop_alloc_unbound, b, &op) == 0; n++)
        ;
    assert_int_equal(n, 4095); /* 2-level ends there, whatever the limit */
}

static void polls(void **state)
{
    uint32_t pb = unbound(b, 0), pa = bind(a, 1, pb), other = unbound(b, 0);

    (void)state;
    assert_true(evtchn_port_valid(b, pb));
    assert_false(evtchn_port_valid(b, 5000));
    assert_false(evtchn_port_valid(b, 0));
    assert_false(evtchn_is_pending(b, pb));
    assert_false(evtchn_is_pending(b, 5000));
    b->shared->evtchn_mask[0] = ~0ul; /* polling wakes for masked ports too */
    b->vcpu[1]->flags = VCPU_POLLING;
    b->vcpu[1]->poll_nr = 1;
    b->vcpu[1]->poll_port = other;
    send(a, pa);
    assert_int_equal(fakes.wakes, 0);
    assert_true(evtchn_is_pending(b, pb));
    take2(b, 0, pb);
    b->vcpu[1]->poll_port = pb;
    send(a, pa);
    assert_int_equal(fakes.wakes, 1);
    assert_ptr_equal(fakes.last_woken, b->vcpu[1]);
    take2(b, 0, pb);
    b->vcpu[1]->flags = VCPU_POLLING;
    b->vcpu[1]->poll_nr = 3;
    send(a, pa);
    assert_int_equal(fakes.wakes, 2);
}

static void reset(void **state)
{
    uint32_t pb = unbound(b, 0), pa = bind(a, 1, pb);
    struct evtchn_reset op = {.dom = 1};

    (void)state;
    for (int i = 0; i < 1500; i++)
        unbound(b, 0);
    assert_int_equal(call(evtchnop_reset, b, &(struct evtchn_reset){0}), -EPERM);
    assert_int_equal(call(evtchnop_reset, a, &op), -EINVAL); /* it runs */
    assert_int_equal(domain_pause_by_controller(b), 0);
    assert_int_equal(call(evtchnop_reset, a, &op), -ERESTART);
    while (call(evtchnop_reset, a, &op) == -ERESTART)
        ;
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_unbound);
    assert_int_equal(status_of(b, 1500).status, EVTCHNSTAT_closed);
    assert_int_equal(domain_unpause_by_controller(b), 0);
    assert_int_equal(unbound(b, 0), 1); /* lives on */
}

static void peer_dies(void **state)
{
    uint32_t pb = unbound(b, 0), pa = bind(a, 1, pb);

    (void)state;
    unbound(b, 0);
    end_domain(b);
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_unbound);
    assert_int_equal(status_of(a, pa).u.unbound.dom, 1);
    assert_int_equal(send(a, pa), 0);
    assert_int_equal(bind_rc(a, 1, pb), -ESRCH);
}

static void vcpu_info_moved(void **state)
{
    (void)state;
    evtchn_vcpu_info_moved(b->vcpu[1]);
    assert_true(b->vcpu[1]->info->evtchn_pending_sel == ~0ul);
    assert_int_equal(b->vcpu[1]->info->evtchn_upcall_pending, 1);
}

/* ---- FIFO ---- */

#define PEND (1u << EVTCHN_FIFO_PENDING)
#define MASK (1u << EVTCHN_FIFO_MASKED)
#define LINK (1u << EVTCHN_FIFO_LINKED)
#define BUSY (1u << EVTCHN_FIFO_BUSY)

static struct evtchn_fifo_control_block *block[2];
static event_word_t *words; /* first page */

static long init_control(struct domain *d, uint64_t gfn, uint32_t offset, uint32_t vcpu)
{
    struct evtchn_init_control op = {.control_gfn = gfn, .offset = offset, .vcpu = vcpu};
    long rc = call(evtchnop_init_control, d, &op);
    if (!rc)
        assert_int_equal(op.link_bits, 17);
    return rc;
}

static event_word_t *expand(struct domain *d)
{
    struct evtchn_expand_array op = {own_frame(d).v};
    assert_int_equal(call(evtchnop_expand_array, d, &op), 0);
    return mfn_to_va(mfn(op.array_gfn));
}

static void fifo_on(struct domain *d)
{
    for (unsigned i = 0; i < 2; i++) {
        mfn_t m = own_frame(d);
        assert_int_equal(init_control(d, m.v, 64 * i, i), 0);
        block[i] = (void *)((char *)mfn_to_va(m) + 64 * i);
    }
    words = expand(d);
    for (int i = 0; i < 1024; i++)
        words[i] |= MASK;
}

/* What a guest does: takes the head of a queue; 0: it is empty. */
static uint32_t take(unsigned vcpu, unsigned prio)
{
    uint32_t port = block[vcpu]->head[prio];
    if (!port)
        return 0;
    block[vcpu]->head[prio] = words[port] & EVTCHN_FIFO_LINK_MASK;
    if (!block[vcpu]->head[prio])
        block[vcpu]->ready &= ~(1u << prio);
    words[port] &= ~(LINK | PEND | EVTCHN_FIFO_LINK_MASK);
    return port;
}

static void fifo_control_errors(void **state)
{
    mfn_t m = own_frame(b), n = own_frame(b), theirs = own_frame(a);
    struct evtchn_expand_array ex = {m.v};
    struct evtchn_set_priority prio = {unbound(b, 0), 3};

    (void)state;
    assert_int_equal(call(evtchnop_expand_array, b, &ex), -EOPNOTSUPP);
    assert_int_equal(call(evtchnop_set_priority, b, &prio), -ENOSYS);
    assert_int_equal(init_control(b, m.v, 4096 - 64, 0), -EINVAL); /* 72 bytes do not fit */
    assert_int_equal(init_control(b, m.v, 4, 0), -EINVAL);
    assert_int_equal(init_control(b, m.v, ~0u & ~7u, 0), -EINVAL);
    assert_int_equal(init_control(b, m.v, 0, 2), -ENOENT);
    assert_int_equal(init_control(b, theirs.v, 0, 0), -EINVAL);
    assert_int_equal(init_control(b, ~0ul, 0, 0), -EINVAL);
    assert_int_equal(init_control(b, m.v, 4096 - 72, 0), 0);
    assert_int_equal(init_control(b, n.v, 0, 0), -EINVAL); /* twice */
    assert_int_equal(frame_type_now(frame_of(m)), FRAME_WRITABLE);
    ex.array_gfn = theirs.v;
    assert_int_equal(call(evtchnop_expand_array, b, &ex), -EINVAL);
    assert_int_equal(call(evtchnop_set_priority, b, &prio), 0);
    prio.priority = 16;
    assert_int_equal(call(evtchnop_set_priority, b, &prio), -EINVAL);
    prio = (struct evtchn_set_priority){9999, 3};
    assert_int_equal(call(evtchnop_set_priority, b, &prio), -EINVAL);
    for (int i = 0; i < 128; i++)
        expand(b);
    ex.array_gfn = n.v;
    assert_int_equal(call(evtchnop_expand_array, b, &ex), -ENOSPC);
}

static void fifo_order(void **state)
{
    uint32_t pb[4], pa[4];
    struct evtchn_set_priority prio;

    (void)state;
    fifo_on(b);
    for (int i = 0; i < 4; i++) {
        pb[i] = unbound(b, 0);
        pa[i] = bind(a, 1, pb[i]);
        unmask(b, pb[i]);
    }
    prio = (struct evtchn_set_priority){pb[3], 0};
    assert_int_equal(call(evtchnop_set_priority, b, &prio), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(send(a, pa[i]), 0);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 1);
    assert_int_equal(block[0]->ready, 1u << 7 | 1u << 0);
    send(a, pa[1]); /* pending and linked: nothing new */
    assert_int_equal(take(0, 0), pb[3]);
    assert_int_equal(take(0, 7), pb[0]);
    assert_int_equal(take(0, 7), pb[1]);
    send(a, pa[0]); /* behind the one that is still there */
    assert_int_equal(take(0, 7), pb[2]);
    assert_int_equal(take(0, 7), pb[0]);
    assert_int_equal(take(0, 7), 0);
    assert_int_equal(block[0]->ready, 0);
    b->vcpu[0]->info->evtchn_upcall_pending = 0;
    send(a, pa[2]); /* an empty queue starts anew */
    assert_int_equal(block[0]->ready, 1u << 7);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 1);
    assert_int_equal(take(0, 7), pb[2]);
}

static void fifo_masked(void **state)
{
    uint32_t pb, pa;

    (void)state;
    fifo_on(b);
    pb = unbound(b, 0);
    pa = bind(a, 1, pb);
    b->vcpu[1]->flags = VCPU_POLLING;
    b->vcpu[1]->poll_nr = 1;
    b->vcpu[1]->poll_port = pb;
    send(a, pa);
    assert_int_equal(words[pb], PEND | MASK);
    assert_true(evtchn_is_pending(b, pb));
    assert_int_equal(fakes.wakes, 1); /* the poller */
    assert_int_equal(block[0]->ready, 0);
    assert_int_equal(unmask(b, pb), 0);
    assert_int_equal(take(0, 7), pb);
    assert_false(evtchn_is_pending(b, pb));
    assert_int_equal(unmask(b, pb), 0); /* nothing pending: nothing happens */
    assert_int_equal(take(0, 7), 0);
}

static void fifo_moves_queue(void **state)
{
    struct evtchn_bind_vcpu op = {.vcpu = 1};
    struct evtchn_set_priority prio;
    uint32_t p[2], s[2];

    (void)state;
    fifo_on(b);
    for (int i = 0; i < 2; i++) {
        p[i] = unbound(b, 0);
        s[i] = bind(a, 1, p[i]);
        unmask(b, p[i]);
    }
    send(a, s[0]);
    assert_int_equal(take(0, 7), p[0]); /* p[0] is vCPU 0's tail, off the queue */
    op.port = p[0];
    assert_int_equal(call(evtchnop_bind_vcpu, b, &op), 0);
    prio = (struct evtchn_set_priority){p[0], 2};
    assert_int_equal(call(evtchnop_set_priority, b, &prio), 0);
    send(a, s[0]);
    assert_int_equal(block[1]->ready, 1u << 2);
    send(a, s[1]); /* must not be linked behind p[0], which is elsewhere now */
    assert_int_equal(take(0, 7), p[1]);
    assert_int_equal(take(1, 2), p[0]);
    assert_int_equal(take(1, 2), 0);
}

static void fifo_early(void **state)
{
    uint32_t pb = unbound(b, 0), pa = bind(a, 1, pb), old, olds;
    mfn_t m = own_frame(b);

    (void)state;
    old = unbound(b, 0);
    olds = bind(a, 1, old);
    send(a, olds); /* pending in 2-level */
    assert_int_equal(init_control(b, m.v, 0, 0), 0);
    block[0] = mfn_to_va(m);
    send(a, pa); /* no event word yet */
    assert_false(evtchn_is_pending(b, pb));
    words = expand(b);
    assert_int_equal(words[pb] & (PEND | LINK), PEND | LINK);
    assert_int_equal(take(0, 7), pb);
    assert_int_equal(take(0, 7), old);
    assert_int_equal(take(0, 7), 0);
}

static void fifo_no_block(void **state)
{
    struct evtchn_bind_ipi i = {.vcpu = 1};
    mfn_t m = own_frame(b);

    (void)state;
    assert_int_equal(init_control(b, m.v, 0, 0), 0);
    words = expand(b);
    assert_int_equal(call(evtchnop_bind_ipi, b, &i), 0);
    assert_int_equal(send(b, i.port), 0); /* vCPU 1 has no control block */
    assert_int_equal(words[i.port], PEND);
    m = own_frame(b);
    assert_int_equal(init_control(b, m.v, 0, 1), 0);
    block[1] = mfn_to_va(m);
    assert_int_equal(unmask(b, i.port), 0);
    assert_int_equal(take(1, 7), i.port);
}

static void fifo_many_ports(void **state)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = 0};
    uint32_t n = 0;

    (void)state;
    fifo_on(b);
    while (call(evtchnop_alloc_unbound, b, &op) == 0)
        n++;
    assert_int_equal(n, 131071);
    assert_int_equal(call(evtchnop_alloc_unbound, b, &op), -ENOSPC);
    assert_int_equal(op.port, 131071);
    assert_int_equal(bind(a, 1, 131071), 1); /* its word does not exist: remembered, not written */
    assert_int_equal(send(a, 1), 0);
}

/* A closed port that the guest has not taken off its queue is not given out again. */
static void fifo_busy_port(void **state)
{
    uint32_t pb, pa, next;

    (void)state;
    fifo_on(b);
    pb = unbound(b, 0);
    pa = bind(a, 1, pb);
    unmask(b, pb);
    send(a, pa);
    assert_int_equal(close_port(b, pb), 0);
    assert_int_equal(words[pb] & (PEND | LINK), LINK);
    next = unbound(b, 0);
    assert_int_not_equal(next, pb);
    assert_int_equal(take(0, 7), pb); /* the guest finds nothing pending there */
    close_port(b, next);
    assert_int_equal(unbound(b, 0), pb);
}

static void fifo_hostile(void **state)
{
    uint32_t p[3], s[3];

    (void)state;
    fifo_on(b);
    for (int i = 0; i < 3; i++) {
        p[i] = unbound(b, 0);
        s[i] = bind(a, 1, p[i]);
        unmask(b, p[i]);
    }
    /* all words full of ones: everything claims to be linked and busy */
    for (int i = 0; i < 1024; i++)
        words[i] = ~0u;
    for (int i = 0; i < 3; i++)
        assert_int_equal(send(a, s[i]), 0);
    /* links that point anywhere, heads that point anywhere, ready bits of no queue */
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 8; i++)
            words[i] = (uint32_t)(round * 2654435761u + i * 40503u);
        block[0]->head[round % 16] = (uint32_t)round * 977;
        block[0]->ready = (uint32_t)round * 31;
        assert_int_equal(send(a, s[round % 3]), 0);
        unmask(b, p[(round + 1) % 3]);
        evtchn_is_pending(b, p[2]);
    }
    /* the tail's LINKED bit goes away: the queue starts anew, nothing is lost by others */
    memset(words, 0, 4096);
    memset(block[0], 0, sizeof(*block[0]));
    send(a, s[0]);
    words[p[0]] &= ~LINK;
    send(a, s[1]);
    assert_int_equal(block[0]->head[7], p[1]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(close_port(b, p[i]), 0);
        assert_int_equal(close_port(a, s[i]), 0);
    }
}

/* The tail is BUSY-proof: bits that the guest owns are kept. */
static void fifo_link_keeps_bits(void **state)
{
    uint32_t p[2], s[2];

    (void)state;
    fifo_on(b);
    for (int i = 0; i < 2; i++) {
        p[i] = unbound(b, 0);
        s[i] = bind(a, 1, p[i]);
        unmask(b, p[i]);
    }
    send(a, s[0]);
    words[p[0]] |= MASK;
    send(a, s[1]);
    assert_int_equal(words[p[0]], PEND | MASK | LINK | p[1]);
    assert_int_equal(words[p[0]] & BUSY, 0);
}

static void fifo_reset(void **state)
{
    struct evtchn_reset op = {.dom = DOMID_SELF};
    uint32_t n;

    (void)state;
    fifo_on(b);
    assert_int_equal(virq(b, VIRQ_TIMER, 0, &n), 0);
    assert_int_equal(call(evtchnop_reset, b, &op), 0);
    assert_int_equal(frame_type_now(frame_of(va_to_mfn(words))), FRAME_NONE);
    virq_send_vcpu(b->vcpu[0], VIRQ_TIMER);
    fifo_on(b); /* and again from the start */
    assert_int_equal(virq(b, VIRQ_TIMER, 0, &n), 0);
    unmask(b, n);
    virq_send_vcpu(b->vcpu[0], VIRQ_TIMER);
    assert_int_equal(take(0, 7), n);
}

static void fifo_dies(void **state)
{
    uint32_t pb, pa;

    (void)state;
    fifo_on(b);
    pb = unbound(b, 0);
    pa = bind(a, 1, pb);
    unmask(b, pb);
    send(a, pa);
    end_domain(b);
    assert_int_equal(send(a, pa), 0);
}

/* ---- on several CPUs at once ---- */

static volatile bool stop;

static void *sender(void *arg)
{
    unsigned n = 0;

    (void)arg;
    pretend_run_on(1);
    while (!stop) {
        struct evtchn_send op = {1 + n++ % 8};
        struct hcall c = pretend_hcall(a->vcpu[1], 0, 0, 0, 0, 0);
        evtchnop_send(&c, &op);
        virq_send_vcpu(b->vcpu[0], VIRQ_TIMER);
    }
    return NULL;
}

static void *closer(void *arg)
{
    (void)arg;
    pretend_run_on(2);
    for (unsigned n = 0; !stop; n++) {
        struct evtchn_close op = {1 + n % 8};
        struct hcall c = pretend_hcall(b->vcpu[1], 0, 0, 0, 0, 0);
        evtchnop_close(&c, &op);
    }
    return NULL;
}

static void close_races_send(void **state)
{
    pthread_t t[2];
    uint32_t v;

    (void)state;
    fifo_on(b);
    stop = false;
    pthread_create(&t[0], NULL, sender, NULL);
    pthread_create(&t[1], NULL, closer, NULL);
    for (int i = 0; i < 20000; i++) {
        struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = 0};
        struct evtchn_bind_interdomain in = {.remote_dom = 1};
        struct hcall ca = pretend_hcall(a->vcpu[0], 0, 0, 0, 0, 0);
        struct hcall cb = pretend_hcall(b->vcpu[0], 0, 0, 0, 0, 0);
        if (evtchnop_alloc_unbound(&cb, &op) == 0) {
            in.remote_port = op.port;
            if (evtchnop_bind_interdomain(&ca, &in) == 0 && i % 3 == 0) {
                struct evtchn_close cl = {in.local_port};
                evtchnop_close(&ca, &cl);
            }
        }
        struct evtchn_close cl = {1 + (uint32_t)i % 16};
        evtchnop_close(&ca, &cl);
        struct evtchn_bind_virq vq = {.virq = VIRQ_TIMER};
        evtchnop_bind_virq(&cb, &vq);
    }
    stop = true;
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    v = unbound(b, 0);
    assert_true(v > 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, two_domains, end_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(interdomain),
        T(loopback),
        T(refusals),
        T(masks),
        T(chosen_vcpu),
        T(virqs),
        T(global_virq_moves),
        T(pirqs),
        T(port_table_full),
        T(polls),
        T(reset),
        T(peer_dies),
        T(vcpu_info_moved),
        T(fifo_control_errors),
        T(fifo_order),
        T(fifo_masked),
        T(fifo_moves_queue),
        T(fifo_early),
        T(fifo_no_block),
        T(fifo_many_ports),
        T(fifo_busy_port),
        T(fifo_hostile),
        T(fifo_link_keeps_bits),
        T(fifo_reset),
        T(fifo_dies),
        T(close_races_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
