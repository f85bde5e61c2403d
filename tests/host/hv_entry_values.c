/* SPDX-License-Identifier: MIT
 *
 * Values that a guest hands in and that real hardware answers with a fault in ring 0, or with a
 * stale translation, where QEMU's TCG does nothing (docs/untested-here.md): bases and addresses
 * that are not canonical, by every door; whatever else of an MSR; global page-table entries; CPUID
 * that faults. Each is shown to stop at the hypervisor's own check: nothing has reached the pretend
 * CPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <xen/callback.h>
#include <xen/nmi.h>
#include <xen/vcpu.h>
#include "pretend.h"
#include "hv_pv_fakes.h"
#include "mm/frame.h"
#include "mm/guest_copy.h"
#include "mm/memory.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "pv/guest_entry.h"
#include "pv/pv.h"
#include "x86/cpu.h"

#define HANDLER 0xffffffff81000000ul
#define GOOD    0x00007f0000001000ul

static const uint64_t not_canonical[] = {
    0x0000800000000000, 0x0000800000000001, 0x0000ffffffffffff, 0x0001000000000000,
    0x7fffffffffffffff, 0x8000000000000000, 0x8000000000001000, 0xdeadbeefdeadbeef,
    0xfffeffffffffffff, 0xffff000000000000, 0xffff7fffffffffff,
};

static struct domain *d;
static struct vcpu *v;
static struct regs *r;
static uint8_t code[64];
static uint64_t stack_mem[512] __attribute__((aligned(4096)));

static int boot(void **state)
{
    (void)state;
    pretend_boot();
    return 0;
}

static int setup(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    memset(&pretend, 0, sizeof(pretend));
    pretend_crashes = 0;
    d = pretend_domain(1, false, 1000, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(perdomain_init_vcpu(d->vcpu[i]), 0);
    v = d->vcpu[0];
    pretend_run(v);
    v->initialised = true;
    v->debugreg[6] = 0xffff0ff0;
    v->debugreg[7] = 0x400;
    for (unsigned i = 0; i < 256; i++)
        v->traps[i] = (struct trap_info){.address = HANDLER + i};
    r = guest_regs();
    *r = (struct regs){.rip = (uint64_t)code,
                       .cs = SEL_GUEST_CS64,
                       .ss = SEL_GUEST_DS,
                       .rsp = (uint64_t)&stack_mem[256],
                       .rflags = 0x246};
    pretend.fs_base = pretend.gs_base = pretend.gs_base_inactive = GOOD;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pv_domain_end(d);
    return 0;
}

static void assert_cpu_untouched(void)
{
    assert_int_equal(pretend.fs_base, GOOD);
    assert_int_equal(pretend.gs_base, GOOD);
    assert_int_equal(pretend.gs_base_inactive, GOOD);
    assert_int_equal(pretend.wrmsrs, 0);
    assert_int_equal(pretend.swapgs, 0);
}

static bool execute(const char *bytes, size_t n)
{
    memcpy(code, bytes, n);
    r->rip = (uint64_t)code;
    return privop_emulate_gp(v, r);
}
#define EXECUTE(bytes) execute(bytes, sizeof(bytes) - 1)

/* ---- bases ---- */

static const uint32_t base_msrs[] = {MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE};

static void bases_by_wrmsr(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(not_canonical); i++)
        for (unsigned m = 0; m < ARRAY_SIZE(base_msrs); m++) {
            assert_int_equal(guest_wrmsr(v, base_msrs[m], not_canonical[i]), -EPERM);
            r->rcx = base_msrs[m];
            r->rax = (uint32_t)not_canonical[i];
            r->rdx = not_canonical[i] >> 32;
            assert_false(EXECUTE("\x0f\x30")); /* the guest's #GP, at the instruction */
            assert_int_equal(r->rip, (uint64_t)code);
            assert_cpu_untouched();
        }
    /* the check is not a refusal of everything */
    for (unsigned m = 0; m < ARRAY_SIZE(base_msrs); m++)
        assert_int_equal(guest_wrmsr(v, base_msrs[m], 0xffff880000000000 + m), 0);
    assert_int_equal(pretend.fs_base, 0xffff880000000000);
    assert_int_equal(pretend.gs_base, 0xffff880000000001);
    assert_int_equal(pretend.gs_base_inactive, 0xffff880000000002);
}

