/* SPDX-License-Identifier: MIT
 *
 * vCPUs: creation, the whole context that tools and VCPUOP_initialise load, and the end. See
 * dom/vcpu.h for states and locks.
 */
#include <xen/xen.h>
#include <xen/callback.h>
#include "lib/lib.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/irq.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "comms/evtchn.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "dom/domain.h"
#include "dom/sched.h"
#include "dom/timer.h"
#include "dom/vcpu.h"
#include "pv/pv.h"

#define LEGACY_VCPUS 32u /* with a vcpu_info in the shared_info page */

static void timer_virq(struct vcpu *v)
{
    virq_send_vcpu(v, VIRQ_TIMER);
}

static void singleshot_fired(void *data)
{
    timer_virq(data);
}

static void periodic_fired(void *data)
{
    struct vcpu *v = data;

    timer_virq(v);
    if (v->period)
        timer_set(&v->periodic, now() + v->period);
}

/* Where events go for vCPUs past LEGACY_VCPUS until they register: a page nobody looks at, always
 * masked. */
static struct vcpu_info *dummy_info(void)
{
    static struct vcpu_info *info;

    if (!info) {
        info = hv_page_alloc();
        if (info)
            info->evtchn_upcall_mask = 1;
    }
    return info;
}

struct vcpu *vcpu_create(struct domain *d, unsigned id)
{
    struct vcpu *v = hv_alloc(sizeof(*v));

    if (!v)
        return NULL;
    v->id = id;
    v->d = d;
    v->info = id < LEGACY_VCPUS ? (struct vcpu_info *)&d->shared->vcpu_info[id] : dummy_info();
    v->info_mfn = v->kernel_l4 = v->user_l4 = MFN_NONE;
    v->flags = VCPU_DOWN;
    v->debugreg[6] = 0xffff0ff0ul;
    v->debugreg[7] = 0x400ul;
    v->xcr0 = 1;
    memset(v->affinity_hard, 0xff, sizeof(v->affinity_hard));
    memset(v->affinity_soft, 0xff, sizeof(v->affinity_soft));
    timer_init(&v->singleshot, singleshot_fired, v);
    timer_init(&v->periodic, periodic_fired, v);
    timer_init(&v->poll_timer, sched_poll_timeout, v);
    v->fpu = fpu_area_alloc();
    if (!v->fpu || !v->info || perdomain_init_vcpu(v)) {
        fpu_area_free(v->fpu);
        hv_free(v);
        return NULL;
    }
    sched_add_vcpu(v);
    time_update_vcpu(v);
    d->vcpu[id] = v;
    return v;
}

struct vcpu *vcpu_create_idle(void)
{
    struct vcpu *v = hv_alloc(sizeof(*v));

    if (!v)
        return NULL;
    v->id = this_cpu()->id;
    v->d = idle_domain;
    v->is_idle = true;
    v->info = dummy_info();
    v->info_mfn = v->kernel_l4 = v->user_l4 = MFN_NONE;
    v->debugreg[7] = 0x400ul;
    v->running = true;
    v->cpu = this_cpu();
    sched_add_vcpu(v);
    return v;
}

void vcpu_destroy(struct vcpu *v)
{
    timer_end(&v->singleshot);
    timer_end(&v->periodic);
    timer_end(&v->poll_timer);
    sched_remove_vcpu(v);
    fpu_area_free(v->fpu);
    v->d->vcpu[v->id] = NULL;
    hv_free(v);
}

void vcpu_drop_references(struct vcpu *v)
{
    v->period = 0;
    timer_stop(&v->singleshot);
    timer_stop(&v->periodic);
    timer_stop(&v->poll_timer);
    vcpu_drop_ldt_frames(v);
    v->ldt_entries = 0;
    vcpu_put_gdt(v);
    vcpu_put_page_tables(v);
    if (!mfn_eq(v->info_mfn, MFN_NONE)) {
        mfn_t m = v->info_mfn;

        v->info = dummy_info();
        v->info_mfn = MFN_NONE;
        frame_put_and_type(frame_of(m));
    }
    v->initialised = false;
}

