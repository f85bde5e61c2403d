/* SPDX-License-Identifier: MIT
 *
 * The pretend machine (pretend.h) and weak fakes of what the core calls in rooms that a test does
 * not link. A fake does the simplest thing that keeps the callers honest: references are counted,
 * lock order is checked, faults are reported.
 */
#include "pretend.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/tlb.h"
#include "mm/pt.h"
#include "x86/time.h"
#include "x86/cpu.h"
#include "boot/boot.h"
#include "x86/irq.h"
#include "pv/pv.h"
#include "comms/grant.h"
#include "dev/dev.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WEAK __attribute__((weak))

/* The machine's parts */
struct pretend_counters pretend;
uint64_t pretend_ram, pretend_m2p, pretend_frame_table, max_mfn;
uint64_t *idle_l4;
_Thread_local struct pcpu *pretend_cpu;
struct pcpu *cpus[MAX_CPUS];
unsigned nr_cpus;
WEAK struct domain *dom0, *idle_domain;
WEAK bool guest_log_on;
WEAK struct cpu_features cpu = {.nx = true, .phys_bits = 40};
WEAK struct boot_info boot_info = {
    .nr_e820 = 3,
    .e820 = {{0, 0xa0000, 1},
             {0x100000, PRETEND_HOLE_START *PAGE_SIZE, 1},
             {PRETEND_HOLE_END * PAGE_SIZE, PRETEND_FRAMES *PAGE_SIZE, 1}},
};

bool pretend_no_budget, pretend_verbose;
unsigned pretend_budget, pretend_crashes, pretend_kicks;
nsec_t pretend_now;
void (*pretend_panic_hook)(const char *);

static struct domain *all_domains[64];
static uint64_t free_after_boot;
static uint64_t m2p_mfn;
static uint64_t unmapped_start, unmapped_end;

mfn_t m2p_chunk_mfn(unsigned n)
{
    return n == 0 ? mfn(m2p_mfn) : MFN_NONE;
}

static void *map_anywhere(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("pretend machine: mmap");
        abort();
    }
    return p;
}

void pretend_boot(void)
{
    static struct pcpu cpu_mem[PRETEND_CPUS];

    if (pretend_ram) {
        munmap((void *)pretend_ram, PRETEND_FRAMES * PAGE_SIZE);
        munmap((void *)pretend_frame_table, PRETEND_FRAMES * sizeof(struct frame));
    }
    memset(all_domains, 0, sizeof(all_domains));
    memset(&pretend, 0, sizeof(pretend));
    dom0 = NULL;
    pretend_no_budget = false;
    pretend_budget = pretend_crashes = pretend_kicks = 0;
    pretend_guest_unmapped(NULL, 0);
    pretend_ram = (uint64_t)map_anywhere(PRETEND_FRAMES * PAGE_SIZE);
    pretend_frame_table = (uint64_t)map_anywhere(PRETEND_FRAMES * sizeof(struct frame));
    max_mfn = PRETEND_FRAMES;

    memset(cpu_mem, 0, sizeof(cpu_mem));
    memset(cpus, 0, sizeof(cpus));
    for (unsigned i = 0; i < PRETEND_CPUS; i++) {
        cpu_mem[i].id = i;
        cpu_mem[i].online = i == 0;
        cpus[i] = i == 0 ? &cpu_mem[0] : NULL;
    }
    nr_cpus = 1;
    pretend_cpu = &cpu_mem[0];

    boot_pages_add(0x100000, PRETEND_HOLE_START * PAGE_SIZE);
    boot_pages_add(PRETEND_HOLE_END * PAGE_SIZE, PRETEND_FRAMES * PAGE_SIZE);
    frame_table_add_ram(0, PRETEND_HOLE_START * PAGE_SIZE);
    frame_table_add_ram(PRETEND_HOLE_END * PAGE_SIZE, PRETEND_FRAMES * PAGE_SIZE);
    m2p_mfn = boot_alloc(512, 512, 0).v;
    pretend_m2p = (uint64_t)mfn_to_va(mfn(m2p_mfn));
    memset((void *)pretend_m2p, 0xff, 512 * PAGE_SIZE);
    idle_l4 = mfn_to_va(boot_alloc(1, 1, 0));
    memset(idle_l4, 0, PAGE_SIZE);
    for (unsigned i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++)
        idle_l4[i] = 0xdead000000063ul | (uint64_t)i << 40;
    page_alloc_init();
    free_after_boot = page_free_count();
}

unsigned long pretend_frames_missing(void)
{
    return free_after_boot - page_free_count();
}

void pretend_leak_check(void)
{
    if (pretend_frames_missing()) {
        fprintf(stderr, "%ld frames leaked\n", (long)pretend_frames_missing());
        abort();
    }
}

static void bring_up_cpu(unsigned n)
{
    static struct pcpu more[PRETEND_CPUS];

    if (!cpus[n]) {
        memset(&more[n], 0, sizeof(more[n]));
        more[n].id = n;
        more[n].online = 1;
        cpus[n] = &more[n];
        if (n >= nr_cpus)
            nr_cpus = n + 1;
    }
}

