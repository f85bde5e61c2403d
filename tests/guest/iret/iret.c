/* SPDX-License-Identifier: MIT */
/*
 * The iret hypercall with frames that no kernel would write.
 *
 * The frame's words go, after little judging, to an IRETQ that the hypervisor executes in ring 0.
 * Real hardware raises #GP, #NP or #SS there for selectors that CPL 3 may not have: the ABI
 * promises that the guest's kernel gets that exception, as if it had happened at the place the
 * frame named. The RPL of both selectors is made 3, bits above the 16th are ignored, and of the
 * flags IOPL, VM, VIF and VIP never reach the CPU; IF is the event mask. An address that is not
 * canonical, not mapped or the hypervisor's is the guest's #GP or #PF. With RPL 3 in CS it is user
 * mode, which needs tables; with VGCF_in_syscall the selectors are the flat ones whatever the frame
 * says.
 *
 * What has no good end crashes the domain, and nobody else: words for that are in `crashes`.
 */
#include "iret.h"

static struct trap_seen seen;

/* No hypervisor may run a guest with these: its own code segment, IOPL, virtual 8086 mode. */
static bool harmless(void)
{
    unsigned cs = (unsigned)seen.frame.cs & 0xfff8, ss = (unsigned)seen.frame.ss & 0xfff8;

    if (seen.vector != TRAP_UD) /* the frame is what was asked for, not what runs */
        return true;
    return cs != 0xe008 && ss != 0xe010 && !(seen.frame.rflags & 0x1a3000);
}

static void try(const char *what, const struct iret_frame *frame)
{
    char text[100];

    iret_try(frame, &seen, text, sizeof(text));
    check(seen.taken && harmless(), what, "%s", text);
}

static const struct {
    uint64_t selector;
    const char *name;
} selectors[] = {
    {0, "null"},
    {1, "null, RPL 1"},
    {0x8, "64-bit code"},
    {0x9, "64-bit code, RPL 1"},
    {0xa, "64-bit code, RPL 2"},
    {0x10, "data"},
    {0x18, "32-bit code"},
    {0x20, "16-bit data"},
    {0x28, "code that is not present"},
    {0x30, "data that is not present"},
    {0x38, "conforming code"},
    {0x40, "data, DPL 1"},
    {0x48, "code, DPL 1"},
    {0x50, "read-only data"},
    {0x58, "expand-down data"},
    {0x60, "code, both L and D"},
    {0x68, "16-bit code"},
    {0x70, "conforming code, DPL 1"},
    {0x78, "code that is execute-only"},
    {0x80, "an empty entry"},
    {0xff8, "the last entry of the table"},
    {0x1000, "behind the guest's table"},
    {0xdff8, "the last the guest could have"},
    {0xe000, "reserved, empty"},
    {0xe008, "the hypervisor's code"},
    {0xe010, "the hypervisor's data"},
    {0xe018, "reserved, third"},
    {0xe020, "flat 32-bit code"},
    {0xe028, "flat data"},
    {0xe030, "flat 64-bit code"},
    {0xe038, "reserved, seventh"},
    {0xe040, "TSS"},
    {0xe048, "TSS, upper half"},
    {0xe050, "LDT"},
    {0xe058, "LDT, upper half"},
    {0xe060, "reserved, for the CPU's number"},
    {0xe068, "reserved, behind that"},
    {0xeff8, "the last entry at all"},
    {0xf000, "behind the limit"},
    {0xfff8, "the last selector"},
    {0x4, "in the LDT, null"},
    {0xc, "in the LDT, 64-bit code"},
    {0x14, "in the LDT, data"},
    {0x2c, "in the LDT, code that is not present"},
    {0x1004, "in the LDT, on a page that is not mapped"},
    {0xfffc, "in the LDT, behind its limit"},
    {0x1234567800000008, "64-bit code with bits above"},
    {0xffffffffffff0010, "data with bits above"},
};

static void each_selector(const char *part, bool user, bool in_cs)
{
    char what[80];

    test_part(part);
    for (unsigned i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
        struct iret_frame f = iret_to(landing, landing_stack());
        uint64_t selector = selectors[i].selector | (user ? 3 : 0);

        if (user)
            f.cs |= 3;
        if (in_cs)
            f.cs = selector;
        else
            f.ss = selector;
        snprintf(what, sizeof(what), "%s %s", in_cs ? "cs" : "ss", selectors[i].name);
        try(what, &f);
    }
}

static void each_flag(bool user)
{
    char what[40];

    test_part(user ? "flags, user" : "flags, kernel");
    for (unsigned bit = 0; bit < 64; bit++) {
        struct iret_frame f = iret_to(landing, landing_stack());

        f.cs |= user ? 3 : 0;
        f.rflags = 1ul << bit;
        snprintf(what, sizeof(what), "flag %u", bit);
        try(what, &f);
        f.flags = IN_SYSCALL;
        snprintf(what, sizeof(what), "flag %u in a system call", bit);
        try(what, &f);
    }
    for (unsigned all = 0; all < 2; all++) {
        struct iret_frame f = iret_to(landing_slow, landing_stack());

        f.cs |= user ? 3 : 0;
        f.flags = all ? IN_SYSCALL : 0;
        f.rflags = ~0ul;
        try(all ? "all flags in a system call: a step" : "all flags: a step", &f);
        f.rflags = ~0x100ul;
        try(all ? "all but the step in a system call" : "all but the step", &f);
    }
}

