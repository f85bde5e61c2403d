/* SPDX-License-Identifier: MIT
 *
 * Odd things that an unprivileged process may do to its CPU, each in a child of its own: software
 * interrupts, LDT segments, forged signal frames, single-stepping, breakpoints, 32-bit code, and
 * what belongs to rings it is not in. One line a case, "NAME: what happened"; the same on bare
 * metal and in any guest, which is the test (tests/system/test_odd_programs.py has the lines). What
 * differs between CPU makers is only checked not to hang or kill more than the process. odd NAME...
 * runs only those.
 */
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf out;
static volatile int last_signal, last_code;
static volatile uint64_t last_address;
static uint8_t
    *low_page; /* below 4 GiB, readable, writable, executable: for 32-bit code and data */

static void caught(int sig, siginfo_t *info, void *uc)
{
    (void)uc;
    last_signal = sig;
    last_code = info->si_code;
    last_address = (uint64_t)info->si_addr;
    siglongjmp(out, 1);
}

static void catch_with(void (*fn)(int, siginfo_t *, void *))
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    static char stack[65536];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    sigaltstack(&alt, NULL);
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &sa, NULL);
}

/* Runs code at p as a function; 0, or the signal it ended with. */
static int run(const void *p)
{
    last_signal = 0;
    if (!sigsetjmp(out, 1))
        ((void (*)(void))p)();
    return last_signal;
}

static const char *name_of(int sig)
{
    return sig ? sigabbrev_np(sig) : "ok";
}

static int run_bytes(const void *bytes, size_t n)
{
    memcpy(low_page, bytes, n);
    low_page[n] = 0xc3;
    return run(low_page);
}

/* ---- software interrupts ---- */

static void int_n(void)
{
    int was = -1;

    for (int n = 0; n < 256; n++) {
        uint8_t code[] = {0x31, 0xc0, 0xb0,
                          20,   0xcd, (uint8_t)n}; /* eax = getpid of the 32-bit table */
        int sig = run_bytes(code, sizeof(code));

        if (sig != was)
            printf(" %d:%s", n, name_of(sig));
        was = sig;
    }
}

static void int80(void)
{
    long ret;

    __asm__ volatile("int $0x80" : "=a"(ret) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
    printf(" getpid %s", ret == getpid() ? "right" : "wrong");
    __asm__ volatile("int $0x80" : "=a"(ret) : "a"(9999) : "memory", "r8", "r9", "r10", "r11");
    printf(", no such call %ld", ret);
}

static void breakpoints_in_code(void)
{
    printf(" int3 %s", name_of(run_bytes("\xcc", 1)));
    printf(", icebp %s", name_of(run_bytes("\xf1", 1)));
    printf(", ud2 %s", name_of(run_bytes("\x0f\x0b", 2)));
    printf(", ud2 'xen' nop %s", name_of(run_bytes("\x0f\x0bxen\x90", 6)));
}

/* ---- a result of a system call, or just a number, that hypercalls know as their own ---- */

static void magic_rax(void)
{
    static const long numbers[] = {-85, -11, -4, -512, 23, 0};

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct timespec a, b;
        long rax = numbers[i], rcx, turns = 0;

        clock_gettime(CLOCK_MONOTONIC, &a);
        do {
            rcx = 3000000;
            /* two bytes before 'dec' is another way out, which nothing but a wrong return takes */
            __asm__ volatile("jmp 1f\n\t"
                             "2: jmp 3f\n\t"
                             "1: dec %%rcx\n\t"
                             "nop\n\t"
                             "nop\n\t"
                             "jnz 1b\n\t"
                             "jmp 4f\n\t"
                             "3: mov $-1, %%rcx\n\t"
                             "4:"
                             : "+a"(rax), "+c"(rcx)
                             :
                             : "cc", "memory");
            turns++;
            clock_gettime(CLOCK_MONOTONIC, &b);
        } while (!rcx && rax == numbers[i] && b.tv_sec - a.tv_sec < 1);
        printf(" %ld:%s", numbers[i], rcx || rax != numbers[i] ? "broken" : "ok");
    }
}

/* ---- segments ---- */

