/* SPDX-License-Identifier: MIT */
/*
 * Multicalls that are not meant well.
 *
 * A multicall is a list in guest memory of hypercalls, executed one after the other; each result is
 * stored in its entry, and what one entry answers does not stop the next. The call as a whole
 * answers 0, or -EFAULT where the list cannot be read or written. It may be interrupted and
 * continued, which nobody must notice. It is read entry by entry: an entry may change a later one.
 * A multicall inside a multicall is refused: it would be a recursion that a guest drives.
 * iret inside one is no call either on Bonsai; Xen performs it, so it is tried with a frame that is
 * good.
 */
#include "tests/guest/lib/check.h"
#include "tests/guest/lib/entry.h"

#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

#define VERSION    (4 << 16 | 17)
#define PER_PAGE   (PAGE_SIZE / sizeof(struct multicall_entry))
#define LONG_PAGES 64u

static struct multicall_entry *list; /* a page of it, and one after that */
static char *hole;                   /* a page of address space, then nothing */

static long multicall(const void *at, unsigned long n)
{
    return hypercall2(__HYPERVISOR_multicall, (unsigned long)at, n);
}

static void fill(struct multicall_entry *to, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        to[i] = (struct multicall_entry){
            .op = __HYPERVISOR_xen_version, .result = 0x7777, .args = {XENVER_version}};
}

/* How many of the first n have run. */
static unsigned done(const struct multicall_entry *of, unsigned n)
{
    unsigned count = 0;

    for (unsigned i = 0; i < n; i++)
        count += of[i].result == VERSION;
    return count;
}

static long result(unsigned i)
{
    return (long)list[i].result;
}

static void numbers(void)
{
    static const unsigned long ops[] = {
        __HYPERVISOR_multicall, 6, 11, 63, 64, 255, 0xffffffff, 1ul << 32 | 17, 1ul << 63, ~0ul,
    };

    test_part("operations that are none");
    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        char what[40];

        fill(list, 3);
        list[1] = (struct multicall_entry){.op = ops[i], .args = {(unsigned long)&list[2], 1}};
        test_need(!multicall(list, 3), "a multicall fails");
        snprintf(what, sizeof(what), "operation %ld", (long)ops[i]);
        check(done(list, 1) && done(list + 2, 1), what, "%s", answer_name(result(1)));
    }
}

/* A list in a list in a list, each naming the one before. */
static void nested(void)
{
    test_part("multicalls of multicalls");
    fill(list, 8);
    for (unsigned i = 0; i < 7; i++)
        list[i] = (struct multicall_entry){.op = __HYPERVISOR_multicall,
                                           .args = {(unsigned long)&list[i + 1], 7 - i}};
    check_done("seven deep", multicall(list, 8));
    for (unsigned i = 0; i < 8; i++)
        check(true, "its entries", "%s", result(i) == VERSION ? "ran" : answer_name(result(i)));
    list[0] =
        (struct multicall_entry){.op = __HYPERVISOR_multicall, .args = {(unsigned long)list, ~0u}};
    check_done("of itself", multicall(list, 1));
    check(true, "its entry", "%s", answer_name(result(0)));
}

static void counts(void)
{
    static const unsigned long odd[] = {
        0, 1ul << 32, 1, 2, PER_PAGE, PER_PAGE + 1, 0x80000000ul, 0xfffffffful};

    test_part("counts");
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        char what[40];
        long rc;

        fill((struct multicall_entry *)hole, PER_PAGE);
        rc = multicall(hole, odd[i]);
        snprintf(what, sizeof(what), "%lu, room for %lu", odd[i], (unsigned long)PER_PAGE);
        check(true, what, "%s, %u ran", answer_name(rc),
              done((struct multicall_entry *)hole, PER_PAGE));
    }
}

static void places(void)
{
    static const struct {
        unsigned long at;
        const char *name;
    } bad[] = {
        {0, "at 0"},
        {8, "at 8"},
        {0x00007ffffffff000, "below the hole"},
        {0x0000800000000000, "in the hole"},
        {0xffff7fffffffffc0, "before the hypervisor"},
        {0xffff7fffffffffe0, "half in the hypervisor"},
        {0xffff800000000000, "the table of frames"},
        {0xffff830000000000, "the direct map"},
        {0xffff87ffffffffc0, "at the hypervisor's end"},
        {0xffff87ffffffffe0, "half behind the hypervisor"},
        {0xffffffffffffffc0, "the last bytes"},
        {0xffffffffffffffe0, "around the end"},
    };

    test_part("where the list lies");
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        check_answer(bad[i].name, multicall((void *)bad[i].at, 1), -XEN_EFAULT);
        check(true, bad[i].name, "no entries: %s", answer_name(multicall((void *)bad[i].at, 0)));
    }
    fill(list, 2);
    for (unsigned shift = 1; shift < 64; shift += 21) {
        struct multicall_entry *odd = (struct multicall_entry *)((char *)list + shift);

        for (unsigned n = 64 * 2; n-- > 0;)
            ((char *)odd)[n] = ((char *)list)[n];
        check_done("not aligned", multicall(odd, 2));
        check(done(odd, 2) == 2, "its entries", "%u ran", done(odd, 2));
        fill(list, 2);
    }
}