static void bases_by_hypercall(void **state)
{
    struct hcall c;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(not_canonical); i++)
        for (unsigned which = 0; which < 3; which++) {
            c = pretend_hcall(v, which, not_canonical[i], 0, 0, 0);
            assert_int_equal(do_set_segment_base(&c, NULL), -EINVAL);
            assert_cpu_untouched();
        }
    c = pretend_hcall(v, 4, GOOD + 1, 0, 0, 0);
    assert_int_equal(do_set_segment_base(&c, NULL), -EINVAL);
    c = pretend_hcall(v, 1ul << 31, GOOD + 1, 0, 0, 0);
    assert_int_equal(do_set_segment_base(&c, NULL), -EINVAL);
    assert_cpu_untouched();
    for (unsigned which = 0; which < 3; which++) {
        c = pretend_hcall(v, which, GOOD + which, 0, 0, 0);
        assert_int_equal(do_set_segment_base(&c, NULL), 0);
    }
    assert_int_equal(pretend.gs_base_inactive, GOOD + 1);
    assert_int_equal(pretend.gs_base, GOOD + 2);
}

/* ---- contexts: everything that a later switch loads into the CPU ---- */

static mfn_t new_page(void)
{
    return domain_page_alloc(d, 0, 0);
}

static struct vcpu_guest_context ctx;

static void good_context(mfn_t l4)
{
    memset(&ctx, 0, sizeof(ctx));
    ctx.flags = VGCF_in_kernel;
    ctx.user_regs.rip = HANDLER;
    ctx.ctrlreg[3] = mfn_to_maddr(l4);
}

static uint64_t *address_of_context(unsigned n)
{
    uint64_t *const addresses[] = {
        (uint64_t *)&ctx.user_regs.rip,
        (uint64_t *)&ctx.user_regs.rsp,
        (uint64_t *)&ctx.kernel_sp,
        (uint64_t *)&ctx.fs_base,
        (uint64_t *)&ctx.gs_base_kernel,
        (uint64_t *)&ctx.gs_base_user,
        (uint64_t *)&ctx.event_callback_eip,
        (uint64_t *)&ctx.failsafe_callback_eip,
        (uint64_t *)&ctx.syscall_callback_eip,
        (uint64_t *)&ctx.trap_ctxt[0].address,
        (uint64_t *)&ctx.trap_ctxt[255].address,
    };

    return n < ARRAY_SIZE(addresses) ? addresses[n] : NULL;
}

static void contexts(void **state)
{
    struct vcpu *o = d->vcpu[1], before;
    mfn_t l4 = new_page();
    struct hcall c = pretend_hcall(v, VCPUOP_initialise, 1, (uint64_t)&ctx, 0, 0);

    (void)state;
    o->initialised = false;
    before = *o;
    for (unsigned n = 0; address_of_context(n); n++)
        for (unsigned i = 0; i < ARRAY_SIZE(not_canonical); i++) {
            good_context(l4);
            *address_of_context(n) = not_canonical[i];
            assert_int_equal(vcpuop_initialise(&c, NULL), -EINVAL);
            assert_memory_equal(o, &before, sizeof(before));
        }
    assert_int_equal(frame_type_now(frame_of(l4)), FRAME_NONE);
    good_context(l4);
    ctx.user_regs.rflags = ~0ul;
    ctx.user_regs.entry_vector = ENTRY_SYSCALL; /* would be a way to choose SYSRET */
    assert_int_equal(vcpuop_initialise(&c, NULL), 0);
    assert_int_not_equal(o->regs.vector, ENTRY_SYSCALL);
    assert_int_equal(o->regs.rflags & (RFLAGS_IOPL | RFLAGS_VM | RFLAGS_NT), 0);
    vcpu_drop_references(o);
    assert_cpu_untouched();
}

/* ---- where the guest wants to be called: a bounce leaves by SYSRET ---- */