static int set_ldt(unsigned n, void *base, unsigned limit, bool code)
{
    struct user_desc d = {.entry_number = n,
                          .base_addr = (unsigned)(uintptr_t)base,
                          .limit = limit,
                          .seg_32bit = 1,
                          .contents = code ? MODIFY_LDT_CONTENTS_CODE : 0,
                          .limit_in_pages = code,
                          .useable = 1};

    return (int)syscall(SYS_modify_ldt, 1, &d, sizeof(d));
}

#define LDT_SEL(n) ((n) << 3 | 7)

static uint32_t read_gs(unsigned sel)
{
    uint32_t val = 0;

    __asm__ volatile("mov %1, %%gs\n\tmov %%gs:0, %0\n\t" : "=r"(val) : "r"(sel));
    return val;
}

static void ldt_data(void)
{
    static const unsigned where[] = {0, 1, 511, 512, 8191};
    uint32_t *data = (uint32_t *)(low_page + 2048);

    for (unsigned i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
        uint32_t after;

        data[0] = 0x1234 + i;
        if (set_ldt(where[i], data, 4095, false)) {
            printf(" %u:refused", where[i]);
            continue;
        }
        printf(" %u:%s", where[i], read_gs(LDT_SEL(where[i])) == 0x1234 + i ? "right" : "wrong");
        data[0]++;
        usleep(20000); /* another process's tables meanwhile */
        __asm__ volatile("mov %%gs:0, %0" : "=r"(after));
        printf("%s", after == 0x1235 + i ? "" : ",lost");
        __asm__ volatile("mov %0, %%gs" : : "r"(0));
    }
    /* what is not there */
    last_signal = 0;
    if (!sigsetjmp(out, 1))
        read_gs(LDT_SEL(100));
    printf(" empty:%s", name_of(last_signal));
}

/* mov eax, 20; int 0x80; lret */
static const uint8_t getpid32[] = {0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xcb};

static void far_call(unsigned selector, const void *code, size_t n, long *result)
{
    struct {
        uint32_t offset;
        uint16_t selector;
    } __attribute__((packed)) *target = (void *)(low_page + 1024);
    uint8_t *stack = low_page + 4096 - 64;

    memcpy(low_page + 512, code, n);
    target->offset = (uint32_t)(uintptr_t)(low_page + 512);
    target->selector = (uint16_t)selector;
    last_signal = 0;
    if (sigsetjmp(out, 1))
        return;
    __asm__ volatile("mov %%rsp, %%r15\n\t"
                     "mov %2, %%rsp\n\t"
                     "lcall *(%1)\n\t"
                     "mov %%r15, %%rsp"
                     : "=a"(*result)
                     : "r"(target), "r"(stack)
                     : "memory", "rcx", "rdx", "r8", "r9", "r10", "r11", "r15", "cc");
}

static void code32(void)
{
    static const unsigned flat[] = {0x23, 0, LDT_SEL(3)};
    long pid = 0;

    set_ldt(3, NULL, 0xfffff, true);
    for (unsigned i = 0; i < sizeof(flat) / sizeof(flat[0]); i++) {
        pid = 0;
        far_call(flat[i], getpid32, sizeof(getpid32), &pid);
        printf(" %x:%s", flat[i],
               last_signal       ? name_of(last_signal)
               : pid == getpid() ? "right"
                                 : "wrong");
    }
}

/* What these do differs between CPUs and hypervisors. */
static void code32_entries(void)
{
    static const uint8_t by_syscall[] = {0xb8, 20, 0, 0, 0, 0x0f, 0x05, 0xcb};
    static const uint8_t by_sysenter[] = {0xb8, 20, 0, 0, 0, 0x89, 0xe5, 0x0f, 0x34, 0xcb};
    static const uint8_t reads_msr[] = {0x0f, 0x32, 0xcb};
    static const unsigned flat[] = {0x23, 0xe023, 0xe033};
    long ret = 0;

    for (unsigned i = 0; i < sizeof(flat) / sizeof(flat[0]); i++) {
        far_call(flat[i], by_syscall, sizeof(by_syscall), &ret);
        far_call(flat[i], reads_msr, sizeof(reads_msr), &ret);
        if (fork() == 0) { /* its way back is not ours */
            far_call(flat[i], by_sysenter, sizeof(by_sysenter), &ret);
            _exit(0);
        }
        wait(NULL);
    }
    run_bytes("\x0f\x34", 2);
    printf(" over");
}

/* ---- forged signal frames ---- */

static volatile unsigned forged_cs, forged_ss;
static volatile uint64_t forged_flags, forged_rip;
static volatile int refused, step;

