/* SPDX-License-Identifier: MIT */
/*
 * With 2-level delivery, where a guest starts: every operation on ports that are not open, on
 * others', with vCPUs and VIRQs that are not there; a table of ports that is full; and the shared
 * page's words, which are the guest's to write, full of ones while events come.
 */
#include "events.h"

#define MOST_PORTS 4096u

static const evtchn_port_t odd_ports[] = {
    0, 4095, 4096, 8191, 131071, 131072, 0x7fffffff, 0x80000000, 0xffffffff,
};
#define ODD_PORTS (sizeof(odd_ports) / sizeof(odd_ports[0]))

static const domid_t odd_domains[] = {
    0, 999, 0x7fef, DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, 0x7ff5, 0xffff,
};
#define ODD_DOMAINS (sizeof(odd_domains) / sizeof(odd_domains[0]))

static const uint32_t odd_vcpus[] = {1, 31, 32, 8191, 8192, 0x80000000, 0xffffffff};
#define ODD_VCPUS (sizeof(odd_vcpus) / sizeof(odd_vcpus[0]))

static void each_port(const char *what, long (*call)(evtchn_port_t))
{
    unsigned done = 0;

    answers_start();
    answers_add(call(ev_closed_port()));
    for (unsigned i = 0; i < ODD_PORTS; i++)
        answers_add(call(odd_ports[i]));
    answers_end(true, what);
    for (evtchn_port_t port = 1; port < MOST_PORTS; port++)
        if (!ev_open(port) && call(port) >= 0)
            done++;
    check(true, what, "%s closed port of the first 4096", done ? "done on a" : "refused on every");
}

static long status_of(evtchn_port_t port)
{
    struct evtchn_status s;

    return ev_status(DOMID_SELF, port, &s);
}

static long to_vcpu_0(evtchn_port_t port)
{
    return ev_vcpu(port, 0);
}

static long priority_0(evtchn_port_t port)
{
    return ev_priority(port, 0);
}

static long self_bind(evtchn_port_t port)
{
    evtchn_port_t ignored;

    return ev_bind(DOMID_SELF, port, &ignored);
}

static void ports_of_nobody(void)
{
    test_part("ports that are not open");
    each_port("status", status_of);
    each_port("send", ev_send);
    each_port("close", ev_close);
    each_port("unmask", ev_unmask);
    each_port("bind_vcpu", to_vcpu_0);
    each_port("set_priority", priority_0);
    each_port("bind_interdomain to oneself", self_bind);
}

static void other_domains(void)
{
    struct evtchn_status s;
    evtchn_port_t port;
    unsigned bound = 0;

    test_part("other domains");
    answers_start();
    for (unsigned i = 0; i < ODD_DOMAINS; i++)
        answers_add(ev_status(odd_domains[i], 1, &s));
    answers_end(true, "status");
    answers_start();
    for (unsigned i = 0; i < ODD_DOMAINS; i++)
        answers_add(ev_alloc(odd_domains[i], DOMID_SELF, &port));
    answers_end(true, "alloc_unbound for them");
    answers_start();
    for (unsigned i = 0; i < ODD_DOMAINS; i++)
        answers_add(ev_reset(odd_domains[i]));
    answers_end(true, "reset");
    answers_start();
    for (unsigned i = 0; i < ODD_DOMAINS; i++)
        answers_add(ev_bind(odd_domains[i], 1, &port));
    answers_end(true, "bind_interdomain");
    for (port = 0; port < MOST_PORTS; port++) {
        evtchn_port_t mine;

        if (!ev_bind(0, port, &mine)) {
            bound++;
            ev_close(mine);
        }
    }
    check(bound == 0, "dom0's ports", "%u of 4096 were for the taking", bound);
    answers_start();
    for (unsigned i = 0; i < ODD_PORTS; i++)
        answers_add(ev_bind(0, odd_ports[i], &port));
    answers_end(true, "bind_interdomain to dom0's odd ports");
    answers_start();
    for (unsigned i = 0; i < ODD_DOMAINS; i++) { /* whoever it is may come one day */
        long rc = ev_alloc(DOMID_SELF, odd_domains[i], &port);

        answers_add(rc);
        if (!rc && ev_close(port))
            check(false, "a new port", "cannot be closed");
    }
    answers_end(true, "alloc_unbound to them");
}

