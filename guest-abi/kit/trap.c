/* SPDX-License-Identifier: MIT */
/*
 * Exceptions. Every trap enters with events masked (flag bit 2 of its entry in the trap table), and
 * the iret hypercall restores the mask with the frame's IF, so handlers need not care. Who takes
 * one, in this order: peek(), a hook, trap_try(), and else the panic.
 *
 * One trap_try() runs at a time; `attempt` is what it restores. It may be left from user mode too:
 * entries from there come on a stack of their own.
 */
#include "guest-abi/kit/internal.h"

#include <xen/callback.h>

#define DPL_USER     3
#define MASK_EVENTS  4
#define LAST_TRAP    19
#define MAX_VECTOR   (TRAP_SYSCALL + 1)
#define FRAME_CS(cs) ((unsigned)((cs)&0xffff))

static trap_hook *hooks[MAX_VECTOR];
static struct {
    struct trap_seen *seen; /* NULL: none runs */
    void *stack;
    bool events;
} attempt;

static void register_callback(uint16_t type, const void *entry, uint16_t flags)
{
    struct callback_register callback = {
        .type = type, .flags = flags, .address = (xen_callback_t)entry};
    long error = hypercall_op(__HYPERVISOR_callback_op, CALLBACKOP_register, &callback);

    if (error)
        guest_panic("cannot register callback %u: error %ld", type, error);
}

void traps_init(void)
{
    static struct trap_info table[LAST_TRAP + 2]; /* ends with address 0 */
    struct trap_info *entry = table;
    long error;

    for (uint8_t vector = 0; vector <= LAST_TRAP; vector++) {
        if (vector == 8 || vector == 9 || vector == 15) /* never delivered, or reserved */
            continue;
        *entry++ = (struct trap_info){
            .vector = vector,
            .flags = (uint8_t)(MASK_EVENTS | (vector == TRAP_BP || vector == 4 ? DPL_USER : 0)),
            .cs = FLAT_KERNEL_CS,
            .address = (unsigned long)trap_stubs[vector],
        };
    }
    error = hypercall1(__HYPERVISOR_set_trap_table, (unsigned long)table);
    if (error)
        guest_panic("cannot set the trap table: error %ld", error);
    register_callback(CALLBACKTYPE_event, event_entry, 0);
    register_callback(CALLBACKTYPE_failsafe, failsafe_entry, CALLBACKF_mask_events);
    register_callback(CALLBACKTYPE_syscall, syscall_entry, CALLBACKF_mask_events);
    error = hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, (unsigned long)user_stack_top);
    if (error)
        guest_panic("cannot set the stack for entries from user mode: error %ld", error);
}

void trap_set_hook(unsigned vector, trap_hook *hook)
{
    if (vector >= MAX_VECTOR)
        guest_panic("no vector %u to hook", vector);
    hooks[vector] = hook;
}

bool trap_try(void (*f)(void *context), void *context, struct trap_seen *seen)
{
    bool taken;

    if (attempt.seen)
        guest_panic("trap_try() inside trap_try()");
    *seen = (struct trap_seen){.taken = false};
    attempt.seen = seen;
    attempt.events = events_allowed();
    taken = trap_try_run(f, context, &attempt.stack);
    attempt.seen = NULL;
    if (taken && attempt.events)
        events_on();
    return taken;
}

static const char *trap_name(uint64_t vector)
{
    static const char *const names[] = {
        [TRAP_DE] = "division error",
        [TRAP_DB] = "debug exception",
        [TRAP_NMI] = "NMI",
        [TRAP_BP] = "breakpoint",
        [TRAP_UD] = "invalid opcode",
        [TRAP_NM] = "FPU not available",
        [TRAP_TS] = "invalid TSS",
        [TRAP_NP] = "segment not present",
        [TRAP_SS] = "stack fault",
        [TRAP_GP] = "general protection fault",
        [TRAP_PF] = "page fault",
        [TRAP_MF] = "x87 error",
        [TRAP_AC] = "misaligned access",
        [TRAP_XM] = "SIMD error",
        [TRAP_FAILSAFE] = "failsafe entry",
        [TRAP_SYSCALL] = "system call",
    };

    return vector < sizeof(names) / sizeof(names[0]) && names[vector] ? names[vector] : "exception";
}

static _Noreturn void trap_panic(const struct trap_frame *f, uint64_t cr2)
{
    console_hurry();
    printf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    printf("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
    printf("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
    printf("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
    printf("cs %04x ss %04x rflags %lx rip %lx\n", FRAME_CS(f->cs), FRAME_CS(f->ss), f->rflags,
           f->rip);
    if (f->vector == TRAP_PF)
        guest_panic("page fault at %lx, error code %lx, that nobody expected", cr2, f->error);
    guest_panic("%s (vector %lu), error code %lx, that nobody expected", trap_name(f->vector),
                f->vector, f->error);
}

void trap_handle(struct trap_frame *frame)
{
    uint64_t cr2 = shared_info ? shared_info->vcpu_info[0].arch.cr2 : 0;
    struct trap_seen *seen = attempt.seen;

    if (frame->vector == TRAP_EVENT) {
        events_run();
        return;
    }
    if (frame->vector == TRAP_PF && frame->rip == (uint64_t)peek_access) {
        frame->rip = (uint64_t)peek_failed;
        return;
    }
    if (frame->vector < MAX_VECTOR && hooks[frame->vector] && hooks[frame->vector](frame))
        return;
    if (!seen)
        trap_panic(frame, cr2);
    *seen = (struct trap_seen){
        .taken = true,
        .vector = (unsigned)frame->vector,
        .error = frame->error,
        .rip = frame->rip,
        .cr2 = frame->vector == TRAP_PF ? cr2 : 0,
        .frame = *frame,
    };
    trap_try_resume(attempt.stack);
}