static void forge(int sig, siginfo_t *info, void *arg)
{
    ucontext_t *uc = arg;
    greg_t *g = uc->uc_mcontext.gregs;

    (void)info;
    if (sig == SIGUSR1) {
        step = 1;
        if (forged_cs != ~0u)
            g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffl) | forged_cs;
        if (forged_ss != ~0u) {
            g[REG_CSGSFS] = (greg_t)(((uint64_t)g[REG_CSGSFS] & ~(0xffffull << 48)) |
                                     (uint64_t)forged_ss << 48);
            uc->uc_flags |= 4; /* UC_STRICT_RESTORE_SS */
        }
        if (forged_flags)
            g[REG_EFL] |= (greg_t)forged_flags;
        if (forged_rip)
            g[REG_RIP] = (greg_t)forged_rip;
        return;
    }
    refused = sig;
    siglongjmp(out, 1);
}

static void send_forged(unsigned cs, unsigned ss, uint64_t flags, uint64_t rip)
{
    struct sigaction sa = {.sa_sigaction = forge, .sa_flags = SA_SIGINFO | SA_NODEFER};

    catch_with(forge);
    sigaction(SIGUSR1, &sa, NULL);
    forged_cs = cs;
    forged_ss = ss;
    forged_flags = flags;
    forged_rip = rip;
    refused = 0;
    if (!sigsetjmp(out, 1)) {
        raise(SIGUSR1);
        /* 32-bit code goes on here with the same bytes; it must not get far */
    }
}

static void forged_selectors(void)
{
    unsigned cs_good = 0, ss_good = 0, cs_bad = 0, ss_bad = 0;

    for (unsigned sel = 0; sel < 0x10000; sel += 8) {
        if ((sel & ~7u) == 0x20 || (sel & ~7u) == 0xe020) /* 32-bit code, see code32 */
            continue;
        send_forged(sel | 3, ~0u, 0, 0);
        refused ? cs_bad++ : cs_good++;
        send_forged(~0u, sel | 3, 0, 0);
        refused ? ss_bad++ : ss_good++;
        if (sel < 0x100 || sel >= 0xe000) { /* the LDT is empty */
            send_forged(sel | 7, ~0u, 0, 0);
            send_forged(~0u, sel | 7, 0, 0);
        }
    }
    /* a guest has the flat segments of the ABI besides its kernel's */
    printf(" cs %s, ss %s", cs_good >= 1 && cs_good <= 3 && cs_bad > 8000 ? "ok" : "wrong",
           ss_good >= 1 && ss_good <= 4 && ss_bad > 8000 ? "ok" : "wrong");
}

static void forged_rips(void)
{
    static const uint64_t rips[] = {0x800000000000,     0x8000000000000000, 0xffff7fffffffffff,
                                    0xffff800000000000, 0xffff810000020000, 0xffff82d080200000,
                                    0xffff87fffffffffe, 0xffff880000000000, 0xfffffffffffffffe};

    for (unsigned i = 0; i < sizeof(rips) / sizeof(rips[0]); i++) {
        send_forged(~0u, ~0u, 0, rips[i]);
        printf(" %s", name_of(refused));
    }
}

static void forged_rflags(void)
{
    uint64_t now;

    send_forged(~0u, ~0u, 0x3f7fd7 & ~0x100ul & ~0x40000ul & ~0x400ul, 0);
    __asm__ volatile("pushfq; pop %0" : "=r"(now));
    printf(" iopl %lu vm %lu if %lu", now >> 12 & 3, now >> 17 & 1, now >> 9 & 1);
    __asm__ volatile("pushfq; orq $0x23000, (%%rsp); popfq; pushfq; pop %0" : "=r"(now) : : "cc");
    printf(", popf iopl %lu vm %lu if %lu", now >> 12 & 3, now >> 17 & 1, now >> 9 & 1);
    __asm__ volatile("pushfq; andq $~0x200, (%%rsp); popfq; pushfq; pop %0" : "=r"(now) : : "cc");
    printf(", popf if off %lu", now >> 9 & 1);
    /* nested task: the next interrupt and system call must not mind */
    __asm__ volatile("pushfq; orq $0x4000, (%%rsp); popfq" : : : "cc");
    for (volatile int i = 0; i < 30000000; i++)
        ;
    (void)getppid();
    __asm__ volatile("pushfq; pop %0; pushfq; andq $~0x4000, (%%rsp); popfq" : "=r"(now) : : "cc");
    printf(", nt survives");
}

