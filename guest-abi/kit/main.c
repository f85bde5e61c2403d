/* SPDX-License-Identifier: MIT */
/*
 * Start of day, in the order in which one thing needs another, and the three ends of a domain:
 * guest_main() returns, guest_shutdown(), guest_panic().
 */
#include "guest-abi/kit/internal.h"

#include <xen/sched.h>

#define SECOND 1000000000ull

start_info_t *start_info;
shared_info_t *shared_info;
void *boot_stack_end;

/* In place of a page of our own: address space is all that is needed, and there is none else yet.
 */
static void map_shared_info(void)
{
    static char page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    int error = map_page(page, start_info->shared_info | PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D);

    if (error)
        guest_panic("cannot map the shared_info page: error %d", error);
    shared_info = (shared_info_t *)page;
    shared_info->arch.max_pfn = nr_pages();
}

_Noreturn void kit_start(start_info_t *info)
{
    start_info = info;
    traps_init();
    map_shared_info();
    console_init();
    memory_init();
    events_init();
    time_init();
    guest_shutdown((unsigned)guest_main());
}

static _Noreturn void shut_down(unsigned reason)
{
    struct sched_shutdown shutdown = {.reason = reason};

    for (;;) {
        hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown);
        shutdown.reason = SHUTDOWN_crash; /* there is no such reason */
    }
}

_Noreturn void guest_shutdown(unsigned reason)
{
    events_off();
    console_drain(SECOND);
    shut_down(reason);
}

_Noreturn void guest_panic(const char *format, ...)
{
    static bool again;
    va_list args;

    events_off();
    if (again) /* what says so does not work */
        shut_down(SHUTDOWN_crash);
    again = true;
    console_hurry();
    printf("panic: ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    guest_shutdown(SHUTDOWN_crash);
}
