/* SPDX-License-Identifier: MIT */
/* Events, time, grants. */
#include "tests/guest/kit/kit.h"
#include "tests/guest/lib/grants.h"

#define MILLISECOND 1000000ul
#define SECOND      1000000000ul

static unsigned calls;
static bool masked_in_handler;

static void count(evtchn_port_t port, void *context)
{
    (void)port;
    masked_in_handler = shared_info->vcpu_info[0].evtchn_upcall_mask;
    ++*(unsigned *)context;
}

static void count_os(void *context)
{
    ++*(unsigned *)context;
}

/* A port of ours bound to another one of ours. */
static evtchn_port_t connect(evtchn_port_t to)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF, .remote_port = to};

    test_need(hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &bind) == 0,
              "cannot bind one's own port");
    return bind.local_port;
}

static void test_waiting(evtchn_port_t from)
{
    uint64_t start;

    check_done("send", event_send(from));
    check(calls == 0, "calls before events are allowed", "%u", calls);
    event_wait(time_now() + 10 * SECOND);
    check(calls == 1 && masked_in_handler, "calls after a wait, masked", "%u", calls);
    start = time_now();
    event_wait(start + 20 * MILLISECOND);
    check(calls == 1 && time_now() >= start + 20 * MILLISECOND, "a wait for nothing", "its time");
    event_send(from);
    event_wait(0);
    check(calls == 2, "a wait without time", "%u calls", calls);
    event_send(from);
    events_on();
    check(calls == 3, "what was pending when events are allowed", "%u calls", calls);
    event_send(from);
    check(calls == 4, "while they are allowed", "%u calls", calls);
    event_wait(time_now() + 10 * SECOND); /* comes back at once: one has run */
    events_off();
    event_send(from);
    check(calls == 4, "when they are off again", "%u calls", calls);
    event_wait(time_now() + 10 * SECOND);
    check(calls == 5, "in the next wait", "%u calls", calls);
}

void test_events(void)
{
    evtchn_port_t from, to;
    unsigned os_calls = 0;

    test_part("events");
    check_done("a port", event_alloc_unbound(DOMID_SELF, &to));
    from = connect(to);
    event_bind(to, count, &calls);
    test_waiting(from);
    event_unbind(to);
    event_send(from);
    event_wait(time_now() + 5 * MILLISECOND);
    check(calls == 5, "without a handler", "%u calls", calls);
    event_bind(to, count, &calls);
    event_wait(time_now() + 5 * MILLISECOND);
    check(calls == 6, "kept until there is one again", "%u calls", calls);
    check_done("close", event_close(to) | event_close(from));
    check_refused("send on a closed port", event_send(from));
    check_refused("bind a VIRQ that does not exist", event_bind_virq(NR_VIRQS, &to));

    check_done("a port by os.h", os_event_alloc(DOMID_SELF, count_os, &os_calls, &to));
    from = connect(to);
    os_event_send(from);
    os_wait(os_now() + 10 * SECOND);
    check(os_calls == 1, "calls by os.h", "%u", os_calls);
    os_event_close(to);
    event_close(from);
}

void test_time(void)
{
    uint64_t last = time_now(), backwards = 0;

    test_part("time");
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t now = time_now();

        backwards += now < last;
        last = now;
    }
    check(!backwards, "reads that went backwards", "%lu", backwards);
    check(time_now() > last, "and it moves", "yes");
    check(wall_clock() > 1577836800 * SECOND && wall_clock() < 4102444800 * SECOND, "the year",
          "between 2020 and 2100");
    last = time_now();
    for (unsigned i = 0; i < 10; i++)
        time_sleep(MILLISECOND);
    check(time_now() - last >= 10 * MILLISECOND && time_now() - last < 60 * SECOND,
          "ten sleeps of a millisecond", "ten at least");
}

/* Every reference is another one, and none is of the reserved ones. */
static void test_many_grants(domid_t to, const void *page)
{
    enum { N = 1200 };
    static grant_ref_t refs[N];
    static bool seen[2 * N];
    unsigned good = 0, ended = 0;

    for (unsigned i = 0; i < N; i++)
        if (os_grant(to, page, false, &refs[i]) == 0 && refs[i] >= GNTTAB_NR_RESERVED_ENTRIES &&
            refs[i] < 2 * N && !seen[refs[i]]) {
            seen[refs[i]] = true;
            good++;
        }
    check(good == N, "references, each for itself", "%u", good);
    for (unsigned i = 0; i < N; i++)
        ended += os_grant_end(refs[i]) == 0;
    check(ended == N, "ended", "%u", ended);
}

void test_grants(void)
{
    uint64_t *page = pages_alloc(1), *there = va_reserve(1);
    domid_t self = own_domid();
    grant_handle_t handle;
    grant_ref_t ref, readonly;

    test_part("grants");
    test_need(page && there, "no page to grant");
    check_done("grant a page to oneself", os_grant(self, page, false, &ref));
    check_done("and read-only", os_grant(self, page, true, &readonly));
    check_status_refused("map the read-only one to write",
                         grant_map_at(there, self, readonly, GNTMAP_host_map, &handle));
    check_status("map it", grant_map_at(there, self, ref, GNTMAP_host_map, &handle), 0);
    there[5] = 55;
    check(page[5] == 55, "what is written there", "%lu", page[5]);
    check_answer("end it while it is mapped", os_grant_end(ref), -XEN_EBUSY);
    check_status("unmap it", grant_unmap((uint64_t)there, 0, handle), 0);
    check_answer("end it", os_grant_end(ref), 0);
    check_answer("end the other", os_grant_end(readonly), 0);
    check_status_refused("map it after that",
                         grant_map_at(there, self, ref, GNTMAP_host_map, &handle));
    test_many_grants(self, page);
    pages_free(page, 1);
}
