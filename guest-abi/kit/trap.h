/* SPDX-License-Identifier: MIT */
/*
 * Exceptions of a PV guest. The hypervisor pushes the frame of its ABI; start.S adds the other
 * registers and calls trap_handle(). A trap that nobody expects prints the frame and crashes the
 * domain.
 *
 * A test runs code that shall fault by trap_try(): whatever the function does, control comes back
 * with the first exception it took.
 */
#ifndef KIT_TRAP_H
#define KIT_TRAP_H

#include <stdbool.h>
#include <stdint.h>

/* Reads eight bytes; false where nothing readable is mapped. */
bool peek(const void *address, uint64_t *value);

/* As on the stack after start.S has saved everything; lowest address first. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector;
    uint64_t error; /* 0 where the vector has none */
    uint64_t rip, cs, rflags, rsp, ss;
};

enum {
    TRAP_DE = 0,
    TRAP_DB = 1,
    TRAP_NMI = 2,
    TRAP_BP = 3,
    TRAP_UD = 6,
    TRAP_NM = 7,
    TRAP_TS = 10,
    TRAP_NP = 11,
    TRAP_SS = 12,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_MF = 16,
    TRAP_AC = 17,
    TRAP_XM = 19,
    TRAP_FAILSAFE = 0x100, /* the failsafe callback: a selector could not be loaded */
    TRAP_SYSCALL = 0x101,  /* SYSCALL in user mode; without a hook it panics like any trap */
    TRAP_EVENT = 0x102,    /* of the frame only: never handed to a hook */
};

/* Entry of each vector, which makes a trap_frame and calls what is said below. Vectors 0 to 19 are
 * in the trap table with events masked; others (int 0x80) the guest registers itself. */
extern char trap_stubs[256][16];

struct trap_seen {
    bool taken;
    unsigned vector;
    uint64_t error, rip, cr2; /* cr2: of a page fault */
    struct trap_frame frame;
};

/* Runs f(context); true, and *seen, when it took an exception that no hook handled. Callee-saved
 * registers and the stack are then as they were. May not be nested. */
bool trap_try(void (*f)(void *context), void *context, struct trap_seen *seen);

/* Called before anything else for each exception of `vector`; answers true when the frame (which it
 * may change) shall simply be returned to. NULL takes it away. */
typedef bool trap_hook(struct trap_frame *frame);
void trap_set_hook(unsigned vector, trap_hook *hook);

/*
 * Leaves by the iret hypercall to this frame's rip, cs, rflags, rsp, ss with its registers. With
 * RPL 3 in cs it is user mode, which needs a table first (MMUEXT_NEW_USER_BASEPTR; the kernel's own
 * L4 will do); what user mode does next arrives as a trap, so that inside trap_try() it ends there.
 */
_Noreturn void trap_return(const struct trap_frame *frame);

#endif
