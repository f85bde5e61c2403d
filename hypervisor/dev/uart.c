/* SPDX-License-Identifier: MIT
 *
 * 16550A (National Semiconductor data sheet): transmit buffer here, sent 16 bytes at a time when
 * the device's FIFO is empty. Nothing waits for the line longer than its budget: at 115200 baud a
 * FIFO takes 1.4 ms to run empty, and a CPU with interrupts off has better things to do.
 */
#include "dev/uart.h"
#include "boot/boot.h"
#include "x86/asm.h"
#include "x86/irq.h"

/* registers */
#define DATA         0
#define IER          1
#define FCR          2
#define LCR          3
#define MCR          4
#define LSR          5
#define SCR          7

#define LCR_8N1      0x03
#define LCR_DLAB     0x80
#define MCR_DTR_RTS  0x03
#define MCR_OUT2     0x08 /* lets the interrupt out of the chip on a PC */
#define LSR_RECEIVED 0x01
#define LSR_TX_EMPTY 0x20
#define FIFO_BYTES   16
#define BUFFER       16384u

static uint16_t base; /* 0: no port */
static unsigned irq_line;
static bool has_fifo;
static char buffer[BUFFER];
static uint32_t head, tail; /* free-running: written to, sent from */

static uint8_t in(unsigned reg)
{
    return inb((uint16_t)(base + reg));
}

static void out(unsigned reg, unsigned v)
{
    outb((uint16_t)(base + reg), (uint8_t)v);
}

/* One field of a comma-separated list, "" when there is none. */
static void field(const char *list, unsigned n, char *buf, size_t size)
{
    for (; n && list; n--) {
        list = strchr(list, ',');
        list = list ? list + 1 : NULL;
    }
    strlcpy(buf, list ? list : "", size);
    char *end = strchr(buf, ',');

    if (end)
        *end = '\0';
}

static unsigned line_control(const char *s)
{
    unsigned v = s[0] >= '5' && s[0] <= '8' ? (unsigned)(s[0] - '5') : 3;

    if (s[0] && s[1])
        v |= s[1] == 'o' ? 0x08 : s[1] == 'e' ? 0x18 : 0;
    if (s[0] && s[1] && s[2] == '2')
        v |= 4;
    return v;
}

bool uart_init(unsigned n)
{
    char option[64] = "", f[24];
    unsigned baud;

    cmdline_option(n == 1 ? "com1" : "com2", option, sizeof(option));
    field(option, 2, f, sizeof(f));
    base = (uint16_t)strtoul(f, NULL, 0);
    if (!base)
        base = n == 1 ? 0x3f8 : 0x2f8;
    field(option, 3, f, sizeof(f));
    irq_line = f[0] ? (unsigned)strtoul(f, NULL, 0) : n == 1 ? 4 : 3;
    field(option, 0, f, sizeof(f));
    baud = (unsigned)strtoul(f, NULL, 10);

    out(SCR, 0x5a);
    if (in(SCR) != 0x5a) {
        base = 0;
        return false;
    }
    out(IER, 0);
    field(option, 1, f, sizeof(f));
    unsigned lcr = f[0] ? line_control(f) : LCR_8N1;

    if (baud && baud <= 115200) { /* "auto" and nonsense: as firmware left it */
        out(LCR, lcr | LCR_DLAB);
        out(DATA, 115200 / baud);
        out(IER, 115200 / baud >> 8);
    }
    out(LCR, lcr);
    out(FCR, 0x07); /* FIFOs on and empty, interrupt at each byte */
    has_fifo = (in(FCR)&0xc0) == 0xc0;
    out(MCR, MCR_DTR_RTS);
    return true;
}

bool uart_drain(unsigned budget_us)
{
    unsigned polls = budget_us + 1; /* a port read takes about a microsecond */

    while (tail != head) {
        if (!(in(LSR)&LSR_TX_EMPTY)) {
            if (!--polls)
                return false;
            continue;
        }
        for (int i = has_fifo ? FIFO_BYTES : 1; i && tail != head; i--)
            out(DATA, (uint8_t)buffer[tail++ % BUFFER]);
    }
    return true;
}

size_t uart_write(const char *s, size_t n)
{
    size_t done = 0;

    if (!base)
        return n;
    for (; done < n; done++) {
        unsigned need = s[done] == '\n' ? 2 : 1;

        if (BUFFER - (head - tail) < need)
            break;
        if (need == 2)
            buffer[head++ % BUFFER] = '\r';
        buffer[head++ % BUFFER] = s[done];
    }
    return done;
}

int uart_read(void)
{
    return base && in(LSR)&LSR_RECEIVED ? in(DATA) : -1;
}

bool uart_start_irq(void (*fn)(void *data))
{
    if (!base || !irq_line || irq_request_gsi(isa_irq_to_gsi(irq_line), false, false, fn, NULL))
        return false;
    out(MCR, MCR_DTR_RTS | MCR_OUT2);
    out(IER, 1); /* received data */
    return true;
}

bool uart_owns_port(uint16_t port)
{
    return base && port >= base && port < base + 8;
}