static void callbacks(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(not_canonical); i++) {
        uint64_t bad = not_canonical[i];
        struct callback_register reg = {.address = bad};
        struct trap_info t[2] = {{.vector = 6, .address = bad}, {0}};
        struct xennmi_callback nmi = {.handler_address = bad};
        struct hcall c = pretend_hcall(v, 0, 0, 0, 0, 0);

        for (reg.type = 0; reg.type < 10; reg.type++)
            assert_true(callbackop_register(&c, &reg) < 0);
        for (unsigned n = 0; n < 3; n++) {
            c = pretend_hcall(v, n == 0 ? bad : HANDLER, n == 1 ? bad : HANDLER,
                              n == 2 ? bad : HANDLER, 0, 0);
            assert_int_equal(do_set_callbacks(&c, NULL), -EINVAL);
        }
        c = pretend_hcall(v, (uint64_t)t, 0, 0, 0, 0);
        assert_int_equal(do_set_trap_table(&c, NULL), -EINVAL);
        c = pretend_hcall(v, XENNMI_register_callback, (uint64_t)&nmi, 0, 0, 0);
        assert_int_equal(do_nmi_op(&c, NULL), -EINVAL);
        /* and were one there in spite of all: no SYSRET to it, the domain's end */
        v->traps[6].address = bad;
        guest_deliver(v, r, 6, false, 0);
        assert_int_equal(pretend_crashes, i + 1);
        assert_int_not_equal(r->rip, bad);
        v->traps[6].address = HANDLER;
    }
    assert_int_equal(
        v->event_cb | v->failsafe_cb | v->syscall_cb | v->syscall32_cb | v->sysenter_cb, 0);
}

/* IRET with VGCF_in_syscall asks for SYSRET. The frame keeps the address as it is, and x86/entry.S
 * takes IRETQ for it (hv_entry.c). */
static void iret_in_syscall(void **state)
{
    struct hcall c = pretend_hcall(v, 0, 0, 0, 0, 0);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(not_canonical); i++) {
        const uint64_t frame[9] = {1, 2, 3, 0x100, not_canonical[i], 0xe030, ~0ul, GOOD, 0xe028};

        r->rsp = (uint64_t)stack_mem;
        memcpy(stack_mem, frame, sizeof(frame));
        do_iret(&c, NULL);
        assert_int_equal(r->rip, not_canonical[i]);
        assert_int_equal(r->cs, SEL_GUEST_CS64);
        assert_int_equal(r->ss, SEL_GUEST_DS);
        assert_int_equal(r->rflags & (RFLAGS_IOPL | RFLAGS_VM), 0);
        assert_true(r->rflags & RFLAGS_IF);
    }
}

/* ---- other MSRs, debug registers ---- */

static uint64_t next_random(void)
{
    static uint64_t x = 88172645463325252ull;

    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

/* Whatever number and value: of what a guest writes only bases and TSC_AUX come to the CPU. */
static void msrs(void **state)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {{0, 0x2000},
                  {0x40000000, 0x40000400},
                  {0xc0000000, 0xc0002000},
                  {0xc0010000, 0xc0012000},
                  {0xfffffff0, 0xffffffff}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
        for (uint32_t m = ranges[i].from; m < ranges[i].to; m++) {
            const uint64_t values[] = {0, 1, ~0ull, 1ull << 63, 0xffffffff, next_random()};

            for (unsigned n = 0; n < ARRAY_SIZE(values); n++) {
                bool base = m == MSR_FS_BASE || m == MSR_GS_BASE || m == MSR_KERNEL_GS_BASE;
                uint64_t got;

                pretend.wrmsrs = 0;
                (void)guest_rdmsr(v, m, &got);
                if (guest_wrmsr(v, m, values[n]) || (m != MSR_TSC_AUX && !base))
                    assert_int_equal(pretend.wrmsrs, 0);
                if (pretend.wrmsrs) {
                    assert_int_equal(pretend.msr, MSR_TSC_AUX);
                    assert_int_equal(pretend.msr_value >> 32, 0); /* #GP in ring 0 */
                }
            }
            assert_true(va_is_canonical(pretend.fs_base));
            assert_true(va_is_canonical(pretend.gs_base));
            assert_true(va_is_canonical(pretend.gs_base_inactive));
        }
    assert_int_equal(v->tsc_aux, 0xffffffff);
}

static void breakpoints(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        for (unsigned i = 0; i < ARRAY_SIZE(not_canonical); i++)
            assert_int_equal(vcpu_write_debugreg(v, n, not_canonical[i]), -EPERM);
        assert_int_equal(vcpu_write_debugreg(v, n, HV_VIRT_START), -EPERM);
        assert_int_equal(vcpu_write_debugreg(v, n, HV_VIRT_END - 1), -EPERM);
        assert_int_equal(v->debugreg[n], 0);
    }
    assert_int_equal(vcpu_write_debugreg(v, 7, 1ull << 32), -EINVAL);
    assert_int_equal(vcpu_write_debugreg(v, 7, 0x2000), -EPERM);
}

/* ---- global entries ---- */

#define RW (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)

