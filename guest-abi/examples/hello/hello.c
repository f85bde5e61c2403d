/* SPDX-License-Identifier: MIT */
/*
 * The smallest useful guest kernel: says what it was started with, what memory it has and what time
 * it is, then waits until the toolstack wants it gone (xl shutdown, xl reboot).
 */
#include "frontends/control.h"
#include "guest-abi/kit/kit.h"

#include <xen/sched.h>
#include <xen/version.h>

#define MILLISECOND 1000000ul
#define SECOND      1000000000ul

static void say_start(void)
{
    long version = hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
    xen_extraversion_t extra = "";

    hypercall_op(__HYPERVISOR_xen_version, XENVER_extraversion, extra);
    printf("hello on version %ld.%ld%s\n", version >> 16, version & 0xffff, extra);
    printf("start_info: magic %s, flags %x\n", start_info->magic, start_info->flags);
    printf("command line: '%s'\n", (const char *)start_info->cmd_line);
    printf("kernel: %p to %p, tables %p, list of frames %p\n", kernel_start, kernel_end,
           (void *)start_info->pt_base, (void *)start_info->mfn_list);
    printf("shared_info: frame %lx\n", start_info->shared_info >> PAGE_SHIFT);
    printf("store: frame %lx\n", start_info->store_mfn);
    printf("console: frame %lx\n", start_info->console.domU.mfn);
}

static void say_memory_and_time(void)
{
    uint64_t start = time_now(), slept;

    printf("memory: %lu pages, the last one at %p, %s free\n", nr_pages(),
           pfn_to_virt(nr_pages() - 1), pages_available() > nr_pages() / 2 ? "most" : "few");
    time_sleep(20 * MILLISECOND);
    slept = time_now() - start;
    printf("time: %lu s since 1970, %lu ms since the host's boot, slept %lu us: %s\n",
           wall_clock() / SECOND, start / MILLISECOND, slept / 1000,
           slept < 20 * MILLISECOND ? "too short" : "long enough");
}

int guest_main(void)
{
    struct control control;
    struct store *store;
    int request;

    say_start();
    say_memory_and_time();
    if (store_open(&store) || control_open(&control, store))
        guest_panic("no store to hear from the toolstack");
    printf("waiting for xl shutdown or xl reboot\n");
    while ((request = control_wait(&control, OS_NEVER)) < 0)
        printf("the store: error %d\n", request);
    printf("asked to %s\n", request == CONTROL_REBOOT ? "reboot" : "power off");
    return request == CONTROL_REBOOT ? SHUTDOWN_reboot : SHUTDOWN_poweroff;
}
