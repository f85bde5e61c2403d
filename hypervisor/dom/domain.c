/* SPDX-License-Identifier: MIT
 *
 * Domains: the list of all, references, creation, pausing and ending. States are in dom/domain.h.
 *
 * LOCK_DOMLIST guards the list (sorted by number, for listings) and the buckets (for look-ups);
 * both hold one reference together. It is the first lock of all, so nothing may be held when a
 * domain is looked up.
 *
 * Shutting down is done at any depth, under any lock (domain_crash), so it takes none: the first to
 * set shutting_down does it. A pause is a count in the domain that keeps its vCPUs off the run
 * queues; a shut-down domain holds one such count until it is resumed.
 */
#include <xen/sched.h>
#include "comms/evtchn.h"
#include "comms/grant.h"
#include "dev/console.h"
#include "dev/dev.h"
#include "dom/domain.h"
#include "dom/sched.h"
#include "dom/vcpu.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "pv/pv.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "x86/traps.h"
#include "x86/time.h"

#define BUCKETS 64u

struct domain *dom0, *idle_domain;

static struct spinlock list_lock = SPINLOCK(LOCK_DOMLIST);
/* under list_lock */
static struct domain *domains;
static struct domain *buckets[BUCKETS];
static domid_t last_id;

/* ---- look-up and references ---- */

static struct domain *find(domid_t id)
{
    struct domain *d = buckets[id % BUCKETS];
    while (d && d->id != id)
        d = d->hash_next;
    return d;
}

struct domain *domain_get(domid_t id)
{
    struct domain *d;

    spin_lock(&list_lock);
    d = find(id);
    if (d)
        domain_hold(d);
    spin_unlock(&list_lock);
    return d;
}

struct domain *domain_get_from(domid_t id)
{
    struct domain *d;

    spin_lock(&list_lock);
    for (d = domains; d && d->id < id; d = d->next)
        ;
    if (d)
        domain_hold(d);
    spin_unlock(&list_lock);
    return d;
}

struct domain *domain_next(struct domain *d)
{
    domid_t from = d ? (domid_t)(d->id + 1) : 0;

    if (d)
        domain_put(d);
    return domain_get_from(from);
}

void domain_hold(struct domain *d)
{
    uint32_t was = __atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
    ASSERT(was > 0 && was < UINT32_MAX / 2);
}

void domain_put(struct domain *d)
{
    uint32_t left = __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL);
    ASSERT(left < UINT32_MAX / 2);
    if (!left)
        domain_free(d);
}

struct domain *domain_get_for(struct domain *caller, domid_t id, int *err)
{
    struct domain *d;

    *err = 0;
    if (id == DOMID_SELF || id == caller->id) {
        domain_hold(caller);
        return caller;
    }
    d = domain_get(id);
    if (!d)
        *err = -ESRCH;
    else if (!caller->privileged) {
        domain_put(d);
        d = NULL;
        *err = -EPERM;
    }
    return d;
}

domid_t domain_new_id(void)
{
    domid_t id = 0;

    spin_lock(&list_lock);
    for (unsigned i = 0; i < DOMID_FIRST_RESERVED && !id; i++) {
        last_id = (domid_t)(last_id + 1u < DOMID_FIRST_RESERVED ? last_id + 1u : 1u);
        if (!find(last_id))
            id = last_id;
    }
    spin_unlock(&list_lock);
    return id;
}

static int list_insert(struct domain *d)
{
    struct domain **at = &domains;
    int rc = -EEXIST;

    spin_lock(&list_lock);
    if (!find(d->id)) {
        while (*at && (*at)->id < d->id)
            at = &(*at)->next;
        d->next = *at;
        *at = d;
        d->hash_next = buckets[d->id % BUCKETS];
        buckets[d->id % BUCKETS] = d;
        domain_hold(d);
        rc = 0;
    }
    spin_unlock(&list_lock);
    return rc;
}

bool domain_unlist(struct domain *d)
{
    struct domain **at = &domains;
    bool found;

    spin_lock(&list_lock);
    while (*at && *at != d)
        at = &(*at)->next;
    found = *at == d;
    if (found) {
        *at = d->next;
        at = &buckets[d->id % BUCKETS];
        while (*at != d)
            at = &(*at)->hash_next;
        *at = d->hash_next;
    }
    spin_unlock(&list_lock);
    return found;
}

/* ---- creation ---- */