static void bad_addresses(void)
{
    static const uint64_t at[] = {0x800000000000,     0xffff7ffffffffff8, 0xffff808000000000,
                                  0xffff810000000000, 0xffff810000020000, 0xffff81000003fff8,
                                  0xffff818000000000, 0xffff82d080200000, 0xffff830000000000,
                                  0xffff87fffffffff8, 0xffff880000000000, 0xfffffffffffffff8};
    volatile uint64_t sum = 0;

    for (volatile unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        last_signal = 0;
        if (!sigsetjmp(out, 1))
            sum += *(volatile uint64_t *)at[i];
        printf(" %s", name_of(last_signal));
        last_signal = 0;
        if (!sigsetjmp(out, 1))
            *(volatile uint64_t *)at[i] = 0;
        printf("/%s", name_of(last_signal));
    }
    last_signal = 0;
    if (!sigsetjmp(out, 1))
        __asm__ volatile("mov %%rsp, %%r15; mov %0, %%rsp; push %%rax; mov %%r15, %%rsp"
                         :
                         : "r"(0x800000000100)
                         : "r15");
    printf(" stack %s", name_of(last_signal));
    last_signal = 0;
    if (!sigsetjmp(out, 1)) /* a system call, then a signal, on a stack that is none */
        __asm__ volatile(
            "mov %%rsp, %%r15; mov %0, %%rsp; mov $39, %%eax; syscall; mov %%r15, %%rsp"
            :
            : "r"(0xffff830000000100)
            : "r15", "rax", "rcx", "r11");
    printf(" call %s", name_of(last_signal));
}

/* ---- instructions of other rings ---- */

static void privileged(void)
{
    static const struct {
        const char *name, *code;
        unsigned n;
    } list[] = {
        {"hlt", "\xf4", 1},
        {"cli", "\xfa", 1},
        {"sti", "\xfb", 1},
        {"in", "\xe4\x80", 2},
        {"out", "\xe6\x80", 2},
        {"insb", "\x6c", 1},
        {"rep outsl", "\xf3\x6f", 2},
        {"lgdt", "\x0f\x01\x14\x24", 4},
        {"lidt", "\x0f\x01\x1c\x24", 4},
        {"lldt", "\x0f\x00\xd0", 3},
        {"ltr", "\x0f\x00\xd8", 3},
        {"clts", "\x0f\x06", 2},
        {"wbinvd", "\x0f\x09", 2},
        {"invd", "\x0f\x08", 2},
        {"mov cr0", "\x0f\x20\xc0", 3},
        {"cr3 mov", "\x0f\x22\xd8", 3},
        {"mov cr8", "\x44\x0f\x20\xc0", 4},
        {"mov dr7", "\x0f\x21\xf8", 3},
        {"dr6 mov", "\x0f\x23\xf0", 3},
        {"rdmsr", "\x0f\x32", 2},
        {"wrmsr", "\x0f\x30", 2},
        {"swapgs", "\x0f\x01\xf8", 3},
        {"invlpg", "\x0f\x01\x3c\x24", 4},
        {"xsetbv", "\x31\xc9\x0f\x01\xd1", 5},
        {"iret to 0", "\x6a\x00\x6a\x00\x6a\x02\x6a\x00\x6a\x00\x48\xcf", 12},
        {"lmsw", "\x0f\x01\xf0", 3},
        {"sysret", "\x48\x0f\x07", 3},
        {"many prefixes", "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xf4", 15},
        {"lock in", "\xf0\xe4\x80", 3},
    };
    int was = -1;

    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        int sig = run_bytes(list[i].code, list[i].n);

        if (sig != was)
            printf(" %s:%s", list[i].name, name_of(sig));
        was = sig;
    }
}

/* An instruction that needs emulation at the end of a page behind which nothing is. */
static void edge_of_page(void)
{
    uint8_t *two =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static const char *code[] = {"\xe4", "\x0f",        "\xcd",           "\x0f\x01",
                                 "\x66", "\x0f\x0bxen", "\x0f\x0bxen\x0f"};

    munmap(two + 4096, 4096);
    for (unsigned i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
        size_t n = strlen(code[i]);

        memcpy(two + 4096 - n, code[i], n);
        printf(" %s", name_of(run(two + 4096 - n)));
    }
    memcpy(two + 4096 - 1, "\xf4", 1);
    printf(" hlt %s", name_of(run(two + 4095)));
}