/* The calls are made before it is seen that their results cannot be stored. */
static void frozen(void)
{
    evtchn_port_t port;
    struct evtchn_bind_ipi bind = {.vcpu = 0};
    struct evtchn_send send;
    bool rang;

    test_part("a list that is read-only");
    test_need(!hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &bind), "no IPI");
    port = send.port = bind.port;
    list[0] = list[1] = (struct multicall_entry){.op = __HYPERVISOR_event_channel_op,
                                                 .args = {EVTCHNOP_send, (unsigned long)&send}};
    list[1].op = __HYPERVISOR_set_segment_base;
    list[1].args[0] = 99;
    test_need(!page_readonly(list), "the list stays writable");
    check_answer("two calls", multicall(list, 2), -XEN_EFAULT);
    test_need(!page_writable(list), "the list stays read-only");
    rang = shared_info->evtchn_pending[port / 64] & 1ul << port % 64;
    check(true, "the first", "%s", rang ? "was made" : "was not made");
    shared_info->evtchn_pending[port / 64] &= ~(1ul << port % 64);
    event_close(port);
    list[0] = (struct multicall_entry){.op = __HYPERVISOR_xen_version,
                                       .args = {XENVER_extraversion, (unsigned long)list}};
    test_need(!page_readonly(list), "the list stays writable");
    check_answer("a call that answers into it", multicall(list, 1), -XEN_EFAULT);
    test_need(!page_writable(list), "the list stays read-only");
}

/* platform_parameters writes eight bytes: the hypervisor's first address. */
static void rewritten(void)
{
    test_part("a list that its own entries change");
    fill(list, 4);
    list[0].args[0] = list[1].args[0] = XENVER_platform_parameters;
    list[0].args[1] = (unsigned long)&list[1].args[1];
    list[1].args[1] = (unsigned long)&list[3];
    check_done("the second's pointer by the first", multicall(list, 4));
    check_answer("the first", result(0), 0);
    check_answer("the second", result(1), -XEN_EFAULT);
    check(done(list + 2, 2) == 2, "the others", "%u ran", done(list + 2, 2));

    fill(list, 2);
    list[0].args[0] = XENVER_platform_parameters;
    list[0].args[1] = (unsigned long)&list[0].op;
    check_done("its own number by the first", multicall(list, 2));
    check_answer("the first", result(0), 0);
    check(done(list + 1, 1) == 1, "the second", "ran");

    fill(list, 2);
    list[0].args[0] = XENVER_platform_parameters;
    list[0].args[1] = (unsigned long)&list[0].result;
    check_done("its own result by the first", multicall(list, 2));
    check_answer("the first", result(0), 0);

    fill(list, 3);
    list[0].args[0] = XENVER_platform_parameters;
    list[0].args[1] = (unsigned long)&list[1].op;
    check_done("the second's number by the first", multicall(list, 3));
    check_answer("the second", result(1), -XEN_ENOSYS);
    check(done(list + 2, 1) == 1, "the third", "ran");
}

/* Changes of tables of which some are refused: the others are made. */
static void tables(void)
{
    char *va = va_reserve(4), *page = pages_alloc(1);
    pte_t good = virt_to_mfn(page) << PAGE_SHIFT | PTE_P | PTE_US | PTE_RW | PTE_A | PTE_D;
    static const char *const names[] = {"a good one", "the hypervisor's frame", "PSE", "a good one",
                                        "an address of the hypervisor's"};
    const pte_t values[] = {good, PTE_P | PTE_US, good | PTE_PSE, good, good};
    uint64_t seen;

    test_part("changes of tables, refused in the middle");
    test_need(page != NULL, "no memory");
    for (unsigned i = 0; i < 5; i++)
        list[i] = (struct multicall_entry){
            .op = __HYPERVISOR_update_va_mapping,
            .args = {i == 4 ? 0xffff830000000000 : (unsigned long)va + i * PAGE_SIZE, values[i],
                     UVMF_INVLPG}};
    check_done("five", multicall(list, 5));
    for (unsigned i = 0; i < 5; i++)
        check(result(i) <= 0, names[i], "%s", answer_name(result(i)));
    for (unsigned i = 0; i < 4; i++)
        check(peek(va + i * PAGE_SIZE, &seen) == (i == 0 || i == 3), names[i], "%s",
              peek(va + i * PAGE_SIZE, &seen) ? "mapped" : "not mapped");
    for (unsigned i = 0; i < 4; i++)
        map_page(va + i * PAGE_SIZE, 0);
    pages_free(page, 1);
}