void pretend_run_on(unsigned n)
{
    bring_up_cpu(n);
    pretend_cpu = cpus[n];
}

void pretend_run(struct vcpu *v)
{
    this_cpu()->current = this_cpu()->loaded = v;
    if (!v)
        return;
    v->cpu = this_cpu();
    v->running = true;
    v->kernel_mode = true;
    __atomic_or_fetch(&v->d->dirty_cpus[this_cpu()->id / 64], 1ull << this_cpu()->id % 64,
                      __ATOMIC_SEQ_CST);
}

struct domain *pretend_domain(domid_t id, bool privileged, uint32_t max_pages, unsigned nr_vcpus)
{
    struct domain *d = calloc(1, sizeof(*d));

    d->id = id;
    d->privileged = privileged;
    d->max_pages = max_pages;
    d->max_vcpus = nr_vcpus;
    d->first_page = ~0u;
    d->refs = 1;
    d->max_evtchn_port = 4095;
    d->max_grant_frames = 8;
    d->max_maptrack_frames = 8;
    d->lock = SPINLOCK(LOCK_DOMAIN);
    d->page_lock = SPINLOCK(LOCK_PAGES);
    d->perdomain_l3 = hv_page_alloc();
    d->vcpu = calloc(nr_vcpus, sizeof(d->vcpu[0]));
    d->shared = frame_share_alloc(d);
    d->shared_mfn = va_to_mfn(d->shared);
    for (unsigned i = 0; i < nr_vcpus; i++) {
        struct vcpu *v = calloc(1, sizeof(*v));

        v->id = i;
        v->d = d;
        v->kernel_l4 = v->user_l4 = v->info_mfn = MFN_NONE;
        v->kernel_mode = true;
        v->cpu = this_cpu();
        v->info = &d->shared->vcpu_info[i % XEN_LEGACY_MAX_VCPUS];
        d->vcpu[i] = v;
    }
    if (privileged && !dom0)
        dom0 = d;
    for (unsigned i = 0; i < ARRAY_SIZE(all_domains); i++)
        if (!all_domains[i]) {
            all_domains[i] = d;
            break;
        }
    return d;
}

void pretend_domain_destroy(struct domain *d)
{
    int rc;

    for (unsigned i = 0; i < d->max_vcpus; i++)
        vcpu_put_page_tables(d->vcpu[i]);
    d->dying = DOM_DYING;
    do
        rc = domain_pages_release_all(d);
    while (rc == -ERESTART);
    frame_unshare(d->shared);
    hv_page_free(d->perdomain_l3);
    d->dying = DOM_DEAD;
    if (dom0 == d)
        dom0 = NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(all_domains); i++)
        if (all_domains[i] == d)
            all_domains[i] = NULL;
    for (unsigned i = 0; i < nr_cpus; i++)
        if (cpus[i] && cpus[i]->current && cpus[i]->current->d == d)
            cpus[i]->current = cpus[i]->loaded = NULL;
    domain_put(d);
}

struct hcall pretend_hcall(struct vcpu *v, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                           uint64_t a4)
{
    return (struct hcall){.a = {a0, a1, a2, a3, a4, 0}, .v = v, .d = v->d};
}

void pretend_guest_unmapped(const void *start, size_t n)
{
    unmapped_start = (uint64_t)start;
    unmapped_end = unmapped_start + n;
}

/* Bytes of [p, p + n) before the first that faults. The first page is never mapped. */
static size_t reachable(const void *p, size_t n)
{
    uint64_t at = (uint64_t)p;

    if (at < PAGE_SIZE || !va_is_canonical(at))
        return 0;
    if (at < unmapped_end && at + n > unmapped_start)
        return at >= unmapped_start ? 0 : unmapped_start - at;
    return n;
}

size_t raw_copy(void *dst, const void *src, size_t n)
{
    size_t to = reachable(dst, n), from = reachable(src, n), can = min(to, from);

    if (can)
        memcpy(dst, src, can);
    return n - can;
}

WEAK int rdmsr_safe(uint32_t msr, uint64_t *v)
{
    (void)msr, (void)v;
    return -EFAULT;
}

/* lib */
WEAK void log_msg(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    (void)level;
    if (!pretend_verbose)
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}
WEAK void guest_log_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}
WEAK void panic(const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (pretend_panic_hook)
        pretend_panic_hook(text);
    fprintf(stderr, "panic: %s\n", text);
    abort();
}

/* Spin locks with the order check of lib/spinlock.c's debug build. */
static _Thread_local struct spinlock *held[16];
static _Thread_local unsigned nr_held;

