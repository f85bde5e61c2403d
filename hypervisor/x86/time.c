/* SPDX-License-Identifier: MIT
 *
 * One clock: system time = ns_base + scale(TSC - tsc_base), with the multiplier and shift of the
 * ABI (xen.h, struct vcpu_time_info), so that guests who do the same sum get the same nanosecond.
 * The bases are fixed at boot, hence guests' copies need no updates afterwards.
 *
 * The TSC is measured against channel 2 of the PIT (Intel 8254), or against the ACPI PM timer where
 * there is no PIT. Each measurement knows how far off it may be; the best one counts.
 */
#include "x86/time.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "boot/boot.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "mm/guest_copy.h"

#define PIT_HZ      1193182ul
#define PM_TIMER_HZ 3579545ul

uint32_t cpu_khz, tsc_khz;

static uint32_t mul; /* ns = (ticks << shift, or >> -shift) * mul >> 32 */
static int8_t shift;

static struct {
    uint64_t secs;
    uint32_t nsecs;
} wallclock; /* at system time 0; LOCK_DOMLIST is not needed: 64-bit store, version in each domain
              */

static uint64_t scale(uint64_t ticks)
{
    ticks = shift >= 0 ? ticks << shift : ticks >> -shift;
    return (uint64_t)((unsigned __int128)ticks * mul >> 32);
}

nsec_t now(void)
{
    const struct pcpu *p = this_cpu();
    uint64_t tsc = rdtsc();

    /* CPUs' counters may differ by some ticks */
    return p->ns_base + (tsc > p->tsc_base ? scale(tsc - p->tsc_base) : 0);
}

uint64_t ns_to_tsc(nsec_t t)
{
    const struct pcpu *p = this_cpu();
    uint64_t ns = t > p->ns_base ? t - p->ns_base : 0;
    uint64_t high = ns >> 32, low = ns << 32, ticks, rest;

    if (high >= mul)
        return ~0ul;
    __asm__("divq %4" : "=a"(ticks), "=d"(rest) : "a"(low), "d"(high), "r"((uint64_t)mul));
    if (shift < 0 && ticks >> (64 + shift)) /* a time so far off is never, not the past */
        return ~0ul;
    ticks = shift >= 0 ? ticks >> shift : ticks << -shift;
    return ticks < ~0ul - p->tsc_base ? p->tsc_base + ticks + 1 : ~0ul;
}

/* TSC ticks while another counter counted, and how far off they may be: something may have held us
 * up between reading the one and the other. ticks 0: that counter does not count. */
struct measured {
    uint64_t ticks, doubt;
};

static struct measured between(uint64_t start0, uint64_t start1, uint64_t end0, uint64_t end1)
{
    if (end0 < start1) /* over before we first looked */
        return (struct measured){end1 - start0, end1 - start0};
    return (struct measured){(end0 - start0 + end1 - start1) / 2, start1 - start0 + end1 - end0};
}

static struct measured ticks_by_pit(uint32_t count)
{
    uint64_t start0, start1, end0 = 0, t, limit = 0;

    outb(0x61, (uint8_t)((inb(0x61) & ~3) | 1)); /* gate open, speaker off */
    outb(0x43, 0xb0);                            /* channel 2, both bytes, mode 0 */
    outb(0x42, (uint8_t)count);
    start0 = rdtsc();
    outb(0x42, (uint8_t)(count >> 8));
    start1 = rdtsc();
    for (t = start1; !(inb(0x61) & 0x20); t = rdtsc()) {
        end0 = t; /* not yet, after this */
        if (++limit == 10000000)
            return (struct measured){0};
    }
    return between(start0, start1, end0, rdtsc());
}

static struct measured ticks_by_pm_timer(uint32_t count)
{
    uint16_t port = (uint16_t)acpi_sleep.pm_timer;
    uint64_t start0, start1, end0 = 0, t, limit = 0;
    uint32_t first;

    if (!port)
        return (struct measured){0};
    start0 = rdtsc();
    first = inl(port);
    start1 = rdtsc();
    for (t = start1; ((inl(port) - first) & 0xffffff) < count; t = rdtsc()) {
        end0 = t;
        if (++limit == 10000000)
            return (struct measured){0};
    }
    return between(start0, start1, end0, rdtsc());
}

/* One of 20 ms whose doubt is below 1/2048, or the best of ten. */
static uint64_t measure(struct measured (*ticks)(uint32_t count), uint32_t count)
{
    struct measured best = {0, ~0ul};

    for (int i = 0; i < 10 && best.doubt > best.ticks >> 11; i++) {
        struct measured m = ticks(count);

        if (!m.ticks)
            return 0;
        if (m.doubt < best.doubt)
            best = m;
    }
    return best.ticks;
}

static uint32_t measure_khz(void)
{
    uint32_t pit = PIT_HZ / 50, pm = PM_TIMER_HZ / 50;
    uint64_t t = measure(ticks_by_pit, pit);

    if (t)
        return (uint32_t)(t * PIT_HZ / pit / 1000);
    t = measure(ticks_by_pm_timer, pm);
    if (!t)
        panic("neither the PIT nor the ACPI PM timer counts: no clock to measure the CPU by");
    return (uint32_t)(t * PM_TIMER_HZ / pm / 1000);
}

