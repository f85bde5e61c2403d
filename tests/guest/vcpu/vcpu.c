/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op: vCPUs that are not there, areas that are no memory, timers out of all time.
 *
 * A vCPU's context (VCPUOP_initialise) is refused when anything in it cannot be loaded, and the
 * vCPU is then as new. vcpu_info may move once, into a page of the guest's own, at a multiple of 8
 * that leaves room: the hypervisor writes there on every event from then on, so the page may be
 * nothing else (a page table, another's, the hypervisor's) and cannot become that. Runstate and
 * time areas are addresses, written under the guest's own tables: whatever stands there, nobody but
 * the guest is hurt. A one-shot timer in the past fires at once, one in a thousand years never;
 * periods below a millisecond are refused. Only a vCPU itself sets its one-shot timer.
 */
#include "guest-abi/kit/internal.h"
#include "tests/guest/lib/check.h"

#include <xen/sched.h>
#include <xen/vcpu.h>

#define MILLISECOND 1000000ul
#define INFO_BYTES  64u

static long vcpu_op(unsigned cmd, unsigned long vcpu, const void *argument)
{
    return hypercall3(__HYPERVISOR_vcpu_op, cmd, vcpu, (unsigned long)argument);
}

static const unsigned long nobody[] = {2, 31, 32, 8191, 8192, 0x7fffffff, 0x80000000, 0xffffffff};
#define NOBODY (sizeof(nobody) / sizeof(nobody[0]))

static void vcpus_that_are_not_there(void)
{
    static const struct {
        unsigned cmd;
        const char *name;
    } ops[] = {
        {VCPUOP_up, "up"},
        {VCPUOP_down, "down"},
        {VCPUOP_is_up, "is_up"},
        {VCPUOP_get_runstate_info, "get_runstate_info"},
        {VCPUOP_stop_periodic_timer, "stop_periodic_timer"},
        {VCPUOP_stop_singleshot_timer, "stop_singleshot_timer"},
        {VCPUOP_send_nmi, "send_nmi"},
    };
    struct vcpu_runstate_info info;

    test_part("vCPUs that are not there");
    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        for (unsigned n = 0; n < NOBODY; n++) {
            char what[60];

            snprintf(what, sizeof(what), "%s of vCPU %lu", ops[i].name, nobody[n]);
            check_answer(what, vcpu_op(ops[i].cmd, nobody[n], &info), -XEN_ENOENT);
        }
}

static void vcpu_that_is_down(void)
{
    struct vcpu_runstate_info info = {.state = -1};

    test_part("a vCPU that is down");
    check_answer("is_up", vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    check_answer("up", vcpu_op(VCPUOP_up, 1, NULL), -XEN_EINVAL);
    check_answer("down", vcpu_op(VCPUOP_down, 1, NULL), 0);
    check_answer("get_runstate_info", vcpu_op(VCPUOP_get_runstate_info, 1, &info), 0);
    check(info.state == RUNSTATE_offline, "its state", "%d", info.state);
    check_answer("stop_periodic_timer", vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL), 0);
    check_answer("stop_singleshot_timer", vcpu_op(VCPUOP_stop_singleshot_timer, 1, NULL),
                 -XEN_EINVAL);
    check_answer("is_up of oneself", vcpu_op(VCPUOP_is_up, 0, NULL), 1);
    check_answer("up of oneself", vcpu_op(VCPUOP_up, 0, NULL), 0);
}

/* --- vcpu_info ----------------------------------------------------------------------------------
 */

static long info_at(unsigned long vcpu, uint64_t mfn, uint32_t offset)
{
    struct vcpu_register_vcpu_info a = {.mfn = mfn, .offset = offset};

    return vcpu_op(VCPUOP_register_vcpu_info, vcpu, &a);
}

static void *table;

static void vcpu_info_refused(char *page)
{
    static const uint32_t offsets[] = {
        1,          2,    4,    7,          12,         PAGE_SIZE - INFO_BYTES + 1,
        4040,       4088, 4096, 0x7ffffff8, 0x80000000, 0xffffffc0,
        0xffffffff,
    };
    static const uint64_t frames[] = {0, 1, 1ul << 40, 1ul << 52, ~0ul};
    unsigned long mfn = virt_to_mfn(page);
    char what[60];

    test_part("vcpu_info where it cannot be");
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        snprintf(what, sizeof(what), "offset %u", offsets[i]);
        check_refused(what, info_at(1, mfn, offsets[i]));
    }
    for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        snprintf(what, sizeof(what), "frame, the %u. that is not the guest's", i);
        check_refused(what, info_at(1, frames[i], 0));
    }
    check_refused("a page table's frame", info_at(1, virt_to_mfn(table), 0));
    for (unsigned i = 0; i < NOBODY; i++) {
        snprintf(what, sizeof(what), "for vCPU %lu", nobody[i]);
        check_answer(what, info_at(nobody[i], mfn, 0), -XEN_ENOENT);
    }
}

