/* SPDX-License-Identifier: MIT */
/*
 * The smallest useful guest kernel: says what it was started with, what memory it has and what time
 * it is.
 */
#include "guest-abi/kit/kit.h"

#include <xen/sched.h>

#define MILLISECOND 1000000ull

int guest_main(void)
{
    uint64_t before;

    printf("hello from %s\n", start_info->magic);
    printf("memory: %lu pages, %lu free\n", nr_pages(), pages_available());
    printf("command line: '%s'\n", (char *)start_info->cmd_line);
    before = time_now();
    time_sleep(10 * MILLISECOND);
    printf("time: %lu ns since 1970, slept %lu ns\n", wall_clock(), time_now() - before);
    return SHUTDOWN_poweroff;
}
