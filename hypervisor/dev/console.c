/* SPDX-License-Identifier: MIT
 *
 * The console: text goes to the serial port, the VGA screen and (the hypervisor's own) the ring;
 * received bytes go to dom0 (CONSOLEIO_read, VIRQ_CONSOLE) or to the debug keys. Three Ctrl-A
 * switch between them.
 *
 * Anything may print under any lock, so nothing here takes another lock or sends an event at once:
 * SOFTIRQ_CONSOLE does what is left to do, on the way out, with no locks held. What the serial port
 * has not taken in time is sent on by a timer.
 */
#include "dev/console.h"
#include "dev/console_ring.h"
#include "dev/uart.h"
#include "dev/vga.h"
#include "boot/boot.h"
#include "comms/evtchn.h"
#include "dom/domain.h"
#include "dom/timer.h"
#include "hypercall.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mm/guest_copy.h"
#include "x86/asm.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include <xen/sched.h>

#define WRITE_BUDGET_US  50u   /* how long one message may wait for the line */
#define FULL_WAIT_US     2000u /* and how long for room, before text is dropped */
#define DEAD_LINE_US     20000000u
#define GUEST_LINES      100u             /* about guests, at once; */
#define GUEST_LINE_EVERY MILLISECONDS(20) /* then at this rate */
#define SWITCH_KEY       1                /* Ctrl-A */
#define SWITCH_COUNT     3

static struct spinlock console_lock = SPINLOCK(LOCK_CONSOLE);
static bool panicking, use_uart, ring_has_guests, keep_vga, softirqs_run;
static bool mid_line; /* dom0's text ended without a newline */
static uint64_t dropped;

/* under console_lock: */
static char input[256]; /* to dom0 */
static uint32_t input_head, input_tail;
static char key_queue[16];
static unsigned nr_keys, switch_presses;
static bool input_is_keys, input_news, ring_news;

static struct timer drain_timer, poll_timer;

static void lock(void)
{
    if (!panicking)
        spin_lock(&console_lock);
}

static void unlock(void)
{
    if (!panicking)
        spin_unlock(&console_lock);
}

/* What is due outside of this lock. Before the exit path runs softirqs there is nothing to raise.
 */
static void ask_softirq(void)
{
    if (softirqs_run)
        softirq_raise(SOFTIRQ_CONSOLE);
}

static void serial_write(const char *s, size_t n)
{
    for (bool waited = false; n;) {
        size_t done = uart_write(s, n);

        s += done;
        n -= done;
        if (n && !done && waited && softirqs_run && !panicking) {
            dropped += n;
            break;
        }
        if (n) /* full: let the line work a while; at boot and in panic as long as it takes */
            uart_drain(FULL_WAIT_US);
        waited = true;
    }
    if (softirqs_run && !panicking) {
        if (!uart_drain(WRITE_BUDGET_US))
            ask_softirq();
    } else if (!uart_drain(DEAD_LINE_US)) {
        use_uart = false; /* 16 KiB take 1.5 s at 115200 baud, 18 at 9600 */
    }
}

static void emit(const char *s, size_t n)
{
    if (!n)
        return;
    if (use_uart)
        serial_write(s, n);
    vga_write(s, n);
}

void console_write(const char *s, size_t n)
{
    lock();
    if (mid_line)
        emit("\n", 1);
    mid_line = false;
    emit(s, n);
    ring_put(s, n);
    ring_news = true;
    ask_softirq();
    unlock();
}

void console_write_guest(struct hcall *, const char *s, size_t n)
{
    lock();
    if (n)
        mid_line = s[n - 1] != '\n';
    emit(s, n);
    if (ring_has_guests)
        ring_put(s, n);
    unlock();
}

size_t console_ring_read(char *buf, size_t size, uint32_t *index, bool clear, bool incremental)
{
    size_t n;

    lock();
    n = ring_get(buf, size, index, clear, incremental);
    unlock();
    return n;
}

/* ---- input ---- */

static void received(char ch)
{
    if (ch == SWITCH_KEY && ++switch_presses == SWITCH_COUNT) {
        switch_presses = 0;
        input_is_keys = !input_is_keys;
        input_news = true;
        return;
    }
    if (ch != SWITCH_KEY)
        switch_presses = 0;
    if (input_is_keys) {
        if (nr_keys < sizeof(key_queue) && ch != SWITCH_KEY)
            key_queue[nr_keys++] = ch;
    } else if (input_head - input_tail < sizeof(input)) {
        input[input_head++ % sizeof(input)] = ch;
    }
    input_news = true;
}

static void receive_all(void *)
{
    int ch;

    lock();
    /* a limit, for a port that is stuck */
    for (int n = 0; n < 256 && (ch = uart_read()) >= 0; n++)
        received((char)ch);
    if (input_news)
        ask_softirq();
    unlock();
}

static void poll_input(void *unused)
{
    receive_all(unused);
    timer_set(&poll_timer, now() + MILLISECONDS(20));
}

static void drain_later(void *)
{
    softirq_raise(SOFTIRQ_CONSOLE);
}

static void tell_input(bool switched)
{
    static bool was_keys;

    if (switched && was_keys != input_is_keys) {
        was_keys = input_is_keys;
        log_info(was_keys
                     ? "input goes to the debug keys ('h' for help); Ctrl-A three times: to dom0"
                     : "input goes to dom0; Ctrl-A three times: to the debug keys");
    }
    if (!was_keys)
        virq_send_global(VIRQ_CONSOLE);
}