static void tsc(void)
{
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
    printf(" off %s", name_of(run_bytes("\x0f\x31", 2)));
    usleep(20000);
    printf(" %s", name_of(run_bytes("\x0f\x31", 2)));
    fflush(stdout);
    if (fork() == 0) {
        printf(", child %s", name_of(run_bytes("\x0f\x31", 2)));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    prctl(PR_SET_TSC, PR_TSC_ENABLE);
    printf(", on %s", name_of(run_bytes("\x0f\x31", 2)));
    usleep(20000);
    printf(" %s", name_of(run_bytes("\x0f\x31", 2)));
}

/* Ports as root: string input must fault like any store of the process. */
static void ports(void)
{
    uint8_t *fresh, *ro;

    if (ioperm(0x80, 1, 1)) {
        printf(" ioperm refused");
        return;
    }
    fresh = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf(" own %s", name_of(run_bytes("\xe6\x80", 2)));
    printf(", other %s", name_of(run_bytes("\xe6\x84", 2)));
    printf(", two %s", name_of(run_bytes("\x66\xe7\x80", 3)));
    const uint64_t to[] = {(uint64_t)fresh, (uint64_t)ro,       0x1000,
                           0x800000000000,  0xffff830000000000, 0xffffffff81000000};

    for (volatile unsigned i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
        last_signal = 0;
        if (!sigsetjmp(out, 1)) {
            uint64_t rdi = to[i], rcx = 5000;

            __asm__ volatile("rep insb" : "+D"(rdi), "+c"(rcx) : "d"(0x80) : "memory");
            last_signal = rcx || rdi != to[i] + 5000 ? -1 : 0;
        }
        printf(" %s", last_signal < 0 ? "wrong" : name_of(last_signal));
    }
    printf(", iopl %d", iopl(3));
    printf(" %s", name_of(run_bytes("\xe4\x84", 2)));
    (void)getppid();
    ioperm(0x80, 1, 0);
    iopl(0);
    printf(", gone %s", name_of(run_bytes("\xe6\x80", 2)));
    munmap(fresh, 8192);
    munmap(ro, 4096);
}

/* ---- traced: steps and breakpoints ---- */

extern const char traced_start[], traced_ss[], traced_end[];
static volatile uint64_t watched;
static volatile uint16_t saved_ss;

__attribute__((noinline)) static void traced_code(void)
{
    __asm__ volatile("mov %%ss, saved_ss(%%rip)\n\t"
                     "traced_start: nop\n\t"
                     "pushfq\n\t"
                     "popfq\n\t"
                     "mov $39, %%eax\n\t"
                     "syscall\n\t"
                     "mov $20, %%eax\n\t"
                     "int $0x80\n\t"
                     "rdtsc\n\t"
                     "xor %%eax, %%eax\n\t"
                     "cpuid\n\t"
                     "movq $1, watched(%%rip)\n\t"
                     "mov watched(%%rip), %%rax\n\t"
                     "traced_ss: mov saved_ss(%%rip), %%ss\n\t"
                     "nop\n\t"
                     "mov $39, %%eax\n\t"
                     "mov saved_ss(%%rip), %%ss\n\t"
                     "syscall\n\t"
                     "mov $20, %%eax\n\t"
                     "mov saved_ss(%%rip), %%ss\n\t"
                     "int $0x80\n\t"
                     "traced_end: nop\n\t"
                     :
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
}

static pid_t traced_child(void)
{
    pid_t pid = fork();
    int status;

    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        traced_code();
        _exit(42);
    }
    waitpid(pid, &status, 0);
    return pid;
}

static long set_debug(pid_t pid, unsigned n, uint64_t val)
{
    return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg) + n * 8, val);
}

static void run_to_start(pid_t pid)
{
    int status;

    set_debug(pid, 0, (uint64_t)traced_start);
    set_debug(pid, 7, 1);
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    set_debug(pid, 7, 0);
}