static void fill(struct domain *d, domid_t id, const struct xen_domctl_createdomain *cfg)
{
    d->id = id;
    d->refs = 1; /* the caller's */
    d->lock = SPINLOCK(LOCK_DOMAIN);
    d->page_lock = SPINLOCK(LOCK_PAGES);
    d->first_page = ~0u;
    d->shared_mfn = MFN_NONE;
    d->max_vcpus = cfg->max_vcpus;
    d->max_evtchn_port = cfg->max_evtchn_port;
    d->max_grant_frames = cfg->max_grant_frames < 0 ? 64u : (uint32_t)cfg->max_grant_frames;
    d->max_maptrack_frames =
        cfg->max_maptrack_frames < 0 ? 1024u : (uint32_t)cfg->max_maptrack_frames;
    d->pause_count = d->controller_pauses = 1;
    memcpy(d->handle, cfg->handle, sizeof(d->handle));
}

static int make_shared_info(struct domain *d)
{
    d->shared = frame_share_alloc(d);
    if (!d->shared)
        return -ENOMEM;
    d->shared_mfn = va_to_mfn(d->shared);
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        d->shared->vcpu_info[i].evtchn_upcall_mask = 1;
    time_init_wallclock(d);
    return 0;
}

static int make_parts(struct domain *d)
{
    int rc = make_shared_info(d);
    if (!rc)
        rc = evtchn_init(d, d->max_evtchn_port);
    if (!rc)
        rc = grant_table_init(d, d->max_grant_frames, d->max_maptrack_frames);
    if (!rc)
        rc = physdev_init(d);
    if (!rc)
        rc = perdomain_init(d);
    return rc;
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool privileged,
                  struct domain **out)
{
    struct domain *d;
    bool idle = id == DOMID_IDLE_;
    int rc = 0;

    if ((id >= DOMID_FIRST_RESERVED && !idle) || cfg->max_vcpus == 0)
        return -EINVAL;
    if (!idle && cfg->max_vcpus > MAX_VCPUS)
        return -EINVAL;
    d = hv_alloc(sizeof(*d));
    if (!d)
        return -ENOMEM;
    fill(d, id, cfg);
    d->is_idle = idle;
    d->privileged = privileged;
    d->vcpu = hv_alloc(d->max_vcpus * sizeof(d->vcpu[0]));
    if (!d->vcpu)
        rc = -ENOMEM;
    if (!rc && !idle)
        rc = make_parts(d);
    if (!rc && !idle)
        rc = list_insert(d);
    if (rc) {
        domain_put(d);
        return rc;
    }
    if (idle)
        idle_domain = d;
    else if (privileged && !dom0)
        dom0 = d;
    *out = d;
    return 0;
}

/* ---- pausing ---- */

/* A vCPU's state depends on the domain's count, which changed: the scheduler looks again. */
static void reconsider(struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];
        if (!v || v == current_vcpu())
            continue;
        vcpu_pause(v); /* off its CPU when this returns */
        vcpu_unpause(v);
    }
}

void domain_pause(struct domain *d)
{
    __atomic_add_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    reconsider(d);
}

void domain_unpause(struct domain *d)
{
    uint32_t left = __atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    ASSERT(left < UINT32_MAX / 2);
    if (!left)
        reconsider(d);
}

/* Adds n to the controller's share. -EINVAL when that would leave its range. */
static int controller_count(struct domain *d, int n)
{
    uint32_t was = __atomic_load_n(&d->controller_pauses, __ATOMIC_RELAXED);
    do {
        if ((n < 0 && was == 0) || (n > 0 && was >= UINT32_MAX / 4))
            return -EINVAL;
    } while (!__atomic_compare_exchange_n(&d->controller_pauses, &was, was + n, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return 0;
}

int domain_pause_by_controller(struct domain *d)
{
    int rc = controller_count(d, 1);
    if (!rc)
        domain_pause(d);
    return rc;
}

int domain_unpause_by_controller(struct domain *d)
{
    int rc = controller_count(d, -1);
    if (!rc)
        domain_unpause(d);
    return rc;
}

/* ---- shutting down ---- */

static void recheck_all(struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i])
            vcpu_recheck(d->vcpu[i]); /* each leaves its CPU at its next exit */
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    /* The pause first: who sees shutting_down may count on it. */
    __atomic_add_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&d->shutting_down, true, __ATOMIC_SEQ_CST)) {
        if (!__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST))
            recheck_all(d);
        return;
    }
    if (!READ_ONCE(d->code_latched))
        d->shutdown_code = reason;
    if (d == dom0)
        machine_shutdown(d->shutdown_code);
    recheck_all(d);
    __atomic_store_n(&d->is_shut_down, true, __ATOMIC_SEQ_CST);
    virq_send_global(VIRQ_DOM_EXC);
}