static bool addresses_canonical(const struct vcpu_guest_context *ctx)
{
    const uint64_t a[] = {ctx->user_regs.rip,       ctx->user_regs.rsp,
                          ctx->kernel_sp,           ctx->fs_base,
                          ctx->gs_base_kernel,      ctx->gs_base_user,
                          ctx->event_callback_eip,  ctx->failsafe_callback_eip,
                          ctx->syscall_callback_eip};

    for (unsigned i = 0; i < ARRAY_SIZE(a); i++)
        if (!va_is_canonical(a[i]))
            return false;
    for (unsigned i = 0; i < 256; i++)
        if (!va_is_canonical(ctx->trap_ctxt[i].address))
            return false;
    return true;
}

static int check_context(const struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    if (!addresses_canonical(ctx) || (ctx->ldt_base & ~PAGE_MASK) || ctx->ldt_ents > 8192 ||
        ctx->gdt_ents > GDT_GUEST_ENTRIES)
        return -EINVAL;
    if (v->id == 0 && (ctx->vm_assist & ~VM_ASSIST_VALID))
        return -EINVAL;
    if (!(ctx->flags & VGCF_in_kernel) && !ctx->ctrlreg[1]) /* CR3 would be nothing */
        return -EINVAL;
    if (!v->initialised)
        return 0;
    /* A vCPU that has lived keeps its tables; changing them is the guest's own business. */
    if (pte_mfn(ctx->ctrlreg[3]).v != v->kernel_l4.v ||
        (ctx->ctrlreg[1] ? !mfn_eq(pte_mfn(ctx->ctrlreg[1]), v->user_l4)
                         : !mfn_eq(v->user_l4, MFN_NONE)) ||
        ctx->gdt_ents != v->gdt_entries || ctx->ldt_ents != v->ldt_entries ||
        (ctx->ldt_ents && ctx->ldt_base != v->ldt_base))
        return -EOPNOTSUPP;
    return 0;
}

/* -ERESTART: what is validated of a table so far is kept with it, for the next try. */
static int take_references(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    long budget = pt_budget;
    int err = vcpu_set_gdt(v, (const uint64_t *)ctx->gdt_frames, (unsigned)ctx->gdt_ents);

    if (!err)
        err = vcpu_set_kernel_l4_within(v, maddr_to_mfn(ctx->ctrlreg[3]), &budget);
    if (!err && ctx->ctrlreg[1])
        err = vcpu_set_user_l4_within(v, maddr_to_mfn(ctx->ctrlreg[1]), &budget);
    if (!err)
        err = vcpu_set_ldt(v, ctx->ldt_base, (unsigned)ctx->ldt_ents);
    if (err) {
        vcpu_put_page_tables(v);
        vcpu_put_gdt(v);
    }
    return err;
}

static void load_regs(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    const struct cpu_user_regs *u = &ctx->user_regs;

    memcpy(&v->regs, u, offsetof(struct regs, cs));
    v->regs.vector = v->regs.error_code = 0;
    v->regs.cs = (u->cs & 0xffffu) | 3;
    v->regs.ss = (u->ss & 0xffffu) | 3;
    v->regs.rsp = u->rsp;
    v->regs.rflags = (u->rflags & RFLAGS_OF_GUEST & ~RFLAGS_NT) | RFLAGS_IF | RFLAGS_ONE;
    v->iopl = (uint8_t)((u->rflags & RFLAGS_IOPL) >> 12);
    v->ds = u->ds;
    v->es = u->es;
    v->fs = u->fs;
    v->gs = u->gs;
}

