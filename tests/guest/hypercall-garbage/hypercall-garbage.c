/* SPDX-License-Identifier: MIT */
/*
 * Every hypercall number with arguments that nobody means.
 *
 * The ABI promises an answer to any call: a number from 0 on, or a negative error. Numbers that do
 * not exist answer -ENOSYS, and so do sub-operations that do not; what only dom0 may do answers
 * -EPERM or, where that is judged first, another error. A pointer is good or the answer is -EFAULT:
 * one that lies in the hypervisor's half, is not canonical, wraps, or runs into a page that is not
 * mapped must neither be followed nor crash anybody. What comes after a refused call is as before.
 *
 * A line holds the answers of one number (and sub-operation) in the order of the arguments tried:
 * how many in a row were refused, or done. Which error it is depends on what is judged first, and
 * that is nobody's promise; that two hypervisors refuse the same calls is worth comparing.
 *
 * Left out: calls that end or stop the guest by what they are for (iret, stack_switch, multicall,
 * sched_op but yield, VCPUOP_down, EVTCHNOP_reset); most have kernels of their own.
 */
#include "garbage.h"
#include "tests/guest/lib/check.h"
#include "tests/guest/lib/grants.h"

#include <xen/memory.h>

#define RANDOM_CALLS 4000u
#define WORST_ERROR  (-133) /* the last of the ABI's error numbers */

static char line[500];
static size_t length;
static unsigned same;
static bool last, all_good; /* the last was refused; every answer is one */

static void flush(void)
{
    const char *name = last ? "refused" : "done", *comma = length ? ", " : "";

    if (!same)
        return;
    length += (size_t)snprintf(line + length, sizeof(line) - length, "%s%u %s", comma, same, name);
    if (length >= sizeof(line))
        length = sizeof(line) - 1; /* the rest is not said */
    same = 0;
}

static void line_start(void)
{
    length = 0;
    same = 0;
    line[0] = 0;
    all_good = true;
}

static void line_add(long answer)
{
    if (answer < WORST_ERROR)
        all_good = false;
    if (same && last != (answer < 0))
        flush();
    last = answer < 0;
    same++;
}

static void line_end(const char *what)
{
    flush();
    if (!length)
        return; /* nothing of it may be tried */
    check(all_good, what, "%s", line);
}

static void call(unsigned long op, const unsigned long a[ARGUMENTS])
{
    if (garbage_forbidden(op, a))
        return;
    line_add(garbage_call(op, a));
    garbage_restore(op);
}

/* Each argument in turn, then all of them, is each value, while the others are 0 (the fourth, a
 * domain where it is something, the guest itself). */
static void values(unsigned long op, unsigned first, unsigned long sub_op)
{
    unsigned long v;

    for (unsigned at = first; at <= 3; at++)
        for (unsigned n = 0; garbage_value(n, &v); n++) {
            unsigned long a[ARGUMENTS] = {0};

            for (unsigned i = first; i < ARGUMENTS; i++)
                a[i] = at == i || at == 3 ? v : i == 3 ? DOMID_SELF : 0;
            if (first)
                a[0] = sub_op;
            call(op, a);
        }
}