static void each_rip(bool user)
{
    static const struct {
        uint64_t rip;
        const char *name;
    } places[] = {
        {0, "0"},
        {0x7fffffffffff, "the last byte below the hole"},
        {0x800000000000, "the first byte of the hole"},
        {0x8000000000000000, "the hole's middle"},
        {0xffff7fffffffffff, "the last byte of the hole"},
        {0xffff800000000000, "the table of frames"},
        {0xffff830000000000, "the direct map"},
        {0xffff87ffffffffff, "the hypervisor's last byte"},
        {0xffff880000000000, "behind the hypervisor"},
        {0xfffffffffffffffe, "the last two bytes"},
        {0xffffffffffffffff, "the last byte"},
    };
    char what[80];

    test_part(user ? "rip, user" : "rip, kernel");
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        for (unsigned in_syscall = 0; in_syscall < 2; in_syscall++) {
            struct iret_frame f = iret_to((void *)places[i].rip, landing_stack());

            f.cs |= user ? 3 : 0;
            f.flags = in_syscall ? IN_SYSCALL : 0;
            snprintf(what, sizeof(what), "rip %s%s", places[i].name,
                     in_syscall ? ", in a system call" : "");
            try(what, &f);
        }
}

/* Kept as it is; only who uses it faults. */
static void each_rsp(void)
{
    static const uint64_t stacks[] = {
        0, 1, 0x7fffffffffff, 0x800000000000, 1ul << 63, 0xffff830000000000, ~0ul,
    };

    test_part("rsp, user");
    for (unsigned i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
        for (unsigned in_syscall = 0; in_syscall < 2; in_syscall++) {
            struct iret_frame f = iret_to(landing, (void *)stacks[i]);
            char text[100];

            f.cs |= 3;
            f.flags = in_syscall ? IN_SYSCALL : 0;
            iret_try(&f, &seen, text, sizeof(text));
            check(seen.frame.rsp == stacks[i], "rsp", "%s, %s", text,
                  seen.frame.rsp == stacks[i] ? "kept" : "changed");
        }
}

/*
 * An IRET to a 16-bit stack loads 16 bits of rsp; real CPUs leave in the next 16 what the stack
 * pointer of ring 0 had there.
 */
static void stack_of_16_bits(void)
{
    struct iret_frame f = iret_to(landing, (void *)0x12340100);
    char text[100];

    test_part("rsp of 16 bits, user");
    f.cs = 0x18 | 3;
    f.ss = 0x20 | 3;
    iret_try(&f, &seen, text, sizeof(text));
    check(seen.taken && (seen.frame.rsp & 0xffff) == 0x100, "a 16-bit stack", "%s, %s", text,
          seen.frame.rsp == 0x12340100 ? "rsp as it was"
          : seen.frame.rsp >> 16 == 0  ? "nothing above 16 bits"
                                       : "something of the hypervisor's above 16 bits");
}

static void each_frame_flag(void)
{
    char what[40];

    test_part("the word of flags");
    for (unsigned bit = 0; bit < 64; bit++) {
        struct iret_frame f = iret_to(landing, landing_stack());

        f.flags = 1ul << bit;
        f.cs = 0x18; /* flat in a system call */
        f.rcx = f.r11 = 7;
        snprintf(what, sizeof(what), "bit %u", bit);
        try(what, &f);
        if (seen.frame.rcx != (bit == 8 ? (uint64_t)landing : 7))
            check(false, what, "rcx is wrong");
    }
}

/* The frame where reading is all that is allowed, and across two pages. */
static void frame_places(void)
{
    struct iret_frame f = iret_to(landing, landing_stack());
    char *page = pages_alloc(2);
    static const unsigned offsets[] = {0, 1, 7, PAGE_SIZE - 1, PAGE_SIZE - 8, PAGE_SIZE - 36};
    char what[60];

    test_part("where the frame lies");
    test_need(page != NULL, "no memory");
    for (unsigned frozen = 0; frozen < 2; frozen++)
        for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
            test_need(!page_writable(page) && !page_writable(page + PAGE_SIZE), "not writable");
            for (unsigned n = 0; n < sizeof(f); n++)
                page[offsets[i] + n] = ((char *)&f)[n];
            if (frozen)
                test_need(!page_readonly(page) && !page_readonly(page + PAGE_SIZE),
                          "not read-only");
            snprintf(what, sizeof(what), "frame at %u of a page%s", offsets[i],
                     frozen ? " that is read-only" : "");
            check_trap(what, (void (*)(void *))iret_at, page + offsets[i], TRAP_UD);
        }
    page_writable(page);
    page_writable(page + PAGE_SIZE);
    pages_free(page, 2);
}

int guest_main(void)
{
    crash_if_asked(); /* while user mode has no tables */
    user_tables();
    descriptors_init();
    do {
        each_selector("cs, kernel", false, true);
        each_selector("ss, kernel", false, false);
        each_selector("cs, user", true, true);
        each_selector("ss, user", true, false);
        each_flag(false);
        each_flag(true);
        each_rip(false);
        each_rip(true);
        each_rsp();
        stack_of_16_bits();
        each_frame_flag();
        frame_places();
        instructions();
    } while (test_round());
    return test_end();
}