/* mul in [2^31, 2^32), as ticks/ns allows the most exact one. */
static void set_scale(uint32_t khz)
{
    uint64_t ticks_per_sec = (uint64_t)khz * 1000, ns = 1000000000;

    shift = 0;
    while (ticks_per_sec > ns * 2) {
        ticks_per_sec >>= 1;
        shift--;
    }
    while (ticks_per_sec <= ns) {
        ticks_per_sec <<= 1;
        shift++;
    }
    mul = (uint32_t)((ns << 32) / ticks_per_sec);
}

static uint8_t cmos(uint8_t reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    unsigned y = year - (month <= 2); /* leap days up to the end of last February */
    unsigned leaps = y / 4 - y / 100 + y / 400 - 477;

    return (year - 1970) * 365ul + leaps + before[month - 1] + day - 1;
}

/* The RTC's time, read twice alike and not during an update. */
static uint64_t read_rtc(void)
{
    static const uint8_t reg[] = {0, 2, 4, 7, 8, 9};
    uint8_t t[6], again[6];

    for (int tries = 0; tries < 100000 && cmos(10) & 0x80; tries++)
        ;
    do {
        for (int i = 0; i < 6; i++)
            t[i] = cmos(reg[i]);
        for (int i = 0; i < 6; i++)
            again[i] = cmos(reg[i]);
    } while (memcmp(t, again, sizeof(t)));

    uint8_t mode = cmos(11), pm = t[2] & 0x80;

    t[2] &= 0x7f;
    for (int i = 0; i < 6 && !(mode & 4); i++) /* BCD */
        t[i] = (uint8_t)((t[i] >> 4) * 10 + (t[i] & 15));
    if (!(mode & 2)) /* 12 hours */
        t[2] = (uint8_t)(t[2] % 12 + (pm ? 12 : 0));
    if (t[4] < 1 || t[4] > 12 || t[3] < 1 || t[3] > 31) {
        log_warn("the real-time clock holds no date");
        return 0;
    }
    unsigned year = t[5] + (t[5] < 70 ? 2000u : 1900u);

    return ((days_since_1970(year, t[4], t[3]) * 24 + t[2]) * 60 + t[1]) * 60 + t[0];
}

void time_init(void)
{
    struct pcpu *p = this_cpu();

    tsc_khz = cpu_khz = measure_khz();
    set_scale(tsc_khz);
    p->tsc_base = rdtsc();
    p->ns_base = 1; /* 0 would read as "never" in places */
    wallclock.secs = read_rtc();
    log_info("CPU at %u.%03u MHz, date %lu seconds after 1970", tsc_khz / 1000, tsc_khz % 1000,
             wallclock.secs);
}

/* Writers: the version is odd while the rest changes. */
static void publish(struct vcpu_time_info *t, const struct vcpu_time_info *new)
{
    WRITE_ONCE(t->version, t->version | 1);
    write_mb();
    t->tsc_timestamp = new->tsc_timestamp;
    t->system_time = new->system_time;
    t->tsc_to_system_mul = new->tsc_to_system_mul;
    t->tsc_shift = new->tsc_shift;
    t->flags = new->flags;
    write_mb();
    WRITE_ONCE(t->version, t->version + 1);
}

static struct vcpu_time_info time_for(const struct pcpu *p)
{
    bool stable = cpu.tsc_invariant || nr_cpus <= 1;

    return (struct vcpu_time_info){.tsc_timestamp = p->tsc_base,
                                   .system_time = p->ns_base,
                                   .tsc_to_system_mul = mul,
                                   .tsc_shift = shift,
                                   .flags = stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0};
}

static bool up_to_date(const struct vcpu_time_info *old, const struct vcpu_time_info *t)
{
    return old->tsc_timestamp == t->tsc_timestamp && old->system_time == t->system_time &&
           old->tsc_to_system_mul == t->tsc_to_system_mul && old->tsc_shift == t->tsc_shift &&
           old->flags == t->flags && !(old->version & 1);
}

void time_update_vcpu(struct vcpu *v)
{
    struct vcpu_time_info t = time_for(this_cpu());

    if (!up_to_date(&v->info->time, &t))
        publish(&v->info->time, &t);
}

void time_update_secondary(struct vcpu *v)
{
    struct vcpu_time_info t = time_for(this_cpu());
    struct vcpu_time_info old;
    guest_va_t at = v->time_area;
    uint32_t odd;

    if (!at.v || copy_from_guest(&old, at, sizeof(old)))
        return;
    t.version = (old.version | 1) + 1;
    t.pad0 = old.pad0;
    if (up_to_date(&old, &t))
        return;
    odd = old.version | 1;
    if (copy_to_guest(at, &odd, sizeof(odd)))
        return;
    write_mb();
    if (copy_to_guest(guest_va(at.v + 4), (const char *)&t + 4, sizeof(t) - 4))
        return;
    write_mb();
    copy_to_guest(at, &t.version, sizeof(t.version));
}

void time_init_wallclock(struct domain *d)
{
    struct shared_info *s = d->shared;

    WRITE_ONCE(s->wc_version, s->wc_version | 1);
    write_mb();
    s->wc_sec = (uint32_t)wallclock.secs;
    s->wc_sec_hi = (uint32_t)(wallclock.secs >> 32);
    s->wc_nsec = wallclock.nsecs;
    write_mb();
    WRITE_ONCE(s->wc_version, s->wc_version + 1);
}

void time_set_wallclock(uint64_t secs, uint32_t nsecs, nsec_t at)
{
    uint64_t ns = secs * 1000000000 + nsecs - at; /* good until the year 2554 */

    wallclock.secs = ns / 1000000000;
    wallclock.nsecs = (uint32_t)(ns % 1000000000);
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        if (d->shared)
            time_init_wallclock(d);
}