static void interrupted(void)
{
    struct multicall_entry *many = pages_alloc(LONG_PAGES);
    unsigned n = LONG_PAGES * PER_PAGE;
    struct mmu_update *requests = pages_alloc(16);
    unsigned each = 16 * PAGE_SIZE / sizeof(requests[0]), dones[4] = {0};
    char *va = va_reserve(1);
    uint64_t slot = pte_machine(pte_of(va, 1));

    test_part("long ones");
    test_need(many && requests, "no memory");
    fill(many, n);
    check_done("a list of 4096", multicall(many, n));
    check(done(many, n) == n, "its entries", "%u ran", done(many, n));
    for (unsigned i = 0; i < each; i++)
        requests[i] = (struct mmu_update){.ptr = slot, .val = (uint64_t)i << PAGE_SHIFT};
    for (unsigned i = 0; i < 4; i++)
        list[i] = (struct multicall_entry){
            .op = __HYPERVISOR_mmu_update,
            .result = 0x7777,
            .args = {(unsigned long)requests, each, (unsigned long)&dones[i], DOMID_SELF}};
    check_done("four of 4096 changes each", multicall(list, 4));
    for (unsigned i = 0; i < 4; i++)
        check(result(i) == 0 && dones[i] == each, "one of them", "%s, %u done",
              answer_name(result(i)), dones[i]);
    /* Xen's count is wrong where it has stopped on the way: the table says how far they came. */
    requests[each - 3].ptr = ~0ul;
    for (unsigned i = 0; i < 4; i++) {
        test_need(!mmu_set(slot, 0), "the table cannot be changed");
        list[i] = (struct multicall_entry){
            .op = __HYPERVISOR_mmu_update,
            .args = {(unsigned long)requests, each, (unsigned long)&dones[i], DOMID_SELF}};
        check_done("one that fails near its end", multicall(&list[i], 1));
        check(result(i) < 0 && *pte_of(va, 1) == (uint64_t)(each - 4) << PAGE_SHIFT, "its entry",
              "%s, and what came before is done", answer_name(result(i)));
    }
    check_answer("the table", mmu_set(slot, 0), 0);
    pages_free(many, LONG_PAGES);
    pages_free(requests, 16);
}

/* Calls that give up the CPU, or would end the call they are part of. */
static void others(void)
{
    struct sched_poll poll = {.nr_ports = 0, .timeout = time_now() + 1000000};

    test_part("calls that wait");
    fill(list, 4);
    list[0] = (struct multicall_entry){.op = __HYPERVISOR_sched_op, .args = {SCHEDOP_yield}};
    list[1] = (struct multicall_entry){.op = __HYPERVISOR_sched_op,
                                       .args = {SCHEDOP_poll, (unsigned long)&poll}};
    check_done("yield and poll", multicall(list, 4));
    check_answer("yield", result(0), 0);
    check_answer("poll", result(1), 0);
    check(done(list + 2, 2) == 2, "the others", "%u ran", done(list + 2, 2));
}

static void run(void *frame)
{
    trap_return(frame);
}

/* SYSCALL with rsp at an iret frame: where it is performed, that is where it leads. */
static void iret(void)
{
    struct iret_frame *frame = pages_alloc(1);
    char *code = pages_alloc(1);
    struct trap_seen seen;
    struct trap_frame f = {
        .rip = (uint64_t)code,
        .cs = FLAT_KERNEL_CS & ~3u,
        .ss = FLAT_KERNEL_SS,
        .rflags = 2,
        .rax = __HYPERVISOR_multicall,
        .rdi = (uint64_t)list,
        .rsi = 3,
    };

    test_part("iret");
    test_need(frame && code, "no memory");
    frame[8] = iret_to(landing, landing_stack());
    f.rsp = (uint64_t)&frame[8];
    code[0] = 0x0f;
    code[1] = 0x05; /* syscall */
    code[2] = 0x0f;
    code[3] = 0x0b; /* ud2 */
    fill(list, 3);
    list[1] = (struct multicall_entry){.op = __HYPERVISOR_iret, .result = 0x7777};
    trap_try(run, &f, &seen);
    check(seen.vector == TRAP_UD, "between two others", "%s, %s",
          seen.rip == (uint64_t)landing    ? "performed"
          : seen.rip == (uint64_t)code + 2 ? "not performed"
                                           : "who knows",
          done(list + 2, 1) ? "the one behind it ran" : "the one behind it did not run");
    pages_free(frame, 1);
    pages_free(code, 1);
}

int guest_main(void)
{
    list = pages_alloc(2);
    hole = va_reserve(2);
    test_need(list != NULL, "no memory");
    test_need(!map_page(hole, virt_to_mfn((char *)list + PAGE_SIZE) << PAGE_SHIFT | PTE_P | PTE_RW |
                                  PTE_US | PTE_A | PTE_D),
              "no page before a hole");
    do {
        numbers();
        nested();
        counts();
        places();
        frozen();
        rewritten();
        tables();
        interrupted();
        others();
        iret();
    } while (test_round());
    return test_end();
}
