/* SPDX-License-Identifier: MIT */
/*
 * Output on the PV console: the ring page and the port that start_info names. Works before memory,
 * events and time do; it waits for room by sleeping a millisecond at a time, without events, so it
 * may be called from anywhere. What comes before the ring is known goes to the hypervisor's log.
 */
#include "guest-abi/kit/internal.h"

#include "frontends/os.h"

#include <xen/io/console.h>
#include <xen/sched.h>

#define MILLISECOND 1000000ull
#define SECOND      1000000000ull

static volatile struct xencons_interface *ring;
static bool hurry, lost;

void console_init(void)
{
    unsigned long pfn = mfn_to_pfn(start_info->console.domU.mfn);

    if (pfn != ~0ul)
        ring = pfn_to_virt(pfn);
}

static uint32_t room(void)
{
    uint32_t filled = ring->out_prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);

    return filled < sizeof(ring->out) ? (uint32_t)sizeof(ring->out) - filled : 0;
}

static void nap(void)
{
    struct sched_poll poll = {.nr_ports = 0};

    if (!shared_info) {
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        return;
    }
    poll.timeout = time_now() + MILLISECOND;
    hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
}

/* Until there is room for more than `wanted` bytes; false when that took too long. */
static bool wait_room(uint32_t wanted, uint64_t nanoseconds)
{
    uint64_t start = shared_info ? time_now() : 0;
    uint64_t naps = 0;

    while (room() < wanted) {
        if (naps++ == 0)
            event_send(start_info->console.domU.evtchn);
        if (shared_info ? time_now() - start > nanoseconds : naps > nanoseconds / 1000)
            return false;
        nap();
    }
    return true;
}

static void put(char c)
{
    if (lost || (room() == 0 && !wait_room(1, hurry ? SECOND : UINT64_MAX))) {
        lost = true;
        return;
    }
    ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = c;
    __atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
}

static void write_text(const char *text, size_t bytes)
{
    if (!ring) {
        hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, bytes, (unsigned long)text);
        return;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\n')
            put('\r');
        put(text[i]);
    }
    event_send(start_info->console.domU.evtchn);
}

int vprintf(const char *format, va_list args)
{
    char line[512], *all = NULL;
    va_list again;
    int length;

    va_copy(again, args);
    length = vsnprintf(line, sizeof(line), format, args);
    if ((size_t)length >= sizeof(line)) {
        all = os_alloc((size_t)length + 1);
        if (all)
            vsnprintf(all, (size_t)length + 1, format, again);
    }
    va_end(again);
    if (all)
        write_text(all, (size_t)length);
    else
        write_text(line, strlen(line));
    os_free(all);
    return length;
}

int printf(const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vprintf(format, args);
    va_end(args);
    return length;
}

void console_drain(uint64_t nanoseconds)
{
    if (ring)
        wait_room(sizeof(ring->out), nanoseconds);
}

void console_hurry(void)
{
    hurry = true;
}