static void vcpu_info_moves(char *page)
{
    unsigned long mfn = virt_to_mfn(page);
    const struct vcpu_info *info = (void *)(page + PAGE_SIZE - INFO_BYTES);

    test_part("vcpu_info in a page");
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        page[i] = 0x55;
    check_done("at its end", info_at(1, mfn, PAGE_SIZE - INFO_BYTES));
    check(info->evtchn_upcall_pending == 1 && info->evtchn_pending_sel == ~0ul, "events",
          "%u pending, selectors %lx", info->evtchn_upcall_pending,
          (unsigned long)info->evtchn_pending_sel);
    check(true, "the mask", "%u", info->evtchn_upcall_mask);
    check(page[0] == 0x55 && page[PAGE_SIZE - INFO_BYTES - 1] == 0x55, "the rest of the page",
          "as it was");
    check_refused("again", info_at(1, mfn, 0));
    test_need(!page_readonly(page), "the page stays writable");
    check_refused("the page as a page table", mmuext_mfn(MMUEXT_PIN_L1_TABLE, mfn));
    test_need(!page_writable(page), "the page stays read-only");
}

/* --- contexts -----------------------------------------------------------------------------------
 */

static struct vcpu_guest_context *context;

static void good_context(void)
{
    for (unsigned i = 0; i < sizeof(*context); i++)
        ((char *)context)[i] = 0;
    context->flags = VGCF_in_kernel;
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->ctrlreg[3] = virt_to_mfn((const void *)start_info->pt_base) << PAGE_SHIFT;
}

static void context_refused(const char *what)
{
    check_refused(what, vcpu_op(VCPUOP_initialise, 1, context));
    good_context();
}

/* Each is good but for one thing. */
static void contexts(char *hole, char *page)
{
    uint64_t here = virt_to_mfn(page), there = virt_to_mfn(table);

    test_part("contexts");
    check_refused("at 0", vcpu_op(VCPUOP_initialise, 1, NULL));
    check_refused("in the hypervisor", vcpu_op(VCPUOP_initialise, 1, (void *)0xffff830000000000ul));
    check_refused("into a page that is not mapped",
                  vcpu_op(VCPUOP_initialise, 1, hole - sizeof(*context) + 8));
    good_context();
    check_refused("for oneself", vcpu_op(VCPUOP_initialise, 0, context));
    check_refused("for nobody", vcpu_op(VCPUOP_initialise, 2, context));
    context->ctrlreg[3] = 0;
    context_refused("no tables");
    context->ctrlreg[3] = ~0ul;
    context_refused("tables behind all memory");
    context->ctrlreg[3] = there << PAGE_SHIFT;
    context_refused("an L1 as tables");
    context->ctrlreg[1] = ~0ul & PAGE_MASK;
    context_refused("user tables behind all memory");
    context->ctrlreg[1] = there << PAGE_SHIFT;
    context_refused("an L1 as user tables");
    context->gdt_ents = 512;
    context_refused("descriptors in the first frame of all");
    context->gdt_ents = 512;
    context->gdt_frames[0] = there;
    context_refused("descriptors in a page table");
    context->gdt_ents = 512;
    context->gdt_frames[0] = here;
    context_refused("descriptors in a page that is writable");
    context->gdt_ents = 7169;
    context_refused("more descriptors than there may be");
    context->gdt_ents = ~0ul;
    context_refused("many more descriptors");
    context->ldt_ents = 1;
    context->ldt_base = (uint64_t)page + 8;
    context_refused("an LDT that is not aligned");
    context->ldt_ents = 8193;
    context->ldt_base = (uint64_t)page;
    context_refused("an LDT that is too long");
    check_answer("is_up", vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    check_refused("up", vcpu_op(VCPUOP_up, 1, NULL));
}

/* --- areas --------------------------------------------------------------------------------------
 */

static void areas(const char *name, unsigned cmd, char *hole, char *frozen)
{
    const struct {
        uint64_t at;
        const char *name;
    } list[] = {
        {0xffff830000000000, "in the hypervisor"},
        {0xffff800000000000, "in the table of frames"},
        {0xffff7ffffffffff8, "into the hypervisor"},
        {0xfffffffffffffff8, "around the end"},
        {0x0000800000000000, "in the hole"},
        {(uint64_t)hole, "where nothing is mapped"},
        {(uint64_t)hole - 8, "into a page that is not mapped"},
        {(uint64_t)frozen, "in a page that is read-only"},
        {(uint64_t)table, "in a page table"},
        {(uint64_t)hole - PAGE_SIZE + 1, "at an odd address"},
        {(uint64_t)hole - PAGE_SIZE, "in a page"},
        {0, "nowhere"},
    };
    struct vcpu_register_runstate_memory_area a;
    char what[80];

    test_part(name);
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        a.addr.p = list[i].at;
        snprintf(what, sizeof(what), "an area %s", list[i].name);
        check(true, what, "%s", answer_name(vcpu_op(cmd, 0, &a)));
        time_sleep(2 * MILLISECOND); /* the vCPU stops and goes on: it is written */
    }
    check(!*(uint64_t *)frozen, "the page that is read-only", "has not changed");
    check(!*(uint64_t *)table, "the page table", "has not changed");
}