void console_softirq(void)
{
    char pressed[sizeof(key_queue)];
    unsigned n;
    bool news_in, news_ring, drained;
    uint64_t lost;

    lock();
    drained = !use_uart || uart_drain(WRITE_BUDGET_US);
    n = nr_keys;
    memcpy(pressed, key_queue, n);
    nr_keys = 0;
    lost = drained ? dropped : 0;
    dropped -= lost;
    news_in = input_news;
    news_ring = ring_news;
    input_news = ring_news = false;
    unlock();

    if (lost)
        log_warn("%lu characters were lost: the serial line is too slow", lost);
    if (!drained)
        timer_set(&drain_timer, now() + MILLISECONDS(1));
    if (news_ring)
        virq_send_global(VIRQ_CON_RING);
    if (news_in)
        tell_input(true);
    for (unsigned i = 0; i < n; i++)
        console_run_key(pressed[i]);
}

/* ---- CONSOLEIO ---- */

long consoleio_write(struct hcall *c, void *)
{
    char text[128];

    /* count is a 32-bit int in the ABI */
    for (c->a[1] = (uint32_t)c->a[1]; c->a[1];) {
        size_t n = min(c->a[1], sizeof(text));

        if (c->a[1] > 0x7fffffff || copy_from_guest(text, guest_va(c->a[2]), n))
            return c->a[1] > 0x7fffffff ? -EINVAL : -EFAULT;
        console_write_guest(c, text, n);
        c->a[1] -= n;
        c->a[2] += n;
        if (c->a[1] && hcall_out_of_budget(c))
            return -ERESTART;
    }
    return 0;
}

long consoleio_read(struct hcall *c, void *)
{
    char text[sizeof(input)];
    uint32_t n = 0, want = (uint32_t)c->a[1];

    lock();
    while (n < min(want, sizeof(text)) && input_tail != input_head)
        text[n++] = input[input_tail++ % sizeof(input)];
    unlock();
    return copy_to_guest(guest_va(c->a[2]), text, n) ? -EFAULT : (long)n;
}

/* ---- set-up and end ---- */

void console_panic_mode(void)
{
    panicking = true;
}

static __attribute__((noreturn)) void panic_end(void)
{
    if (cmdline_bool("noreboot", false)) {
        log_error("stopped (noreboot)");
        for (;;)
            __asm__ volatile("cli; hlt");
    }
    if (tsc_khz) {
        log_error("rebooting in five seconds");
        for (nsec_t end = now() + SECONDS(5); now() < end;)
            cpu_relax();
    }
    machine_shutdown(SHUTDOWN_reboot);
}

static bool guest_line(uint32_t *left_out)
{
    static uint32_t used, skipped; /* under console_lock */
    static nsec_t since;
    nsec_t t = now(), earned;
    bool may;

    lock();
    earned = t > since ? (t - since) / GUEST_LINE_EVERY : 0;
    used = earned < used ? used - (uint32_t)earned : 0;
    since = used ? since + earned * GUEST_LINE_EVERY : t;
    may = used < GUEST_LINES;
    if (may) {
        used++;
        *left_out = skipped;
        skipped = 0;
    } else {
        skipped++;
    }
    unlock();
    return may;
}

static const struct log_backend backend = {.write = console_write,
                                           .guest_line = guest_line,
                                           .panic_begin = console_panic_mode,
                                           .panic_end = panic_end};

static bool in_list(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (; list; list = strchr(list, ','), list = list ? list + 1 : NULL)
        if (!strncmp(list, name, n) && (list[n] == ',' || !list[n]))
            return true;
    return false;
}

static void set_levels(void)
{
    char level[24];

    if (cmdline_option("loglvl", level, sizeof(level)) && !log_set_level(level))
        log_warn("option loglvl=%s: the levels are none, error, warning, info, debug, all", level);
    if (cmdline_option("guest_loglvl", level, sizeof(level)) && !log_set_guest_level(level))
        log_warn("option guest_loglvl=%s: the levels are none, error, warning, info, debug, all",
                 level);
}

void console_init_early(void)
{
    char devices[64] = "com1,vga";

    cmdline_option("console", devices, sizeof(devices));
    if (in_list(devices, "com1"))
        use_uart = uart_init(1);
    else if (in_list(devices, "com2"))
        use_uart = uart_init(2);
    if (in_list(devices, "vga"))
        vga_init();
    ring_has_guests = cmdline_bool("console_to_ring", false);
    keep_vga = cmdline_option("vga", devices, sizeof(devices)) && strstr(devices, "keep");
    cmdline_bool("noreboot",
                 false); /* asked again at the end, if it comes to that; known from now on */
    log_set_backend(&backend);
    set_levels();
}

void console_init_irq(void)
{
    timer_init(&drain_timer, drain_later, NULL);
    timer_init(&poll_timer, poll_input, NULL);
    console_add_own_keys();
    softirqs_run = true;
    if (use_uart && !uart_start_irq(receive_all))
        timer_set(&poll_timer, now() + MILLISECONDS(20));
}

void console_release_vga(void)
{
    if (keep_vga) /* vga=keep: go on writing over dom0's text, for debugging */
        return;
    lock();
    vga_release();
    unlock();
}