/* The first pointer names each content, with several counts behind it. */
static void structures(unsigned long op, unsigned first, unsigned long sub_op)
{
    static const unsigned long counts[] = {0, 1, 2, ~0ul, 0x80000000ul};
    unsigned long s;

    for (unsigned c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
        for (unsigned n = 0; garbage_structure(n, &s); n++) {
            unsigned long a[ARGUMENTS] = {s, counts[c], 0, DOMID_SELF, 0, 0};

            if (first) {
                a[0] = sub_op;
                a[1] = s;
                a[2] = counts[c];
            }
            call(op, a);
        }
}

/* vcpu_op and console_io have their pointer third. */
static void third(unsigned long op, unsigned long sub_op)
{
    static const unsigned long seconds[] = {0, 1, 31, 8192, ~0ul, 1ul << 32};
    unsigned long v;

    for (unsigned i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        for (unsigned n = 0; garbage_value(n, &v); n++)
            call(op, (unsigned long[ARGUMENTS]){sub_op, seconds[i], v});
        for (unsigned n = 0; garbage_structure(n, &v); n++)
            call(op, (unsigned long[ARGUMENTS]){sub_op, seconds[i], v});
    }
}

static const struct {
    unsigned op;
    const char *name;
    unsigned subs;
    bool pointer_third;
} with_subs[] = {
    {__HYPERVISOR_memory_op, "memory_op", 32, false},
    {__HYPERVISOR_xen_version, "xen_version", 14, false},
    {__HYPERVISOR_console_io, "console_io", 4, true},
    {__HYPERVISOR_grant_table_op, "grant_table_op", 16, false},
    {__HYPERVISOR_vm_assist, "vm_assist", 4, false},
    {__HYPERVISOR_vcpu_op, "vcpu_op", 18, true},
    {__HYPERVISOR_nmi_op, "nmi_op", 4, false},
    {__HYPERVISOR_sched_op, "sched_op", 10, false},
    {__HYPERVISOR_callback_op, "callback_op", 4, false},
    {__HYPERVISOR_event_channel_op, "event_channel_op", 17, false},
    {__HYPERVISOR_physdev_op, "physdev_op", 34, false},
};

static bool has_subs(unsigned long op)
{
    for (unsigned i = 0; i < sizeof(with_subs) / sizeof(with_subs[0]); i++)
        if (with_subs[i].op == op)
            return true;
    return false;
}

static void number(unsigned long op)
{
    char what[40];

    line_start();
    values(op, 0, 0);
    snprintf(what, sizeof(what), "hypercall %ld, values", (long)op);
    line_end(what);
    line_start();
    structures(op, 0, 0);
    snprintf(what, sizeof(what), "hypercall %ld, structures", (long)op);
    line_end(what);
}

static void numbers(void)
{
    static const unsigned long odd[] = {64,        127,          128,          255,
                                        1023,      0x7ffffffful, 0x80000000ul, 0xfffffffful,
                                        1ul << 32, ~0ul,         ~0ul - 3,     1ul << 63};

    test_part("numbers without sub-operations");
    for (unsigned long op = 0; op < 64; op++)
        if (!has_subs(op))
            number(op);
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        if (!has_subs((uint32_t)odd[i]) && (uint32_t)odd[i])
            number(odd[i]);
}

static void sub_operations(void)
{
    static const unsigned long odd[] = {0x40,         0xff,           0x7ffffffful, 0x80000000ul,
                                        0xfffffffful, 1ul << 32 | 99, ~0ul};

    for (unsigned i = 0; i < sizeof(with_subs) / sizeof(with_subs[0]); i++) {
        unsigned nr_odd = sizeof(odd) / sizeof(odd[0]);

        test_part(with_subs[i].name);
        for (unsigned sub = 0; sub < with_subs[i].subs + nr_odd; sub++) {
            bool is_odd = sub >= with_subs[i].subs;
            unsigned long cmd = is_odd ? odd[sub - with_subs[i].subs] : sub;
            char what[40];

            snprintf(what, sizeof(what), "%s %ld", with_subs[i].name, (long)cmd);
            line_start();
            if (with_subs[i].pointer_third)
                third(with_subs[i].op, cmd);
            else {
                values(with_subs[i].op, 1, cmd);
                structures(with_subs[i].op, 1, cmd);
            }
            line_end(what);
        }
    }
}

static void named(const char *what, long answer)
{
    check(answer >= 0, what, "%s", answer >= 0 ? "done" : answer_name(answer));
}

/* Who names himself by number rather than by DOMID_SELF. */
static void by_number(void)
{
    domid_t me = own_domid();
    struct evtchn_alloc_unbound alloc = {.dom = me, .remote_dom = me};
    struct evtchn_status status = {.dom = me, .port = 1};
    struct gnttab_query_size size = {.dom = me};
    struct mmu_update nothing = {.ptr = 0};

    test_part("the guest's own number");
    named("current_reservation",
          hypercall_op(__HYPERVISOR_memory_op, XENMEM_current_reservation, &me));
    named("maximum_reservation",
          hypercall_op(__HYPERVISOR_memory_op, XENMEM_maximum_reservation, &me));
    named("status", hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status));
    named("alloc_unbound",
          hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &alloc));
    event_close(alloc.port);
    named("query_size",
          hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, (unsigned long)&size, 1));
    check_status("its status", size.status, GNTST_okay);
    check(true, "mmu_update", "%s",
          answer_name(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&nothing, 1, 0, me)));
}

/* Six arguments at random, to every number. What is answered is nobody's promise. */
static void random_calls(void)
{
    unsigned wrong = 0;

    test_part("at random");
    garbage_seed(test_number("seed=", 1));
    for (unsigned i = 0; i < RANDOM_CALLS; i++) {
        unsigned long a[ARGUMENTS], op = garbage_random() % 64;

        for (unsigned n = 0; n < ARGUMENTS; n++)
            a[n] = garbage_random();
        if (has_subs(op))
            a[0] = garbage_random() % 40;
        if (garbage_forbidden(op, a))
            continue;
        if (garbage_call(op, a) < WORST_ERROR)
            wrong++;
        garbage_restore(op);
    }
    check(wrong == 0, "calls at random", "%u answers that are none", wrong);
}

static bool nmi(struct trap_frame *frame)
{
    (void)frame;
    return true;
}

int guest_main(void)
{
    garbage_init();
    trap_set_hook(TRAP_NMI, nmi); /* VCPUOP_send_nmi */
    do {
        numbers();
        sub_operations();
        by_number();
        random_calls();
    } while (test_round());
    return test_end();
}