/* --- timers -------------------------------------------------------------------------------------
 */

static long singleshot(unsigned long vcpu, uint64_t when, uint32_t flags)
{
    struct vcpu_set_singleshot_timer a = {.timeout_abs_ns = when, .flags = flags};

    return vcpu_op(VCPUOP_set_singleshot_timer, vcpu, &a);
}

static long periodic(unsigned long vcpu, uint64_t period)
{
    struct vcpu_set_periodic_timer a = {.period_ns = period};

    return vcpu_op(VCPUOP_set_periodic_timer, vcpu, &a);
}

static evtchn_port_t timer;

static bool fires_within(uint64_t nanoseconds)
{
    struct sched_poll poll = {.nr_ports = 1, .timeout = time_now() + nanoseconds};
    uint64_t bit = 1ul << timer % 64;
    bool did;

    set_xen_guest_handle(poll.ports, &timer);
    hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
    did = shared_info->evtchn_pending[timer / 64] & bit;
    shared_info->evtchn_pending[timer / 64] &= ~bit;
    return did;
}

static void find_timer(void)
{
    for (timer = 1; timer < 1024; timer++) {
        struct evtchn_status s = {.dom = DOMID_SELF, .port = timer};

        if (!hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &s) &&
            s.status == EVTCHNSTAT_virq && s.u.virq == VIRQ_TIMER)
            return;
    }
    test_need(false, "no port of the timer's");
}

static void timers(void)
{
    static const struct {
        uint64_t at;
        const char *name;
        bool fires;
    } once[] = {
        {0, "at 0", true},
        {1, "at 1", true},
        {1ul << 62, "in a century and more", false},
        {1ul << 63, "past the sign", false},
        {~0ul, "at the end of time", false},
    };
    char what[60];

    test_part("timers");
    find_timer();
    fires_within(1);
    for (unsigned flags = 0; flags < 2; flags++)
        for (unsigned i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
            long rc = singleshot(0, once[i].at, flags);
            bool fired = fires_within(5 * MILLISECOND);

            snprintf(what, sizeof(what), "once, %s%s", once[i].name,
                     flags ? ", only if it is not over" : "");
            check(true, what, "%s, %s", answer_name(rc), fired ? "fires" : "does not fire");
            vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL);
        }
    check_done("in a millisecond", singleshot(0, time_now() + MILLISECOND, 0));
    check(fires_within(500 * MILLISECOND), "it", "fires");
    check_refused("another's", singleshot(1, 0, 0));
    check_refused("nobody's", singleshot(2, 0, 0));
    for (unsigned i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
        long rc = hypercall1(__HYPERVISOR_set_timer_op, once[i].at);
        bool fired = fires_within(5 * MILLISECOND);

        snprintf(what, sizeof(what), "set_timer_op, %s", once[i].name);
        check(true, what, "%s, %s", answer_name(rc), fired ? "fires" : "does not fire");
        hypercall1(__HYPERVISOR_set_timer_op, 0);
    }
    check_refused("a period of 0", periodic(0, 0));
    check_refused("a period of less than a millisecond", periodic(0, MILLISECOND - 1));
    check_refused("a period past all time", periodic(0, ~0ul));
    check_refused("a period past the sign", periodic(0, 1ul << 63));
    check_refused("nobody's period", periodic(2, MILLISECOND));
    check_done("a period of a millisecond", periodic(0, MILLISECOND));
    for (unsigned i = 0; i < 3; i++)
        check(fires_within(500 * MILLISECOND), "it", "fires");
    check_done("no more", vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
    fires_within(1);
    check(!fires_within(20 * MILLISECOND), "it", "is over");
    check_done("another's period", periodic(1, 1000 * MILLISECOND));
    check_done("no more", vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL));
}

int guest_main(void)
{
    char *page = pages_alloc(1), *frozen = pages_alloc(1), *hole = va_reserve(2);
    bool first = true;

    table = pages_alloc(1);
    context = pages_alloc(2);
    test_need(page && frozen && table && context, "no memory");
    test_need(!page_readonly(table) && !mmuext_mfn(MMUEXT_PIN_L1_TABLE, virt_to_mfn(table)) &&
                  !page_readonly(frozen),
              "no page table");
    test_need(!map_page(hole, virt_to_mfn(pages_alloc(1)) << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US |
                                  PTE_A | PTE_D),
              "no page before a hole");
    do {
        vcpus_that_are_not_there();
        vcpu_that_is_down();
        if (first) { /* it moves once */
            vcpu_info_refused(page);
            vcpu_info_moves(page);
            first = false;
        }
        contexts(hole + PAGE_SIZE, page);
        areas("the runstate's area", VCPUOP_register_runstate_memory_area, hole + PAGE_SIZE,
              frozen);
        areas("the time's area", VCPUOP_register_vcpu_time_memory_area, hole + PAGE_SIZE, frozen);
        timers();
    } while (test_round());
    return test_end();
}