/* Places stepped through, as distances; what CPUs do after MOV SS is left out. */
static void single_step(void)
{
    pid_t pid = traced_child();
    struct user_regs_struct r;
    int status = 0, steps = 0;

    run_to_start(pid);
    ptrace(PTRACE_GETREGS, pid, 0, &r);
    printf(" start %s:", r.rip == (uint64_t)traced_start ? "right" : "wrong");
    while (r.rip >= (uint64_t)traced_start && r.rip < (uint64_t)traced_ss && steps++ < 50) {
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        waitpid(pid, &status, 0);
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            break;
        ptrace(PTRACE_GETREGS, pid, 0, &r);
        printf(" %ld", (long)(r.rip - (uint64_t)traced_start));
    }
    while (WIFSTOPPED(status) && r.rip < (uint64_t)traced_end && steps++ < 100) {
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        waitpid(pid, &status, 0);
        ptrace(PTRACE_GETREGS, pid, 0, &r);
    }
    do {
        ptrace(PTRACE_CONT, pid, 0, 0);
        waitpid(pid, &status, 0);
    } while (WIFSTOPPED(status) && steps++ < 120);
    printf(", exit %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void hardware_breakpoints(void)
{
    pid_t pid = traced_child();
    struct user_regs_struct r;
    int status = 0, hits = 0;

    run_to_start(pid);
    printf(" kernel address %s", set_debug(pid, 1, 0xffff830000000000) ? "refused" : "taken");
    printf(", general detect %s",
           set_debug(pid, 7, 0x2000) ||
                   ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg) + 56, 0) & 0x2000
               ? "seen"
               : "dropped");
    set_debug(pid, 0, 0);
    set_debug(pid, 1, (uint64_t)&watched);
    set_debug(pid, 7, 1 << 2 | 0xdu << 20); /* DR1: eight bytes... of writes */
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    if (WIFSTOPPED(status)) {
        uint64_t dr6 =
            (uint64_t)ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg) + 48, 0);

        ptrace(PTRACE_GETREGS, pid, 0, &r);
        printf(", write at %ld dr6 %lx", (long)(r.rip - (uint64_t)traced_start), dr6 & 0xf);
    }
    /* MOV SS with a breakpoint on its operand, then an entry to the kernel */
    set_debug(pid, 7, 0);
    set_debug(pid, 1, (uint64_t)&saved_ss);
    set_debug(pid, 7, 1 << 2 | 7u << 20); /* reads and writes of two bytes */
    for (;;) {
        ptrace(PTRACE_CONT, pid, 0, 0);
        waitpid(pid, &status, 0);
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            break;
        hits++;
    }
    printf(", mov ss %s, exit %d", hits >= 1 ? "seen" : "not seen",
           WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* ---- state that must survive ---- */

static void bases(void)
{
    uint64_t fs = 0, got = 0;

    syscall(SYS_arch_prctl, ARCH_GET_FS, &fs);
    printf(" gs %ld", syscall(SYS_arch_prctl, ARCH_SET_GS, low_page));
    usleep(20000);
    syscall(SYS_arch_prctl, ARCH_GET_GS, &got);
    printf(" %s", got == (uint64_t)low_page ? "kept" : "lost");
    printf(", high %ld", syscall(SYS_arch_prctl, ARCH_SET_GS, 0x800000000000) ? (long)errno : 0l);
    memcpy(low_page, "base", 4);
    uint32_t word;

    usleep(20000);
    __asm__ volatile("mov %%gs:0, %0" : "=r"(word));
    printf(", read %s", memcmp(&word, "base", 4) ? "wrong" : "right");
    __asm__ volatile("mov %0, %%ds; mov %0, %%es" : : "r"(0x2b));
    usleep(20000);
    unsigned ds, es;

    __asm__ volatile("mov %%ds, %0; mov %%es, %1" : "=r"(ds), "=r"(es));
    printf(", ds %x es %x", ds, es);
}

/* Vector registers over signals and other processes that use them too. */
static void vectors(void)
{
    uint8_t want[16 * 16], got[16 * 16];
    pid_t other[2];
    int bad = 0;

    for (int k = 0; k < 2; k++)
        if (!(other[k] = fork()))
            for (uint64_t n = 0;; n++)
                __asm__ volatile(
                    "movq %0, %%xmm0; movq %0, %%xmm5; movq %0, %%xmm15; fldz; fstp %%st(0)"
                    :
                    : "r"(n));
    for (unsigned i = 0; i < sizeof(want); i++)
        want[i] = (uint8_t)(i * 7 + 1);
    for (int turn = 0; turn < 10; turn++) {
        struct timespec a, b;

        clock_gettime(CLOCK_MONOTONIC, &a);
        clock_gettime(CLOCK_MONOTONIC, &b);
        __asm__ volatile("movups 0(%0), %%xmm0; movups 16(%0), %%xmm1; movups 80(%0), %%xmm5; "
                         "movups 240(%0), %%xmm15\n\t"
                         "mov $20000000, %%rcx; 1: dec %%rcx; jnz 1b\n\t"
                         "movups %%xmm0, 0(%1); movups %%xmm1, 16(%1); movups %%xmm5, 80(%1); "
                         "movups %%xmm15, 240(%1)"
                         :
                         : "r"(want), "r"(got)
                         : "rcx", "memory", "xmm0", "xmm1", "xmm5", "xmm15");
        if (memcmp(want, got, 32) || memcmp(want + 80, got + 80, 16) ||
            memcmp(want + 240, got + 240, 16))
            bad++;
    }
    for (int k = 0; k < 2; k++) {
        kill(other[k], SIGKILL);
        waitpid(other[k], NULL, 0);
    }
    printf(" %s", bad ? "lost" : "kept");
}

static void float_errors(void)
{
    /* fninit; fldcw with zero divide unmasked; fld1; fldz; fdivp; fwait */
    static const uint16_t cw = 0x37b;
    static const uint32_t csr = 0x1f80 & ~0x200u;

    last_signal = 0;
    if (!sigsetjmp(out, 1))
        __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(cw));
    printf(" x87 %s %d", name_of(last_signal), last_code);
    __asm__ volatile("fninit");
    last_signal = 0;
    if (!sigsetjmp(out, 1))
        __asm__ volatile("ldmxcsr %0; pxor %%xmm0, %%xmm0; mov $1, %%eax; cvtsi2sd %%eax, %%xmm1; "
                         "divsd %%xmm0, %%xmm1"
                         :
                         : "m"(csr)
                         : "eax", "xmm0", "xmm1");
    printf(", sse %s %d", name_of(last_signal), last_code);
    printf(", mxcsr 0xffffffff %s", name_of(run_bytes("\x6a\xff\x0f\xae\x14\x24\x58", 7)));
    printf(", divide %s", name_of(run_bytes("\x31\xc9\xf7\xf1", 4)));
}

