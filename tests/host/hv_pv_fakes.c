/* SPDX-License-Identifier: MIT
 *
 * What pv/ and dom/vcpu.c call in rooms that tests of them do not link: counted in `seen`, or
 * nothing.
 */
#include "hv_pv_fakes.h"
#include <stdlib.h>
#include "pretend.h"
#include "comms/evtchn.h"
#include "dev/console.h"
#include "dom/runstate.h"
#include "dom/sched.h"
#include "mm/page_alloc.h"
#include "pv/hypercall_page.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/init.h"
#include "x86/irq.h"
#include "x86/time.h"

struct pv_seen seen;
struct cpu_features cpu = {
    .nx = true, .phys_bits = 40, .amd = true, .rdtscp = true, .xsave = true, .host_xcr0 = 7};
bool cpu_fsgsbase;

uint32_t guest_port_in(struct vcpu *v, uint16_t port, unsigned bytes)
{
    (void)v;
    seen.ins++;
    seen.port = port;
    seen.bytes = bytes;
    return 0x11223344;
}
void guest_port_out(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t val)
{
    (void)v;
    seen.outs++;
    seen.port = port;
    seen.bytes = bytes;
    seen.val = val;
}
void guest_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, bool forced, uint32_t out[4])
{
    (void)v;
    out[0] = leaf + 1;
    out[1] = sub + 1;
    out[2] = forced;
    out[3] = 4;
}
bool guest_has_feature(const struct domain *d, unsigned leaf, unsigned reg, unsigned bit)
{
    (void)d, (void)leaf, (void)reg, (void)bit;
    return false;
}
void cpu_load_guest_cr4(const struct vcpu *v)
{
    (void)v;
}
void *fpu_area_alloc(void)
{
    return hv_page_alloc();
}
void fpu_area_free(void *area)
{
    hv_page_free(area);
}
void fpu_set_legacy(struct vcpu *v, const void *fxsave)
{
    (void)v, (void)fxsave;
}
void fpu_get_legacy(struct vcpu *v, void *fxsave)
{
    (void)v, (void)fxsave;
}
int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0)
{
    v->xcr0 = xcr0;
    return xcr0 & 1 ? 0 : -EINVAL;
}
int hypercall_page_write(struct domain *d, mfn_t m)
{
    (void)d, (void)m;
    return 0;
}
void virq_send_vcpu(struct vcpu *v, unsigned virq)
{
    (void)v, (void)virq;
}
void evtchn_vcpu_info_moved(struct vcpu *v)
{
    v->info->evtchn_pending_sel = ~0ul;
    v->info->evtchn_upcall_pending = 1;
}
void time_update_vcpu(struct vcpu *v)
{
    (void)v;
}
void time_update_secondary(struct vcpu *v)
{
    (void)v;
}
void runstate_write_guest(struct vcpu *v)
{
    (void)v;
}
void sched_add_vcpu(struct vcpu *v)
{
    v->cpu = this_cpu();
}
void sched_remove_vcpu(struct vcpu *v)
{
    (void)v;
}
void sched_poll_timeout(void *v)
{
    (void)v;
}
void vcpu_recheck(struct vcpu *v)
{
    (void)v;
}
void schedule(void)
{
    abort();
}
void console_softirq(void)
{
}
void apic_arm_timer(nsec_t deadline)
{
    (void)deadline;
}
void domain_shutdown(struct domain *d, uint8_t reason)
{
    (void)d, (void)reason;
    seen.shutdowns++;
}
int load_ds(unsigned sel)
{
    (void)sel;
    return 0;
}
int load_es(unsigned sel)
{
    (void)sel;
    return 0;
}
int load_fs(unsigned sel)
{
    (void)sel;
    return 0;
}
int load_gs(unsigned sel)
{
    (void)sel;
    return 0;
}

void pv_domain_end(struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        d->vcpu[i]->kernel_l4 = d->vcpu[i]->user_l4 = MFN_NONE;
        vcpu_put_gdt(d->vcpu[i]);
        vcpu_drop_ldt_frames(d->vcpu[i]);
    }
    perdomain_free(d);
    d->perdomain_l3 = hv_page_alloc(); /* pretend_domain_destroy() frees one */
    pretend_domain_destroy(d);
}
