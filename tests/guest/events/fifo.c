/* SPDX-License-Identifier: MIT */
/*
 * FIFO delivery: control blocks and arrays where none may be, twice, in pages that are something
 * else; the guest's half of the queues scribbled over; and reset, after which the pages are the
 * guest's again and 2-level delivery is back. The console's port goes with the others and is bound
 * anew to what dom0 has left of it.
 */
#include "events.h"

#include "guest-abi/kit/internal.h"
#include "frontends/console.h"

extern struct console kit_console;

#define CONTROL_BYTES 72u
#define PENDING       (1u << EVTCHN_FIFO_PENDING)
#define MASKED        (1u << EVTCHN_FIFO_MASKED)
#define LINKED        (1u << EVTCHN_FIFO_LINKED)
#define BUSY          (1u << EVTCHN_FIFO_BUSY)
#define WORDS         1024u
#define MOST_PAGES    128u

static struct evtchn_fifo_control_block *control;
static event_word_t *array;
static void *table;

static void control_refused(void)
{
    unsigned long good = virt_to_mfn(control);

    test_part("FIFO: control blocks");
    check_refused("expand_array before", ev_expand(virt_to_mfn(array)));
    check_refused("set_priority before", ev_priority(kit_console.port, 0));
    answers_start();
    answers_add(ev_control(good, 0, 1));
    answers_add(ev_control(good, 0, 32));
    answers_add(ev_control(good, 0, 0xffffffff));
    answers_end(true, "for vCPUs that are not there");
    answers_start();
    answers_add(ev_control(good, 1, 0));
    answers_add(ev_control(good, 4, 0));
    answers_add(ev_control(good, PAGE_SIZE - CONTROL_BYTES + 8, 0));
    answers_add(ev_control(good, PAGE_SIZE, 0));
    answers_add(ev_control(good, 0xfffffff8, 0));
    answers_end(true, "at offsets that do not do");
    answers_start();
    answers_add(ev_control(0, 0, 0));
    answers_add(ev_control(~0ul, 0, 0));
    answers_add(ev_control(1ul << 40, 0, 0));
    answers_add(ev_control(virt_to_mfn(table), 0, 0));
    answers_end(true, "in frames that are none of the guest's, or a page table");
}

static void control_taken(void)
{
    unsigned long mfn = virt_to_mfn(control);

    check_done("one at the end of its page", ev_control(mfn, PAGE_SIZE - CONTROL_BYTES, 0));
    check_refused("a second time", ev_control(mfn, 0, 0));
    check_refused("a second time, elsewhere", ev_control(virt_to_mfn(array), 0, 0));
    control = (void *)((char *)control + PAGE_SIZE - CONTROL_BYTES);
}

static void arrays(void)
{
    test_part("FIFO: arrays");
    answers_start();
    answers_add(ev_expand(0));
    answers_add(ev_expand(~0ul));
    answers_add(ev_expand(1ul << 40));
    answers_add(ev_expand(virt_to_mfn(table)));
    answers_end(true, "frames that are none of the guest's, or a page table");
    check_done("a page", ev_expand(virt_to_mfn(array)));
}

static void use_of_pages(void)
{
    void *page = (void *)((unsigned long)control & PAGE_MASK);

    test_need(!page_readonly(page) && !page_readonly(array), "pages stay writable");
    check_refused("the control block's page as a page table",
                  mmuext_mfn(MMUEXT_PIN_L1_TABLE, virt_to_mfn(page)));
    check_refused("the array's page as a page table",
                  mmuext_mfn(MMUEXT_PIN_L1_TABLE, virt_to_mfn(array)));
    test_need(!page_writable(page) && !page_writable(array), "pages stay read-only");
}

static void priorities(evtchn_port_t port)
{
    answers_start();
    for (unsigned i = 0; i < 17; i++)
        answers_add(ev_priority(port, i));
    answers_add(ev_priority(port, 0x80000000));
    answers_add(ev_priority(port, ~0u));
    answers_end(true, "priorities 0 to 16, and worse");
    answers_start();
    answers_add(ev_priority(0, 7));
    answers_add(ev_priority(ev_closed_port(), 7));
    answers_add(ev_priority(131072, 7));
    answers_end(true, "priorities of ports that are not open");
    ev_priority(port, 7);
}