static void hold(struct spinlock *l, bool pair)
{
    for (unsigned i = 0; i < nr_held; i++)
        if (held[i]->class > l->class || (held[i]->class == l->class && !pair) || held[i] == l)
            panic("lock of class %u taken while one of class %u is held", l->class, held[i]->class);
    held[nr_held++] = l;
}
WEAK bool spin_trylock(struct spinlock *l)
{
    uint32_t zero = 0;

    if (!__atomic_compare_exchange_n(&l->ticket, &zero, 1, false, 5, 5))
        return false;
    hold(l, false);
    return true;
}
static void lock_spinning(struct spinlock *l)
{
    uint32_t zero = 0;

    while (!__atomic_compare_exchange_n(&l->ticket, &zero, 1, false, 5, 5)) {
        zero = 0;
        tlb_serve();
        cpu_relax();
    }
}
WEAK void spin_lock(struct spinlock *l)
{
    hold(l, false);
    lock_spinning(l);
}
WEAK void spin_unlock(struct spinlock *l)
{
    unsigned i = 0;

    while (i < nr_held && held[i] != l)
        i++;
    if (i == nr_held)
        panic("a lock of class %u unlocked by one who does not hold it", l->class);
    held[i] = held[--nr_held];
    __atomic_store_n(&l->ticket, 0, __ATOMIC_RELEASE);
}
WEAK bool spin_is_held(const struct spinlock *l)
{
    for (unsigned i = 0; i < nr_held; i++)
        if (held[i] == l)
            return true;
    return false;
}
WEAK void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
    struct spinlock *first = a < b ? a : b, *second = a < b ? b : a;

    hold(first, false);
    lock_spinning(first);
    if (first != second) {
        hold(second, true);
        lock_spinning(second);
    }
}
WEAK void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
    spin_unlock(a);
    if (a != b)
        spin_unlock(b);
}

/* x86 */
WEAK nsec_t now(void)
{
    return pretend_now;
}
WEAK void apic_send_ipi(unsigned n, uint8_t vector)
{
    struct pcpu *me = pretend_cpu;

    (void)vector;
    __atomic_add_fetch(&pretend.ipis, 1, __ATOMIC_RELAXED);
    pretend_cpu = cpus[n];
    tlb_serve();
    pretend_cpu = me;
}

/* dom */
WEAK struct domain *domain_get(domid_t id)
{
    for (unsigned i = 0; i < ARRAY_SIZE(all_domains); i++)
        if (all_domains[i] && all_domains[i]->id == id) {
            domain_hold(all_domains[i]);
            return all_domains[i];
        }
    return NULL;
}
WEAK void domain_hold(struct domain *d)
{
    __atomic_add_fetch(&d->refs, 1, __ATOMIC_SEQ_CST);
}
WEAK void domain_put(struct domain *d)
{
    if (__atomic_sub_fetch(&d->refs, 1, __ATOMIC_SEQ_CST) != 0)
        return;
    for (unsigned i = 0; i < d->max_vcpus; i++)
        free(d->vcpu[i]);
    free(d->vcpu);
    free(d);
}
WEAK struct domain *domain_get_for(struct domain *caller, domid_t id, int *err)
{
    struct domain *d;

    if (id == DOMID_SELF || id == caller->id) {
        domain_hold(caller);
        return caller;
    }
    *err = -EPERM;
    if (!caller->privileged)
        return NULL;
    *err = -ESRCH;
    d = domain_get(id);
    return d;
}
WEAK void domain_crash(struct domain *d, const char *fmt, ...)
{
    (void)d, (void)fmt;
    pretend_crashes++;
}
WEAK void domain_pause(struct domain *d)
{
    d->pause_count++;
}
WEAK void domain_unpause(struct domain *d)
{
    d->pause_count--;
}
WEAK void vcpu_kick(struct vcpu *v)
{
    (void)v;
    pretend_kicks++;
}
WEAK void vcpu_wake(struct vcpu *v)
{
    (void)v;
}
WEAK bool hcall_out_of_budget(const struct hcall *c)
{
    static unsigned asked;

    (void)c;
    return pretend_no_budget || (pretend_budget && ++asked % pretend_budget == 0);
}

/* pv, comms, dev: as if the guest had no descriptor tables, grants or devices */
WEAK bool segdesc_validate(void *page)
{
    return *(uint64_t *)page != ~0ull;
}
WEAK int vcpu_set_ldt(struct vcpu *v, uint64_t base, unsigned entries)
{
    v->ldt_base = base;
    v->ldt_entries = entries;
    return 0;
}
WEAK void vcpu_drop_ldt_frames(struct vcpu *v)
{
    (void)v;
}
WEAK mfn_t grant_table_frame(struct domain *d, uint32_t n)
{
    (void)d, (void)n;
    return MFN_NONE;
}
/* The hole is device memory that dom0 may map; its last frame not, the one before read-only. */
WEAK bool iomem_permitted(const struct domain *d, mfn_t m)
{
    return d->privileged && m.v != PRETEND_HOLE_END - 1;
}
WEAK bool iomem_read_only(mfn_t m)
{
    return m.v == PRETEND_HOLE_END - 2;
}
