/* SPDX-License-Identifier: MIT
 *
 * Fakes of the rooms that comms/ and dom/ call, and the helpers of tests/host/hv_comms.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "hv_comms.h"
#include "boot/boot.h"
#include "comms/grant.h"
#include "dev/console.h"
#include "dev/dev.h"
#include "dom/sched.h"
#include "dom/watchdog.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/time.h"
#include "x86/traps.h"

struct fakes fakes;
struct boot_info boot_info;
struct cpu_features cpu = {.nx = true, .phys_bits = 40};
uint32_t cpu_khz = 1000000, tsc_khz = 1000000;

static struct vcpu idle;
static struct domain idle_of = {.id = DOMID_IDLE_, .is_idle = true};

/* Newer C libraries have it. */
size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src), copied = min(n, size - 1);
    memcpy(dst, src, copied);
    dst[copied] = 0;
    return n;
}

/* ---- vCPUs ---- */

struct vcpu *vcpu_create(struct domain *d, unsigned id)
{
    struct vcpu *v = calloc(1, sizeof(*v));
    v->id = id;
    v->d = d;
    v->cpu = this_cpu();
    v->flags = VCPU_DOWN;
    v->kernel_l4 = v->user_l4 = v->info_mfn = MFN_NONE;
    v->kernel_mode = true;
    v->info = &d->shared->vcpu_info[id % XEN_LEGACY_MAX_VCPUS];
    memset(v->affinity_hard, 0xff, sizeof(v->affinity_hard));
    memset(v->affinity_soft, 0xff, sizeof(v->affinity_soft));
    d->vcpu[id] = v;
    return v;
}

void vcpu_destroy(struct vcpu *v)
{
    v->d->vcpu[v->id] = NULL;
    free(v);
}

void vcpu_drop_references(struct vcpu *v)
{
    vcpu_put_page_tables(v);
    v->initialised = false;
}

void vcpu_kick(struct vcpu *v)
{
    fakes.kicks++;
    fakes.last_kicked = v;
    v->flags &= ~(VCPU_BLOCKED | VCPU_POLLING);
}

void vcpu_wake(struct vcpu *v)
{
    fakes.wakes++;
    fakes.last_woken = v;
    v->flags &= ~(VCPU_BLOCKED | VCPU_POLLING);
}

void vcpu_pause(struct vcpu *v)
{
    v->pause_count++;
}

void vcpu_unpause(struct vcpu *v)
{
    assert_true(v->pause_count > 0);
    v->pause_count--;
}

void vcpu_recheck(struct vcpu *v)
{
    (void)v;
    fakes.rechecks++;
}

uint64_t vcpu_cpu_time(struct vcpu *v)
{
    return 1000 * (v->id + 1);
}

int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    if (v->initialised)
        return -EOPNOTSUPP;
    v->regs.rip = ctx->user_regs.rip;
    v->initialised = true;
    return 0;
}

void vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *ctx)
{
    memset(ctx, 0, sizeof(*ctx));
    ctx->user_regs.rip = v->regs.rip;
}

void watchdog_stop_all(struct domain *d)
{
    (void)d;
}

/* ---- devices, clocks, descriptor tables ---- */

int physdev_init(struct domain *d)
{
    (void)d;
    return 0;
}
int physdev_destroy(struct domain *d)
{
    (void)d;
    return 0;
}
unsigned nr_pirqs(const struct domain *d)
{
    (void)d;
    return 64;
}
int pirq_bind(struct domain *d, unsigned pirq, bool share)
{
    (void)d, (void)pirq, (void)share;
    if (fakes.pirq_error)
        return fakes.pirq_error;
    fakes.pirq_binds++;
    return 0;
}
void pirq_unbind(struct domain *d, unsigned pirq)
{
    (void)d, (void)pirq;
    fakes.pirq_unbinds++;
}
int perdomain_init(struct domain *d)
{
    d->perdomain_l3 = hv_page_alloc();
    return d->perdomain_l3 ? 0 : -ENOMEM;
}
void perdomain_free(struct domain *d)
{
    hv_page_free(d->perdomain_l3);
}
void time_init_wallclock(struct domain *d)
{
    (void)d;
}
void console_add_key(char key, const char *what, void (*fn)(void))
{
    (void)key, (void)what, (void)fn;
}
void machine_shutdown(uint8_t reason)
{
    fprintf(stderr, "the machine was shut down (%u)\n", reason);
    abort();
}

/* ---- helpers ---- */

static void idle_runs(void)
{
    idle.d = &idle_of;
    idle.is_idle = true;
    this_cpu()->current = &idle;
}

int start_machine(void **state)
{
    (void)state;
    memset(&fakes, 0, sizeof(fakes));
    pretend_boot();
    idle_runs();
    return 0;
}

int end_machine(void **state)
{
    struct domain *d;

    (void)state;
    pretend_no_budget = false;
    pretend_budget = 0;
    pretend_guest_unmapped(NULL, 0);
    while ((d = domain_get_from(0))) {
        domain_put(d); /* the list's is left */
        end_domain(d);
    }
    pretend_leak_check();
    return 0;
}

struct domain *make_domain(domid_t id, bool privileged, unsigned vcpus)
{
    struct xen_domctl_createdomain cfg = {.max_vcpus = vcpus,
                                          .max_evtchn_port = 200000,
                                          .max_grant_frames = 4,
                                          .max_maptrack_frames = 2,
                                          .grant_opts = 1};
    struct domain *d;

    assert_int_equal(domain_create(id, &cfg, privileged, &d), 0);
    for (unsigned i = 0; i < vcpus; i++)
        vcpu_create(d, i)->flags = 0;
    d->max_pages = 4096;
    assert_int_equal(domain_unpause_by_controller(d), 0);
    domain_put(d); /* the list has it */
    return d;
}

void end_domain(struct domain *d)
{
    int rc, n = 0;

    domain_hold(d);
    if (dom0 == d)
        dom0 = NULL; /* it may not end otherwise */
    idle_runs();
    do {
        rc = domain_destroy(d);
        assert_true(n++ < 100000);
    } while (rc == -ERESTART);
    assert_int_equal(rc, 0);
    assert_null(domain_get(d->id));
    domain_put(d);
}

long call(hcall_fn *fn, struct domain *d, void *arg)
{
    struct hcall c = pretend_hcall(d->vcpu[0], 0, 0, 0, 0, 0);
    long rc;

    pretend_run(d->vcpu[0]);
    rc = fn(&c, arg);
    idle_runs();
    return rc;
}

long grant_op(struct domain *d, unsigned cmd, void *array, uint64_t n)
{
    struct hcall c = pretend_hcall(d->vcpu[0], cmd, (uint64_t)array, n, 0, 0);
    long rc;

    pretend_run(d->vcpu[0]);
    do
        rc = do_grant_table_op(&c, NULL);
    while (rc == -ERESTART);
    idle_runs();
    return rc;
}

mfn_t own_frame(struct domain *d)
{
    mfn_t m = domain_page_alloc(d, 0, 0);
    assert_false(mfn_eq(m, MFN_NONE));
    return m;
}

int pt_update(struct domain *owner, struct domain *target, uint64_t ptr, uint64_t val)
{
    struct pt_batch b = {.pt_owner = owner, .target = target};
    int rc = pt_batch_update(&b, ptr, val, PT_STORE);

    pt_batch_end(&b);
    return rc;
}

void regs_dump(const struct regs *)
{
}
