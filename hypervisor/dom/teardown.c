/* SPDX-License-Identifier: MIT
 *
 * The end of a domain (DOMCTL_destroydomain), in steps of which each can be repeated and goes on
 * where it stopped; the hypercall is continued until all are done. LOCK_DOMAIN keeps two callers
 * apart: the second just tries again.
 *
 * The order matters: nothing runs (pause); nobody can reach it (events); it lets go of others'
 * frames (grants), lines and its own tables (vCPUs); then its memory goes, frame by frame as the
 * last foreign mapping does. The domain is then dead and no longer listed. The struct, its grant
 * table and shared pages stay until the last reference: whoever still maps a frame by grant holds
 * one.
 */
#include "comms/evtchn.h"
#include "comms/grant.h"
#include "dev/dev.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "dom/watchdog.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/tlb.h"
#include "pv/pv.h"
#include "x86/percpu.h"

enum step {
    STEP_EVENTS,
    STEP_GRANTS,
    STEP_LINES,
    STEP_VCPUS,
    STEP_PAGES = STEP_VCPUS + MAX_VCPUS,
    STEP_DONE,
};

/* One step: 0 done, -ERESTART more of the same. */
static int do_step(struct domain *d, unsigned step)
{
    struct vcpu *v;

    switch (step) {
    case STEP_EVENTS:
        watchdog_stop_all(d);
        return evtchn_destroy(d);
    case STEP_GRANTS:
        tlb_flush_domain(d); /* its stale mappings of others' frames */
        return grant_table_release_maps(d);
    case STEP_LINES:
        return physdev_destroy(d);
    case STEP_PAGES:
        return domain_pages_release_all(d);
    default:
        v = step - STEP_VCPUS < d->max_vcpus ? d->vcpu[step - STEP_VCPUS] : NULL;
        if (v)
            vcpu_drop_references(v);
        return 0;
    }
}

/* LOCK_DOMAIN held. */
static int run_steps(struct domain *d)
{
    for (int n = 0; d->teardown_step < STEP_DONE; d->teardown_step++) {
        bool vcpu_step = d->teardown_step >= STEP_VCPUS && d->teardown_step < STEP_PAGES;
        int rc;
        if (vcpu_step && d->teardown_step - STEP_VCPUS >= d->max_vcpus)
            continue;
        if (n++ >= 8) /* enough for one entry */
            return -ERESTART;
        rc = do_step(d, d->teardown_step);
        if (rc)
            return rc;
    }
    return 0;
}

int domain_destroy(struct domain *d)
{
    bool last;
    int rc;

    if (d == dom0 || d->is_idle || d == current_vcpu()->d)
        return -EINVAL;
    if (!spin_trylock(&d->lock))
        return -ERESTART;
    if (d->dying == DOM_ALIVE) {
        __atomic_store_n(&d->dying, DOM_DYING, __ATOMIC_SEQ_CST);
        spin_unlock(&d->lock); /* a vCPU may be about to take it; waiting for it would never end */
        domain_pause(d);
        __atomic_store_n(&d->stopped_for_good, true, __ATOMIC_RELEASE);
        return -ERESTART;
    }
    if (!__atomic_load_n(&d->stopped_for_good, __ATOMIC_ACQUIRE)) {
        spin_unlock(&d->lock); /* another CPU is in the middle of that */
        return -ERESTART;
    }
    if (d->dying == DOM_DEAD) {
        spin_unlock(&d->lock);
        return 0;
    }
    rc = run_steps(d);
    last = !rc;
    if (last)
        d->dying = DOM_DEAD;
    spin_unlock(&d->lock);
    if (last) {
        bool listed = domain_unlist(d);
        virq_send_global(VIRQ_DOM_EXC);
        if (listed)
            domain_put(d); /* the list's; the caller holds another */
    }
    return rc;
}

/* The parts that are freed with the last reference; also of a domain that was only half made. */
static void free_parts(struct domain *d)
{
    if (d->dying == DOM_ALIVE && d->pirqs)
        physdev_destroy(d); /* half-made; else a step did it */
    evtchn_free(d);
    grant_table_free(d);
    for (unsigned i = 0; d->vcpu && i < d->max_vcpus; i++)
        if (d->vcpu[i])
            vcpu_destroy(d->vcpu[i]);
    if (d->perdomain_l3)
        perdomain_free(d);
    if (d->shared)
        frame_unshare(d->shared);
    hv_free(d->watchdogs);
    hv_free(d->cpu_policy);
    hv_free(d->e820);
    hv_free(d->vcpu);
}

/* Twice: a shared frame that somebody still maps outlives the parts and holds the struct, as its
 * owner, until it goes. */
void domain_free(struct domain *d)
{
    ASSERT(!d->refs && !d->tot_pages);
    if (d->parts_freed) {
        hv_free(d);
        return;
    }
    d->parts_freed = true;
    d->refs = 1;
    free_parts(d);
    domain_put(d);
}
