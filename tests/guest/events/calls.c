/* SPDX-License-Identifier: MIT */
/* event_channel_op's operations and lines of answers: events.h. */
#include "events.h"

static long op(unsigned cmd, const void *argument)
{
    return hypercall_op(__HYPERVISOR_event_channel_op, cmd, argument);
}

long ev_status(domid_t dom, evtchn_port_t port, struct evtchn_status *status)
{
    *status = (struct evtchn_status){.dom = dom, .port = port};
    return op(EVTCHNOP_status, status);
}

long ev_alloc(domid_t dom, domid_t remote, evtchn_port_t *port)
{
    struct evtchn_alloc_unbound a = {.dom = dom, .remote_dom = remote, .port = NO_PORT};
    long rc = op(EVTCHNOP_alloc_unbound, &a);

    *port = a.port;
    return rc;
}

long ev_bind(domid_t remote, evtchn_port_t remote_port, evtchn_port_t *port)
{
    struct evtchn_bind_interdomain a = {.remote_dom = remote, .remote_port = remote_port};
    long rc = op(EVTCHNOP_bind_interdomain, &a);

    *port = a.local_port;
    return rc;
}

long ev_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port)
{
    struct evtchn_bind_virq a = {.virq = virq, .vcpu = vcpu};
    long rc = op(EVTCHNOP_bind_virq, &a);

    *port = a.port;
    return rc;
}

long ev_ipi(uint32_t vcpu, evtchn_port_t *port)
{
    struct evtchn_bind_ipi a = {.vcpu = vcpu};
    long rc = op(EVTCHNOP_bind_ipi, &a);

    *port = a.port;
    return rc;
}

long ev_vcpu(evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu a = {.port = port, .vcpu = vcpu};

    return op(EVTCHNOP_bind_vcpu, &a);
}

long ev_close(evtchn_port_t port)
{
    struct evtchn_close a = {.port = port};

    return op(EVTCHNOP_close, &a);
}

long ev_send(evtchn_port_t port)
{
    struct evtchn_send a = {.port = port};

    return op(EVTCHNOP_send, &a);
}

long ev_unmask(evtchn_port_t port)
{
    struct evtchn_unmask a = {.port = port};

    return op(EVTCHNOP_unmask, &a);
}

long ev_priority(evtchn_port_t port, uint32_t priority)
{
    struct evtchn_set_priority a = {.port = port, .priority = priority};

    return op(EVTCHNOP_set_priority, &a);
}

long ev_reset(domid_t dom)
{
    struct evtchn_reset a = {.dom = dom};

    return op(EVTCHNOP_reset, &a);
}

long ev_control(uint64_t gfn, uint32_t offset, uint32_t vcpu)
{
    struct evtchn_init_control a = {.control_gfn = gfn, .offset = offset, .vcpu = vcpu};

    return op(EVTCHNOP_init_control, &a);
}

long ev_expand(uint64_t gfn)
{
    struct evtchn_expand_array a = {.array_gfn = gfn};

    return op(EVTCHNOP_expand_array, &a);
}

bool ev_open(evtchn_port_t port)
{
    struct evtchn_status s;

    return !ev_status(DOMID_SELF, port, &s) && s.status != EVTCHNSTAT_closed;
}

evtchn_port_t ev_closed_port(void)
{
    evtchn_port_t port = 1;

    while (ev_open(port))
        port++;
    return port;
}

static char line[400];
static size_t length;
static long last;
static unsigned same;

static void flush(void)
{
    const char *comma = length ? ", " : "";

    if (same > 1)
        length += (size_t)snprintf(line + length, sizeof(line) - length, "%s%s*%u", comma,
                                   answer_name(last), same);
    else if (same)
        length += (size_t)snprintf(line + length, sizeof(line) - length, "%s%s", comma,
                                   answer_name(last));
    if (length >= sizeof(line))
        length = sizeof(line) - 1;
    same = 0;
}

void answers_start(void)
{
    length = 0;
    same = 0;
    line[0] = 0;
}

void answers_add(long answer)
{
    if (same && answer != last)
        flush();
    last = answer;
    same++;
}

void answers_end(bool good, const char *what)
{
    flush();
    check(good, what, "%s", line);
}
