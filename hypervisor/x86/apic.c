/* SPDX-License-Identifier: MIT
 *
 * The local APIC (AMD64 APM vol. 2, chapter 16; Intel SDM vol. 3, chapter 11): through its page of
 * memory, or through MSRs when firmware has switched it to x2APIC. Its timer is used one-shot, or
 * as TSC deadline where the CPU has that.
 */
#include "x86/irq.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "boot/boot.h"

/* register offsets; the MSR of x2APIC is 0x800 + offset / 16 */
#define ID                0x20
#define EOI               0xb0
#define TASK_PRIO         0x80
#define SPURIOUS          0xf0
#define ICR_LOW           0x300
#define ICR_HIGH          0x310
#define LVT_TIMER         0x320
#define LVT_PERF          0x340
#define LVT_LINT0         0x350
#define LVT_LINT1         0x360
#define LVT_ERROR         0x370
#define TIMER_INIT        0x380
#define TIMER_NOW         0x390
#define TIMER_DIV         0x3e0

#define LVT_MASKED        (1u << 16)
#define LVT_NMI           (4u << 8)
#define LVT_TSC_DEADLINE  (2u << 17)
#define ICR_BUSY          (1u << 12)
#define APIC_BASE_ENABLED (1ul << 11)
#define APIC_BASE_X2APIC  (1ul << 10)
#define DIVIDE_BY_1       0xbu
#define MSR_TSC_DEADLINE  0x6e0u

static volatile uint32_t *regs; /* NULL: x2APIC */
static bool x2apic;
static uint64_t timer_khz;

static uint32_t apic_read(unsigned reg)
{
    return x2apic ? (uint32_t)rdmsr(0x800 + reg / 16) : regs[reg / 4];
}

static void apic_write(unsigned reg, uint32_t v)
{
    if (x2apic)
        wrmsr(0x800 + reg / 16, v);
    else
        regs[reg / 4] = v;
}

uint32_t apic_id(void)
{
    return x2apic ? apic_read(ID) : apic_read(ID) >> 24;
}

void apic_eoi(void)
{
    apic_write(EOI, 0);
}

void apic_send_icr(uint32_t id, uint32_t icr)
{
    if (x2apic) {
        full_mb(); /* the MSR write does not wait for earlier stores */
        wrmsr(0x800 + ICR_LOW / 16, (uint64_t)id << 32 | icr);
        return;
    }
    while (apic_read(ICR_LOW) & ICR_BUSY)
        cpu_relax();
    apic_write(ICR_HIGH, id << 24);
    apic_write(ICR_LOW, icr);
}

void apic_send_ipi(unsigned n, uint8_t vector)
{
    apic_send_icr(cpus[n]->apic_id, APIC_ICR_ASSERT | vector);
}

void apic_init_cpu(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    if (!(base & APIC_BASE_ENABLED))
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLED);
    apic_write(SPURIOUS, 0x100 | VECTOR_SPURIOUS);
    apic_write(TASK_PRIO, 0);
    apic_write(LVT_LINT0, LVT_MASKED);
    apic_write(LVT_LINT1, LVT_NMI);
    apic_write(LVT_ERROR, LVT_MASKED);
    apic_write(LVT_PERF, LVT_MASKED);
    apic_write(LVT_TIMER, (cpu.tsc_deadline ? LVT_TSC_DEADLINE : 0) | VECTOR_TIMER);
    apic_write(TIMER_DIV, DIVIDE_BY_1);
    this_cpu()->apic_id = apic_id();
}

/* Timer ticks in 10 ms of system time. The one of some measurements counts whose ends are known
 * best. */
static void measure_timer(void)
{
    nsec_t doubt = NSEC_NEVER;

    apic_write(LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    apic_write(TIMER_DIV, DIVIDE_BY_1);
    for (int i = 0; i < 10 && doubt > MICROSECONDS(10); i++) {
        nsec_t t[4];
        uint32_t left;

        t[0] = now();
        apic_write(TIMER_INIT, ~0u);
        t[1] = t[2] = now();
        while (t[2] < t[1] + MILLISECONDS(10))
            t[2] = now();
        left = apic_read(TIMER_NOW);
        t[3] = now();
        if (t[1] - t[0] + t[3] - t[2] < doubt) {
            doubt = t[1] - t[0] + t[3] - t[2];
            timer_khz = (uint64_t)(~0u - left) * 2000000 / (t[2] + t[3] - t[0] - t[1]);
        }
    }
    apic_write(TIMER_INIT, 0);
    if (!timer_khz)
        panic("the local APIC's timer does not count");
    log_info("APIC timer: %lu.%03lu MHz", timer_khz / 1000, timer_khz % 1000);
}

/* The legacy PICs, masked while LINT0 still passes their output on, so that a request under way
 * goes away. */
static void pics_off(void)
{
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    /* remapped out of the exceptions' way, for a spurious interrupt can still come */
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    outb(0x21, 0x20);
    outb(0xa1, 0x28);
    outb(0x21, 4);
    outb(0xa1, 2);
    outb(0x21, 1);
    outb(0xa1, 1);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

void apic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    pics_off();
    x2apic = base & APIC_BASE_X2APIC;
    if (!x2apic)
        regs = ioremap(base & 0xffffffffff000ul, PAGE_SIZE, false);
    if (!(base & APIC_BASE_ENABLED))
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLED);
    apic_write(SPURIOUS, 0x100 | VECTOR_SPURIOUS);
    if (!cpu.tsc_deadline)
        measure_timer();
    apic_init_cpu();
}

void apic_arm_timer(nsec_t deadline)
{
    if (cpu.tsc_deadline) {
        wrmsr(MSR_TSC_DEADLINE, deadline == NSEC_NEVER ? 0 : ns_to_tsc(deadline));
        return;
    }
    if (deadline == NSEC_NEVER) {
        apic_write(TIMER_INIT, 0);
        return;
    }
    nsec_t t = now();
    uint64_t wait = deadline > t ? min(deadline - t, SECONDS(1)) : 0;

    /* one tick more, for firing too early would cost a second interrupt */
    apic_write(TIMER_INIT, (uint32_t)min(wait * timer_khz / 1000000 + 1, 0xfffffffful));
}
