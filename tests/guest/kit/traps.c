/* SPDX-License-Identifier: MIT */
/* Exceptions, hooks, and user mode. */
#include "tests/guest/kit/kit.h"

static void undefined(void *context)
{
    (void)context;
    __asm__ volatile("ud2");
}

static void breakpoint(void *context)
{
    (void)context;
    __asm__ volatile("int3");
}

static void divide(void *context)
{
    unsigned low = 1, high = 0;

    (void)context;
    __asm__ volatile("div %2" : "+a"(low), "+d"(high) : "r"(0u));
}

static void halt(void *context)
{
    (void)context;
    __asm__ volatile("hlt");
}

static void bad_selector(void *context)
{
    (void)context;
    __asm__ volatile("mov %0, %%es" : : "r"(0x1233));
}

static void null_pointer(void *context)
{
    *((volatile char *)context + 8) = 1;
}

/* All registers that a function must keep hold a number of their own over the exception. */
static void clobber(void *context)
{
    (void)context;
    __asm__ volatile("mov $-1, %%rbx\n\t mov %%rbx, %%r12\n\t mov %%rbx, %%r13\n\t"
                     "mov %%rbx, %%r14\n\t mov %%rbx, %%r15\n\t std\n\t ud2"
                     :
                     :
                     : "rbx", "r12", "r13", "r14", "r15", "cc");
}

static unsigned hooked;

static bool skip_ud2(struct trap_frame *frame)
{
    hooked++;
    frame->rax += 1;
    frame->rip += 2;
    return true;
}

static bool not_mine(struct trap_frame *frame)
{
    (void)frame;
    hooked++;
    return false;
}

static void test_hooks(void)
{
    unsigned long rax = 41, r[8];

    trap_set_hook(TRAP_UD, skip_ud2);
    __asm__ volatile("mov $1, %%r8d\n\t mov $2, %%r9d\n\t mov $3, %%r10d\n\t mov $4, %%r11d\n\t"
                     "mov $5, %%ecx\n\t mov $6, %%edx\n\t mov $7, %%esi\n\t ud2\n\t"
                     "mov %%r8, (%1)\n\t mov %%r9, 8(%1)\n\t mov %%r10, 16(%1)\n\t"
                     "mov %%r11, 24(%1)\n\t mov %%rcx, 32(%1)\n\t mov %%rdx, 40(%1)\n\t"
                     "mov %%rsi, 48(%1)"
                     : "+a"(rax)
                     : "D"(r)
                     : "r8", "r9", "r10", "r11", "rcx", "rdx", "rsi", "memory");
    check(rax == 42 && hooked == 1, "a hook changes what is returned to", "%lu", rax);
    check(r[0] == 1 && r[1] == 2 && r[2] == 3 && r[3] == 4 && r[4] == 5 && r[5] == 6 && r[6] == 7,
          "and the other registers are kept", "%lu %lu %lu %lu %lu %lu %lu", r[0], r[1], r[2], r[3],
          r[4], r[5], r[6]);
    trap_set_hook(TRAP_UD, not_mine);
    check_trap("a hook that does not want it", undefined, NULL, TRAP_UD);
    check(hooked == 2, "calls of hooks", "%u", hooked);
    trap_set_hook(TRAP_UD, NULL);
}

void test_traps(void)
{
    struct trap_seen seen;

    test_part("traps");
    check_trap("undefined instruction", undefined, NULL, TRAP_UD);
    check_trap("breakpoint", breakpoint, NULL, TRAP_BP);
    check_trap("division by zero", divide, NULL, TRAP_DE);
    check_trap("a privileged instruction", halt, NULL, TRAP_GP);
    check_trap("a selector without a descriptor", bad_selector, NULL, TRAP_GP);
    check_trap("registers and direction lost in it", clobber, NULL, TRAP_UD);
    trap_try(null_pointer, NULL, &seen);
    check(seen.taken && seen.vector == TRAP_PF && seen.cr2 == 8 && seen.error == 2,
          "a null pointer", "vector %u, cr2 %lx, error %lx", seen.vector, seen.cr2, seen.error);
    check(seen.rip == seen.frame.rip && seen.rip - (uint64_t)null_pointer < 64, "its rip",
          "in the function");
    test_hooks();
}

/* --- user mode ------------------------------------------------------------------------------- */

static char user_stack[256] __attribute__((aligned(16)));

extern char user_calls[], user_faults[], user_calls_end[];
__asm__(".pushsection .text\n"
        "user_calls: mov $1234, %edi\n syscall\n user_calls_end:\n"
        "user_faults: ud2\n"
        ".popsection\n");

static void enter_user(void *context)
{
    struct trap_frame frame = {
        .rip = (uint64_t)context,
        .cs = FLAT_USER_CS,
        .rflags = 0x200,
        .rsp = (uint64_t)(user_stack + sizeof(user_stack)),
        .ss = FLAT_USER_SS,
        .rbx = 77,
    };

    trap_return(&frame);
}

void test_user_mode(void)
{
    struct trap_seen seen;

    test_part("user mode");
    check_done("the kernel's tables are the user's",
               mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn((void *)start_info->pt_base)));
    for (int round = 0; round < 3; round++) {
        trap_try(enter_user, user_calls, &seen);
        check(seen.taken && seen.vector == TRAP_SYSCALL && seen.frame.rdi == 1234 &&
                  seen.frame.rbx == 77 && seen.rip == (uint64_t)user_calls_end,
              "a system call", "vector %x, rdi %lu, rbx %lu", seen.vector, seen.frame.rdi,
              seen.frame.rbx);
        trap_try(enter_user, user_faults, &seen);
        check(seen.taken && seen.vector == TRAP_UD && (seen.frame.cs & 3) == 3 &&
                  seen.frame.rsp == (uint64_t)(user_stack + sizeof(user_stack)),
              "an exception", "vector %u, RPL %lu", seen.vector, seen.frame.cs & 3);
    }
    check_trap("the kernel's own exceptions", undefined, NULL, TRAP_UD);
    check_done("no user tables again", mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, 0));
}
