/* SPDX-License-Identifier: MIT */
/* SCHEDOP_poll on ports that are none, are others', lie in memory that is not there. */
#include "events.h"

#include <xen/sched.h>

#define MILLISECOND 1000000ul

static long poll(const evtchn_port_t *ports, unsigned nr, uint64_t timeout)
{
    struct sched_poll p = {.nr_ports = nr, .timeout = timeout};

    set_xen_guest_handle(p.ports, (evtchn_port_t *)ports);
    return hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
}

static uint64_t soon(void)
{
    return time_now() + MILLISECOND;
}

static void poll_one(const char *what, evtchn_port_t port)
{
    check(true, what, "%s", answer_name(poll(&port, 1, soon())));
}

void polling(void)
{
    evtchn_port_t port, list[130];
    char *hole = va_reserve(1);

    test_part("poll");
    check_done("an IPI", ev_ipi(0, &port));
    check_done("nothing, until a moment ago", poll(NULL, 0, 1));
    check_done("nothing, for a millisecond", poll(NULL, 0, soon()));
    check_done("a port, for a millisecond", poll(&port, 1, soon()));
    poll_one("port 0", 0);
    poll_one("port 4095", 4095);
    poll_one("port 4096", 4096);
    poll_one("port 131071", 131071);
    poll_one("port 131072", 131072);
    poll_one("the last number there is", 0xffffffff);
    poll_one("a closed port", ev_closed_port());
    for (unsigned i = 0; i < 130; i++)
        list[i] = port;
    check_done("128 ports", poll(list, 128, soon()));
    check_refused("129 ports", poll(list, 129, soon()));
    check_refused("as many ports as there are numbers", poll(list, ~0u, soon()));
    list[127] = 0xffffffff;
    check_refused("the last of 128 is none", poll(list, 128, soon()));
    check_refused("a list in a hole", poll((void *)hole, 1, soon()));
    check_refused("a list in the hypervisor", poll((void *)0xffff830000000000ul, 1, soon()));
    check_refused("a list that wraps", poll((void *)-2ul, 2, soon()));
    check_done("a long time ago", poll(&port, 1, 1));
    check_done("send", ev_send(port));
    check_done("a port that is pending, for ever", poll(&port, 1, 0));
    shared_info->evtchn_pending[port / 64] &= ~(1ul << port % 64);
    check_done("close", ev_close(port));
}
