/* SPDX-License-Identifier: MIT */
/*
 * Events by the 2-level ABI: a bit a port in shared_info, pending and mask, and a word of selectors
 * in vcpu_info. Two masks: evtchn_mask holds one port back, vcpu_info.evtchn_upcall_mask all of
 * them, as CLI would.
 *
 * To unmask: clear the mask, then look at pending, as an event may have come in between; a
 * hypercall, any, makes the hypervisor look again on its way out (events_on()). Blocking clears
 * the mask and tests pending in one step, so nothing is lost between a look at `ran` and the sleep.
 */
#include "guest-abi/kit/internal.h"

#include <xen/sched.h>

#define PORTS EVTCHN_2L_NR_CHANNELS

static struct {
    event_handler *handler;
    void *context;
} ports[PORTS];
static volatile bool ran; /* a handler has, since event_wait() last returned */
static evtchn_port_t timer_port;

static struct vcpu_info *vcpu(void)
{
    return &shared_info->vcpu_info[0];
}

static void mask_port(evtchn_port_t port)
{
    __atomic_fetch_or(&shared_info->evtchn_mask[port / 64], 1ul << port % 64, __ATOMIC_SEQ_CST);
}

static void run_port(evtchn_port_t port)
{
    __atomic_fetch_and(&shared_info->evtchn_pending[port / 64], ~(1ul << port % 64),
                       __ATOMIC_SEQ_CST);
    if (port == timer_port)
        return;
    ran = true;
    if (ports[port].handler)
        ports[port].handler(port, ports[port].context);
}

/* Runs masked. What becomes pending meanwhile sets upcall_pending, and brings us here again. */
void events_run(void)
{
    unsigned long words;

    __atomic_store_n(&vcpu()->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    words = __atomic_exchange_n(&vcpu()->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (; words; words &= words - 1) {
        unsigned word = (unsigned)__builtin_ctzl(words);
        unsigned long bits = __atomic_load_n(&shared_info->evtchn_pending[word], __ATOMIC_SEQ_CST) &
                             ~__atomic_load_n(&shared_info->evtchn_mask[word], __ATOMIC_SEQ_CST);

        for (; bits; bits &= bits - 1)
            run_port(word * 64 + (evtchn_port_t)__builtin_ctzl(bits));
    }
}

bool events_allowed(void)
{
    return shared_info && !__atomic_load_n(&vcpu()->evtchn_upcall_mask, __ATOMIC_SEQ_CST);
}

void events_off(void)
{
    if (shared_info)
        __atomic_store_n(&vcpu()->evtchn_upcall_mask, 1, __ATOMIC_SEQ_CST);
}

void events_on(void)
{
    __atomic_store_n(&vcpu()->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&vcpu()->evtchn_upcall_pending, __ATOMIC_SEQ_CST))
        hypercall2(__HYPERVISOR_xen_version, 0, 0);
}

void event_wait(uint64_t deadline)
{
    bool were_on = events_allowed();

    events_off();
    while (!ran && time_now() < deadline) {
        timer_set(deadline);
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0); /* returns with events on */
        events_off();
    }
    if (!ran) { /* past the deadline from the start: what is pending is due all the same */
        events_on();
        events_off();
    }
    ran = false;
    if (were_on)
        events_on();
}

void event_wake(void)
{
    ran = true;
}

void event_bind(evtchn_port_t port, event_handler *handler, void *context)
{
    struct evtchn_unmask unmask = {.port = port};
    long error = -XEN_EINVAL; /* a port past the limit of the 2-level ABI */

    if (port < PORTS) {
        ports[port].handler = handler;
        ports[port].context = context;
        error = hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, &unmask);
    }
    if (error)
        guest_panic("cannot unmask event port %u: error %ld", port, error);
}

void event_unbind(evtchn_port_t port)
{
    if (port >= PORTS)
        return;
    mask_port(port);
    ports[port].handler = NULL;
    ports[port].context = NULL;
}

void *event_context(evtchn_port_t port, event_handler *handler)
{
    return port < PORTS && ports[port].handler == handler ? ports[port].context : NULL;
}

int event_send(evtchn_port_t port)
{
    struct evtchn_send send = {.port = port};

    return (int)hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

int event_alloc_unbound(domid_t remote, evtchn_port_t *port)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote};
    long error = hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &alloc);

    *port = alloc.port;
    return (int)error;
}

int event_bind_virq(unsigned virq, evtchn_port_t *port)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = 0};
    long error = hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &bind);

    *port = bind.port;
    return (int)error;
}

int event_close(evtchn_port_t port)
{
    struct evtchn_close close = {.port = port};

    event_unbind(port);
    return (int)hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &close);
}

void events_init(void)
{
    int error;

    for (evtchn_port_t port = 0; port < PORTS; port += 64)
        shared_info->evtchn_mask[port / 64] = ~0ul;
    error = event_bind_virq(VIRQ_TIMER, &timer_port);
    if (error)
        guest_panic("cannot bind the timer: error %d", error);
    event_bind(timer_port, NULL, NULL);
}