static long mmu(uint64_t ptr, uint64_t val)
{
    struct mmu_update u = {ptr, val};
    struct hcall c = pretend_hcall(v, (uint64_t)&u, 1, 0, DOMID_SELF, 0);

    return do_mmu_update(&c, NULL);
}

static long pin(unsigned cmd, mfn_t m)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = m.v};
    struct hcall c = pretend_hcall(v, (uint64_t)&op, 1, 0, DOMID_SELF, 0);

    return do_mmuext_op(&c, NULL);
}

/* No entry that a guest makes is global: MOV CR3 forgets them all. */
static void no_global_entries(void **state)
{
    mfn_t l1 = new_page(), l2 = new_page(), page = new_page(), other = new_page();
    uint64_t *e = mfn_to_va(l1), at = mfn_to_maddr(l1);

    (void)state;
    e[0] = pte_make(page, RW | PTE_G);
    e[511] = pte_make(page, (RW & ~PTE_RW) | PTE_G);
    assert_int_equal(pin(MMUEXT_PIN_L1_TABLE, l1), 0); /* validated as a whole */
    assert_int_equal(e[0], pte_make(page, RW));
    assert_int_equal(e[511] & PTE_G, 0);
    for (unsigned mode = 0; mode < 4; mode++) {
        if (mode == MMU_MACHPHYS_UPDATE)
            continue;
        assert_int_equal(mmu((at + 8) | mode, pte_make(page, RW | PTE_G)), 0); /* new */
        assert_int_equal(e[1] & PTE_G, 0);
        assert_int_equal(mmu((at + 8) | mode, pte_make(page, RW | PTE_G | PTE_AVAIL)),
                         0); /* bits */
        assert_int_equal(e[1] & (PTE_G | PTE_AVAIL), PTE_AVAIL);
        assert_int_equal(mmu((at + 8) | mode, pte_make(page, PTE_P | PTE_US | PTE_G)), 0); /* use */
        assert_int_equal(e[1] & PTE_G, 0);
        assert_int_equal(mmu((at + 8) | mode, pte_make(other, RW | PTE_G)), 0); /* frame */
        assert_int_equal(e[1] & PTE_G, 0);
        assert_int_equal(mmu(at + 8, 0), 0);
    }
    for (unsigned level = 2; level <= 4; level++) {
        uint64_t *t = mfn_to_va(l2);

        t[0] = pte_make(l1, RW | PTE_G);
        assert_int_equal(pin(MMUEXT_PIN_L1_TABLE + level - 1, l2), -EINVAL);
    }
    assert_int_equal(pin(MMUEXT_UNPIN_TABLE, l1), 0);
}

/* Nor is one of a vCPU's descriptor window, which another domain has at the same address. */
static void no_global_windows(void **state)
{
    mfn_t frames[2] = {new_page(), new_page()};
    uint64_t mfns[2] = {frames[0].v, frames[1].v};

    (void)state;
    assert_int_equal(vcpu_set_gdt(v, mfns, 1024), 0);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(v->gdt_window[i] & PTE_G, 0);
    assert_int_equal(pte_mfn(v->gdt_window[1]).v, frames[1].v);
}

/* ---- CPUID faulting ---- */

/* Where CPUID faults, the #GP is answered from the policy, in both halves of the guest. */
static void cpuid_that_faults(void **state)
{
    (void)state;
    for (unsigned user = 0; user < 2; user++) {
        v->kernel_mode = !user;
        r->rax = 0xffffffff00000007;
        r->rcx = 0xffffffff00000001;
        assert_true(EXECUTE("\x0f\xa2"));
        assert_int_equal(r->rip, (uint64_t)code + 2);
        assert_int_equal(r->rax, 8); /* the fake policy's: leaf + 1, sub-leaf + 1, forced */
        assert_int_equal(r->rbx, 2);
        assert_int_equal(r->rcx, 0);
        assert_int_equal(r->rdx, 4);
        r->rflags |= RFLAGS_TF;
        v->pending = 0;
        assert_true(EXECUTE("\x0f\xa2"));
        assert_int_equal(v->pending, PEND_TRAP);
        r->rflags &= ~RFLAGS_TF;
    }
    v->kernel_mode = true;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(bases_by_wrmsr),    T(bases_by_hypercall), T(contexts),
        T(callbacks),         T(iret_in_syscall),    T(msrs),
        T(breakpoints),       T(no_global_entries),  T(no_global_windows),
        T(cpuid_that_faults),
    };

    return cmocka_run_group_tests(tests, boot, NULL);
}