void domain_resume(struct domain *d)
{
    if (!READ_ONCE(d->is_shut_down))
        return;
    domain_pause(d); /* all are off their CPUs before the flags change */
    WRITE_ONCE(d->is_shut_down, false);
    WRITE_ONCE(d->code_latched, false);
    __atomic_store_n(&d->shutting_down, false, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST); /* that of the shutdown */
    domain_unpause(d);
}

static void print_regs(const struct vcpu *v, const struct regs *r)
{
    log_error("vcpu %u in %s mode, cr2 %lx", v->id, v->kernel_mode ? "kernel" : "user", v->cr2);
    regs_dump(r);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    char why[200];
    __builtin_va_list ap;
    struct vcpu *v = current_vcpu();

    if (READ_ONCE(d->shutting_down) && (v->d != d || d->shutdown_code == SHUTDOWN_crash)) {
        if (v->d == d)
            vcpu_recheck(v);
        return; /* said already */
    }
    __builtin_va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    __builtin_va_end(ap);
    log_error("Domain %u crashed: %s", d->id, why);
    if (v->d == d)
        print_regs(v, guest_regs());
    else if (d->vcpu[0])
        print_regs(d->vcpu[0], &d->vcpu[0]->regs);
    if (READ_ONCE(d->shutting_down)) /* by another vCPU at this moment: it must not be resumed */
        d->shutdown_code = SHUTDOWN_crash;
    domain_shutdown(d, SHUTDOWN_crash);
    if (v->d == d) /* its frame is not fit to go on with */
        vcpu_recheck(v);
}

/* ---- what tools see ---- */

static void info_of_vcpus(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    info->flags |= XEN_DOMINF_blocked; /* until one is not */
    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];
        uint32_t flags;
        if (!v)
            continue;
        flags = v->flags;
        info->cpu_time += vcpu_cpu_time(v);
        info->max_vcpu_id = i;
        if (flags & VCPU_DOWN)
            continue;
        info->nr_online_vcpus++;
        if (!(flags & (VCPU_BLOCKED | VCPU_POLLING)))
            info->flags &= ~XEN_DOMINF_blocked;
        if (v->running)
            info->flags |= XEN_DOMINF_running;
    }
}

void domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->cpu_time = d->cpu_time_dead;
    info_of_vcpus(d, info);
    if (READ_ONCE(d->dying) == DOM_DEAD)
        info->flags |= XEN_DOMINF_dying;
    if (READ_ONCE(d->is_shut_down))
        info->flags |= XEN_DOMINF_shutdown | (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift;
    if (READ_ONCE(d->controller_pauses))
        info->flags |= XEN_DOMINF_paused;
    info->tot_pages = READ_ONCE(d->tot_pages);
    info->max_pages = READ_ONCE(d->max_pages);
    info->shared_info_frame = d->shared_mfn.v;
    info->gpaddr_bits = 52;
    memcpy(info->handle, d->handle, sizeof(info->handle));
}

/* ---- debug keys ---- */

static void for_all(void (*fn)(struct domain *))
{
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        fn(d);
}

static void dump_domain(struct domain *d)
{
    log_info("d%u: refs %u, pauses %u (controller %u), %s%s, pages %u of %u, shared %u", d->id,
             d->refs, d->pause_count, d->controller_pauses,
             d->dying == DOM_ALIVE ? "alive" : "dying", d->is_shut_down ? ", shut down" : "",
             d->tot_pages, d->max_pages, d->shared_pages);
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = d->vcpu[i];
        if (v)
            log_info("  vcpu %u: cpu %u%s%s%s%s, pending %x, events %u mask %u, rip %lx", i,
                     v->cpu ? v->cpu->id : 0, v->running ? " running" : "",
                     v->flags & VCPU_DOWN ? " down" : "", v->flags & VCPU_BLOCKED ? " blocked" : "",
                     v->flags & VCPU_POLLING ? " polling" : "", v->pending,
                     v->info ? v->info->evtchn_upcall_pending : 0,
                     v->info ? v->info->evtchn_upcall_mask : 0,
                     (unsigned long)(v->running ? 0 : v->regs.rip));
    }
}

static void key_domains(void)
{
    log_info("%lu of %lu pages free", (unsigned long)page_free_count(),
             (unsigned long)page_total_count());
    for_all(dump_domain);
}
static void key_events(void)
{
    for_all(evtchn_dump);
}
static void key_grants(void)
{
    for_all(grant_dump);
}

void domain_add_keys(void)
{
    console_add_key('q', "domains and their vCPUs", key_domains);
    console_add_key('e', "event channels", key_events);
    console_add_key('g', "grant tables", key_grants);
}