/* An event takes its way: pending, linked, at the head of its queue, the queue ready. */
static void one_event(evtchn_port_t port)
{
    for (evtchn_port_t other = 0; other < WORDS; other++)
        array[other] = other == port ? 0 : MASKED; /* the console's, for one, may ring */
    for (unsigned i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        control->head[i] = 0;
    control->ready = 0;
    check_done("send", ev_send(port));
    check(array[port] == (PENDING | LINKED), "its word", "%s%s%s",
          array[port] & PENDING ? "pending " : "", array[port] & LINKED ? "linked " : "",
          array[port] & ~(PENDING | LINKED) ? "and more" : "and no more");
    check(control->head[7] == port, "the queue's head", "%s",
          control->head[7] == port ? "the port" : "another");
    check(control->ready == 1u << 7, "ready queues", "%x", control->ready);
    array[port] = 0; /* as a guest takes it off its queue */
    control->head[7] = 0;
    control->ready = 0;
}

static uint32_t next_random(void)
{
    static uint64_t x = 88172645463325252ul;

    x ^= x << 13;
    x ^= x >> 7;
    return (uint32_t)(x ^= x << 17);
}

static void scribble(unsigned way)
{
    for (unsigned i = 0; i < WORDS; i++)
        switch (way) {
        case 0: /* everything on a queue whose links lead to themselves */
            array[i] = LINKED | i;
            break;
        case 1: /* behind the array, and busy for ever */
            array[i] = PENDING | LINKED | BUSY | EVTCHN_FIFO_LINK_MASK;
            break;
        case 2:
            array[i] = ~0u;
            break;
        case 3:
            array[i] = 0;
            break;
        default:
            array[i] = next_random();
        }
    for (unsigned i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        control->head[i] = way == 3 ? 0 : next_random();
    control->ready = way == 3 ? 0 : next_random();
    control->_rsvd = next_random();
}

static void scribbled(evtchn_port_t port, evtchn_port_t other)
{
    unsigned bad = 0;

    test_part("FIFO: the guest's words scribbled over");
    for (unsigned way = 0; way < 40; way++)
        for (unsigned n = 0; n < 8; n++) {
            scribble(way);
            bad += ev_send(port) < 0;
            bad += ev_priority(n & 1 ? port : other, n * 2) < 0;
            scribble(way + 1);
            bad += ev_send(other) < 0;
            bad += ev_unmask(port) < 0;
            array[other] ^= next_random();
            bad += ev_unmask(other) < 0;
            bad += ev_send(port) < 0;
        }
    check(bad == 0, "sends and unmasks", "%u refused", bad);
    scribble(3);
}

static void many_arrays(void)
{
    char *pages = pages_alloc(MOST_PAGES);
    unsigned n = 1;
    long rc = 0;

    test_need(pages != NULL, "no memory");
    while (n < MOST_PAGES + 1 && !(rc = ev_expand(virt_to_mfn(pages + (n - 1) * PAGE_SIZE))))
        n++;
    check(rc == -XEN_ENOSPC, "expand_array until there is no more", "%s after %u", answer_name(rc),
          n);
    pages_free(pages, MOST_PAGES);
}

/* What dom0 has at the other end of a port of ours, which it will still have after the reset. */
struct far_end {
    domid_t dom;
    evtchn_port_t port;
};

static struct far_end far_end(evtchn_port_t port)
{
    struct evtchn_status s;

    test_need(!ev_status(DOMID_SELF, port, &s) && s.status == EVTCHNSTAT_interdomain,
              "a port of the tools' is bound to nothing");
    return (struct far_end){s.u.interdomain.dom, s.u.interdomain.port};
}

static void reset(void)
{
    struct far_end console = far_end(kit_console.port), store = far_end(start_info->store_evtchn);
    void *page = (void *)((unsigned long)control & PAGE_MASK);
    evtchn_port_t port, old = kit_console.port;
    long rc = ev_reset(DOMID_SELF), sent = ev_send(old), bound, again;

    test_part("FIFO: reset");
    bound = ev_bind(store.dom, store.port, &port);
    if (!bound)
        start_info->store_evtchn = port;
    if (!ev_bind(console.dom, console.port, &port))
        kit_console.port = port; /* otherwise nobody hears more */
    events_init();               /* the timer's */
    check_done("reset", rc);
    check_done("the store's port, bound again", bound);
    check_refused("a send in between", sent);
    test_need(!page_readonly(page) && !page_readonly(array), "pages stay writable");
    again = mmuext_mfn(MMUEXT_PIN_L1_TABLE, virt_to_mfn(array));
    check_done("the array's page as a page table", again);
    check_done("and no longer", mmuext_mfn(MMUEXT_UNPIN_TABLE, virt_to_mfn(array)));
    test_need(!page_writable(page) && !page_writable(array), "pages stay read-only");
    control = page;
    check_refused("expand_array", ev_expand(virt_to_mfn(array)));
}

static void once(void)
{
    evtchn_port_t port, other;

    control_taken();
    arrays();
    use_of_pages();
    check_done("an IPI", ev_ipi(0, &port));
    check_done("another", ev_ipi(0, &other));
    priorities(port);
    one_event(port);
    scribbled(port, other);
}

void fifo(void)
{
    char *pages = pages_alloc(3);

    test_need(pages != NULL, "no memory");
    control = (void *)pages;
    array = (void *)(pages + PAGE_SIZE);
    table = pages + 2 * PAGE_SIZE;
    test_need(!page_readonly(table) && !mmuext_mfn(MMUEXT_PIN_L1_TABLE, virt_to_mfn(table)),
              "no page table");
    control_refused();
    once();
    many_arrays();
    reset();
    test_part("FIFO: all of it again");
    once();
    reset();
    test_need(!mmuext_mfn(MMUEXT_UNPIN_TABLE, virt_to_mfn(table)) && !page_writable(table),
              "pages do not come back");
    pages_free(pages, 3);
}