static void forks(void)
{
    int made = 0, died = 0;

    for (int i = 0; i < 300; i++) {
        pid_t pid = fork();

        if (!pid) {
            char *p =
                mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

            for (int k = 0; k < 1 << 20; k += 4096)
                p[k] = (char)k;
            mprotect(p, 1 << 19, PROT_READ);
            munmap(p + (1 << 18), 1 << 18);
            if (fork() == 0)
                _exit(0);
            _exit(0);
        }
        made += pid > 0;
    }
    while (wait(NULL) > 0)
        died++;
    printf(" %d %d", made, died);
}

static const struct {
    const char *name;
    void (*fn)(void);
} cases[] = {
    {"int_n", int_n},
    {"int80", int80},
    {"breakpoints_in_code", breakpoints_in_code},
    {"magic_rax", magic_rax},
    {"ldt_data", ldt_data},
    {"code32", code32},
    {"code32_entries", code32_entries},
    {"forged_selectors", forged_selectors},
    {"forged_rips", forged_rips},
    {"forged_rflags", forged_rflags},
    {"bad_addresses", bad_addresses},
    {"privileged", privileged},
    {"edge_of_page", edge_of_page},
    {"tsc", tsc},
    {"ports", ports},
    {"single_step", single_step},
    {"hardware_breakpoints", hardware_breakpoints},
    {"bases", bases},
    {"vectors", vectors},
    {"float_errors", float_errors},
    {"forks", forks},
};

static void one_case(unsigned i)
{
    pid_t pid;
    int status;

    printf("%s:", cases[i].name);
    fflush(stdout);
    pid = fork();
    if (!pid) {
        alarm(60);
        catch_with(caught);
        low_page = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        cases[i].fn();
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        printf(" killed by %s", name_of(WTERMSIG(status)));
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool wanted = argc < 2;

        for (int k = 1; k < argc; k++)
            wanted |= !strcmp(argv[k], cases[i].name);
        if (wanted)
            one_case(i);
    }
    return 0;
}