static void virqs(void)
{
    evtchn_port_t port;

    test_part("VIRQs and IPIs");
    check_answer("the timer, twice", ev_virq(VIRQ_TIMER, 0, &port), -XEN_EEXIST);
    for (uint32_t virq = 1; virq < 28; virq++) {
        char what[20];

        answers_start();
        answers_add(ev_virq(virq, 0, &port));
        if (port && port != NO_PORT && ev_open(port)) {
            evtchn_port_t again;

            answers_add(ev_virq(virq, 0, &again));
            answers_add(ev_send(port));
            answers_add(ev_vcpu(port, 0));
            answers_add(ev_vcpu(port, 1));
            answers_add(ev_close(port));
        }
        answers_add(ev_virq(virq, 1, &port));
        answers_add(ev_virq(virq, 0xffffffff, &port));
        snprintf(what, sizeof(what), "VIRQ %u", virq);
        answers_end(true, what);
    }
    answers_start();
    answers_add(ev_virq(0x7fffffff, 0, &port));
    answers_add(ev_virq(0xffffffff, 0, &port));
    answers_end(true, "VIRQs past all");
    answers_start();
    for (unsigned i = 0; i < ODD_VCPUS; i++)
        answers_add(ev_ipi(odd_vcpus[i], &port));
    answers_end(true, "IPIs to vCPUs that are not there");
    check_done("an IPI", ev_ipi(0, &port));
    answers_start();
    answers_add(ev_vcpu(port, 0));
    for (unsigned i = 0; i < ODD_VCPUS; i++)
        answers_add(ev_vcpu(port, odd_vcpus[i]));
    answers_end(true, "another vCPU for it");
    check_done("close", ev_close(port));
    check_refused("close again", ev_close(port));
    answers_start();
    for (uint32_t pirq = 0; pirq < 300; pirq += 15) {
        struct evtchn_bind_pirq bind = {.pirq = pirq};

        answers_add(hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, &bind));
    }
    answers_end(true, "lines of devices");
}

static void oneself(void)
{
    evtchn_port_t a, b, c;

    test_part("both ends of one's own");
    check_done("alloc_unbound", ev_alloc(DOMID_SELF, DOMID_SELF, &a));
    check_done("send before anybody is there", ev_send(a));
    check_done("bind", ev_bind(DOMID_SELF, a, &b));
    check_refused("bind again", ev_bind(DOMID_SELF, a, &c));
    check_done("send", ev_send(a));
    check_done("close one end", ev_close(a));
    check_done("send to what is closed", ev_send(b));
    check_done("bind to the end that is left", ev_bind(DOMID_SELF, b, &c));
    check_done("close", ev_close(b));
    check_done("close the other", ev_close(c));
    check_refused("send", ev_send(b));
}

/* Until there are no more; a VIRQ then; and all of them free again. */
static void full(void)
{
    static evtchn_port_t ports[MOST_PORTS];
    evtchn_port_t port;
    unsigned n = 0;
    long rc = 0;

    test_part("no port left");
    while (n < MOST_PORTS && !(rc = ev_alloc(DOMID_SELF, 0, &ports[n])))
        n++;
    check(rc == -XEN_ENOSPC, "alloc_unbound", "%s after %u", answer_name(rc), n);
    check_refused("a VIRQ", ev_virq(VIRQ_DEBUG, 0, &port));
    check_refused("an IPI", ev_ipi(0, &port));
    check_refused("a bind", self_bind(ports[0]));
    for (unsigned i = n; i-- > 0;)
        if (ev_close(ports[i]))
            check(false, "close", "refused");
    check_done("a VIRQ when there is room", ev_virq(VIRQ_DEBUG, 0, &port));
    check_done("close", ev_close(port));
}

static void fill(xen_ulong_t *words, xen_ulong_t value)
{
    for (unsigned i = 0; i < 64; i++)
        words[i] = value;
}

/* Events are masked throughout: nothing looks at the bits but the hypervisor. */
static void scribbled(void)
{
    struct vcpu_info *v = &shared_info->vcpu_info[0];
    xen_ulong_t masks[64];
    evtchn_port_t port;

    test_part("the shared page's words full of ones");
    check_done("an IPI", ev_ipi(0, &port));
    for (unsigned i = 0; i < 64; i++)
        masks[i] = shared_info->evtchn_mask[i];
    for (unsigned round = 0; round < 4; round++) {
        answers_start();
        fill(shared_info->evtchn_pending, round & 1 ? ~0ul : 0x5555555555555555ul);
        fill(shared_info->evtchn_mask, round & 2 ? ~0ul : 0);
        v->evtchn_pending_sel = round & 1 ? ~0ul : 0;
        answers_add(ev_send(port));
        answers_add(ev_unmask(port));
        answers_add(ev_unmask(ev_closed_port()));
        answers_add(ev_close(port));
        answers_add(ev_ipi(0, &port));
        answers_add(ev_send(port));
        answers_end(true, "send, unmask, close, bind");
    }
    fill(shared_info->evtchn_pending, 0);
    for (unsigned i = 0; i < 64; i++)
        shared_info->evtchn_mask[i] = masks[i];
    v->evtchn_pending_sel = 0;
    v->evtchn_upcall_pending = 0;
    check_done("send", ev_send(port));
    check(shared_info->evtchn_pending[port / 64] == 1ul << port % 64, "afterwards", "it arrives");
    shared_info->evtchn_pending[port / 64] = 0;
    check_done("close", ev_close(port));
    v->evtchn_pending_sel = 0;
    v->evtchn_upcall_pending = 0;
}

void two_level(void)
{
    ports_of_nobody();
    other_domains();
    virqs();
    oneself();
    full();
    scribbled();
}