int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    int err = check_context(v, ctx);

    if (!err && !v->initialised)
        err = take_references(v, ctx);
    if (err)
        return err;
    /* commit */
    load_regs(v, ctx);
    v->kernel_mode = ctx->flags & VGCF_in_kernel;
    memcpy(v->traps, ctx->trap_ctxt, sizeof(v->traps));
    v->kernel_ss = ctx->kernel_ss | 3;
    v->kernel_sp = ctx->kernel_sp;
    v->event_cb = ctx->event_callback_eip;
    v->failsafe_cb = ctx->failsafe_callback_eip;
    v->syscall_cb = ctx->syscall_callback_eip;
    v->cb_masks_events =
        (ctx->flags & VGCF_failsafe_disables_events ? 1u << CALLBACKTYPE_failsafe : 0) |
        (ctx->flags & VGCF_syscall_disables_events ? 1u << CALLBACKTYPE_syscall : 0);
    v->fs_base = ctx->fs_base;
    v->gs_base_kernel = ctx->gs_base_kernel;
    v->gs_base_user = ctx->gs_base_user;
    v->cr0_ts = ctx->ctrlreg[0] & CR0_TS;
    v->cr4 = ctx->ctrlreg[4] & guest_cr4_bits(v->d);
    for (unsigned i = 0; i < 8; i++)
        if (i != 4 && i != 5 && vcpu_write_debugreg(v, i, ctx->debugreg[i]))
            (void)vcpu_write_debugreg(v, i, 0); /* one that is refused is clear */
    if (v->id == 0)
        v->d->vm_assist = ctx->vm_assist;
    if (ctx->flags & VGCF_i387_valid)
        fpu_set_legacy(v, &ctx->fpu_ctxt);
    __atomic_store_n(&v->initialised, true, __ATOMIC_RELEASE); /* VCPUOP_up takes no lock */
    return 0;
}

void vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *ctx)
{
    struct cpu_user_regs *u = &ctx->user_regs;

    memset(ctx, 0, sizeof(*ctx));
    memcpy(u, &v->regs, offsetof(struct regs, cs));
    u->cs = (uint16_t)v->regs.cs;
    u->ss = (uint16_t)v->regs.ss;
    u->rsp = v->regs.rsp;
    u->rflags = v->regs.rflags | (uint64_t)v->iopl << 12;
    u->saved_upcall_mask = v->info->evtchn_upcall_mask;
    u->ds = v->ds;
    u->es = v->es;
    u->fs = v->fs;
    u->gs = v->gs;
    ctx->flags =
        (v->kernel_mode ? VGCF_in_kernel : 0u) | (v->flags & VCPU_DOWN ? 0u : VGCF_online) |
        VGCF_i387_valid |
        (v->cb_masks_events & (1u << CALLBACKTYPE_failsafe) ? VGCF_failsafe_disables_events : 0u) |
        (v->cb_masks_events & (1u << CALLBACKTYPE_syscall) ? VGCF_syscall_disables_events : 0u);
    fpu_get_legacy(v, &ctx->fpu_ctxt);
    memcpy(ctx->trap_ctxt, v->traps, sizeof(v->traps));
    ctx->ldt_base = v->ldt_base;
    ctx->ldt_ents = v->ldt_entries;
    memcpy(ctx->gdt_frames, v->gdt_frames, v->nr_gdt_frames * sizeof(v->gdt_frames[0]));
    ctx->gdt_ents = v->gdt_entries;
    ctx->kernel_ss = v->kernel_ss;
    ctx->kernel_sp = v->kernel_sp;
    ctx->ctrlreg[0] = v->cr0_ts;
    ctx->ctrlreg[3] = mfn_eq(v->kernel_l4, MFN_NONE) ? 0 : mfn_to_maddr(v->kernel_l4);
    ctx->ctrlreg[1] = mfn_eq(v->user_l4, MFN_NONE) ? 0 : mfn_to_maddr(v->user_l4);
    ctx->ctrlreg[4] = v->cr4;
    memcpy(ctx->debugreg, v->debugreg, sizeof(v->debugreg));
    ctx->event_callback_eip = v->event_cb;
    ctx->failsafe_callback_eip = v->failsafe_cb;
    ctx->syscall_callback_eip = v->syscall_cb;
    ctx->vm_assist = v->id == 0 ? v->d->vm_assist : 0;
    ctx->fs_base = v->fs_base;
    ctx->gs_base_kernel = v->gs_base_kernel;
    ctx->gs_base_user = v->gs_base_user;
}
