/* SPDX-License-Identifier: MIT
 *
 * hypervisor/x86/traps.c on the pretend machine: what becomes of an exception that a guest, or the
 * hypervisor on its way into one, has taken. TCG says INT n with 16 n + 2 in the error code of the
 * #GP, real CPUs with 8 n + 2, so test kernels cannot show that the right handler is found; nor
 * does TCG's IRET fault for an address (docs/untested-here.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "pretend.h"
#include "hv_pv_fakes.h"
#include "mm/page_alloc.h"
#include "pv/guest_entry.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/init.h"
#include "x86/traps.h"

#define HANDLER 0xffffffff81000000ul

/* What x86/entry.S and x86/copy.S would define. */
char guest_iret[1];
static char faulting[1], mended[1];
__asm__(".data\n"
        ".globl ex_table_start, ex_table_end\n"
        ".balign 8\n"
        "ex_table_start: .skip 8\n"
        "ex_table_end:\n"
        ".text\n");
static jmp_buf out;

void exit_to_guest(void)
{
    longjmp(out, 1);
}

static struct domain *d;
static struct vcpu *v;
static struct regs *g; /* the guest's frame */
static uint64_t stack_mem[512] __attribute__((aligned(4096)));
static uint8_t code[64];

static int boot(void **state)
{
    (void)state;
    pretend_boot();
    return 0;
}

static void fresh(bool user)
{
    v->kernel_mode = !user;
    v->kernel_sp = (uint64_t)&stack_mem[512];
    v->pending = 0;
    v->cr0_ts = 0;
    v->info->evtchn_upcall_mask = 0;
    pretend_crashes = 0;
    *g = (struct regs){.rip = (uint64_t)code,
                       .cs = user ? 0x33 : SEL_GUEST_CS64,
                       .ss = user ? 0x2b : SEL_GUEST_DS,
                       .rsp = user ? 0x7000 : (uint64_t)&stack_mem[512],
                       .rflags = 0x202};
    memset(stack_mem, 0, sizeof(stack_mem));
}

static int setup(void **state)
{
    (void)state;
    d = pretend_domain(1, false, 1000, 1);
    v = d->vcpu[0];
    assert_int_equal(perdomain_init_vcpu(v), 0);
    pretend_run(v);
    g = guest_regs();
    v->kernel_l4 = mfn(0x201);
    v->user_l4 = mfn(0x202);
    for (unsigned i = 0; i < 256; i++)
        v->traps[i] = (struct trap_info){.vector = (uint8_t)i, .address = HANDLER + i};
    fresh(false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pv_domain_end(d);
    return 0;
}

/* The frame on the guest kernel's stack: {rcx, r11, [error], rip, cs, rflags, rsp, ss}. */
static void assert_delivered(unsigned vector, bool has_error, uint64_t error, uint64_t rip)
{
    const uint64_t *f = (const uint64_t *)g->rsp;

    assert_int_equal(pretend_crashes, 0);
    assert_int_equal(g->rip, HANDLER + vector);
    assert_true(v->kernel_mode);
    if (has_error)
        assert_int_equal(f[2], error);
    assert_int_equal(f[has_error ? 3 : 2], rip);
}

static void trap(unsigned vector, uint32_t error)
{
    g->vector = vector;
    g->error_code = error;
    guest_trap(g);
}

/* INT n: the handler n where its gate's DPL allows, behind the instruction; else #GP at it. */
static void software_interrupts(void **state)
{
    (void)state;
    memcpy(code, "\xcd\x00", 2);
    for (unsigned n = 0; n < 256; n++)
        for (unsigned dpl = 0; dpl < 4; dpl++)
            for (unsigned user = 0; user < 2; user++) {
                uint32_t error = n << 3 | 2;

                fresh(user);
                v->traps[n].flags = (uint8_t)dpl;
                code[1] = (uint8_t)n;
                trap(13, error);
                if (user ? dpl == 3 : dpl >= 1)
                    assert_delivered(n, false, 0, (uint64_t)code + 2);
                else
                    assert_delivered(13, true, error, (uint64_t)code);
                v->traps[n].flags = 0;
            }
}

/* Gate 0x80 is open to CPL 3 in hardware: no #GP comes, and rip is behind the instruction. */
static void int_0x80(void **state)
{
    (void)state;
    for (unsigned user = 0; user < 2; user++) {
        fresh(user);
        g->rip += 2;
        trap(0x80, 0);
        assert_delivered(0x80, false, 0, (uint64_t)code + 2);
        fresh(user);
        v->traps[0x80].address = 0;
        g->rip += 2;
        trap(0x80, 0);
        assert_delivered(13, true, 0x402, (uint64_t)code);
        v->traps[0x80].address = HANDLER + 0x80;
    }
}

/* An error code names a selector: nothing is emulated, whatever the instruction. */
static void gp_with_a_selector(void **state)
{
    static const uint32_t errors[] = {8, 0xe008, 0xfffc, 1, 9, 3, 0xffff & ~2u};

    (void)state;
    memcpy(code, "\x0f\x06", 2); /* CLTS, which would be */
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        fresh(false);
        v->cr0_ts = CR0_TS;
        trap(13, errors[i]);
        if ((errors[i] & 3) == 2)
            continue;
        assert_delivered(13, true, errors[i], (uint64_t)code);
        assert_int_equal(v->cr0_ts, CR0_TS);
    }
    fresh(false);
    v->cr0_ts = CR0_TS;
    trap(13, 0);
    assert_int_equal(g->rip, (uint64_t)code + 2);
    assert_int_equal(v->cr0_ts, 0);
}

/* "User" in a page fault's error code means the guest's user half: the CPU always says user. */
static void page_faults(void **state)
{
    static const uint64_t places[] = {0x1000, 0x7fffffffffff, 0xffff800000000000,
                                      0xffff830000001000, 0xffffffffffffffff};

    (void)state;
    for (unsigned user = 0; user < 2; user++)
        for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
            for (uint32_t error = 0; error < 32; error++) {
                if (error & PF_RSVD)
                    continue;
                fresh(user);
                pretend.cr2 = places[i];
                trap(14, error);
                assert_delivered(14, true, (error & ~PF_USER) | (user ? PF_USER : 0),
                                 (uint64_t)code);
                assert_int_equal(v->info->arch.cr2, places[i]);
                assert_int_equal(v->cr2, places[i]);
            }
}

static void device_not_available(void **state)
{
    (void)state;
    trap(7, 0); /* a lazy one of ours would be: nothing for the guest */
    assert_int_equal(g->rip, (uint64_t)code);
    v->cr0_ts = CR0_TS;
    trap(7, 0);
    assert_delivered(7, false, 0, (uint64_t)code);
    assert_int_equal(v->cr0_ts, 0);
}

/* IRETQ into the guest has faulted: in hypervisor_trap()'s frame are the guest's registers, on the
 * stack's top what IRETQ was to load. */
static void iret_that_faults(unsigned vector, uint32_t error, bool user)
{
    struct regs r = {.rip = (uint64_t)guest_iret,
                     .cs = SEL_HV_CODE,
                     .rflags = 2,
                     .vector = vector,
                     .error_code = error,
                     .rax = 0xaaaa,
                     .rcx = 0xcccc,
                     .r11 = 0x1111,
                     .r15 = 0xffff};
    const uint64_t *f;
    bool has_error = (vector >= 10 && vector <= 14) || vector == 17;

    fresh(user);
    g->rip = 0x0000800000000000;
    g->cs = user ? 0xe00b : 0xe008;
    g->ss = 0xffff;
    if (!setjmp(out)) {
        hypervisor_trap(&r);
        fail_msg("it came back into the hypervisor");
    }
    assert_delivered(vector, has_error, error, 0x0000800000000000);
    f = (const uint64_t *)g->rsp;
    assert_int_equal(f[0], 0xcccc);
    assert_int_equal(f[1], 0x1111);
    assert_int_equal((uint16_t)f[has_error ? 4 : 3], user ? 0xe00b : 0xe008);
    assert_int_equal(f[has_error ? 7 : 6], 0xffff);
    assert_int_equal(g->rax, 0xaaaa);
    assert_int_equal(g->r15, 0xffff);
    assert_int_equal(g->cs, SEL_GUEST_CS64);
    assert_int_equal(g->ss, SEL_GUEST_DS);
}

static void irets_that_fault(void **state)
{
    (void)state;
    for (unsigned user = 0; user < 2; user++) {
        iret_that_faults(13, 0, user); /* an address that is not canonical */
        iret_that_faults(13, 0xe008, user);
        iret_that_faults(11, 0x28, user);
        iret_that_faults(12, 0x30, user);
    }
}

static void faults_that_are_mended(void **state)
{
    struct regs r = {.rip = (uint64_t)faulting, .cs = SEL_HV_CODE, .vector = 14};
    struct ex_entry *e = (struct ex_entry *)(uint64_t)ex_table_start;

    (void)state;
    e->fault = (int32_t)((int64_t)faulting - (int64_t)&e->fault);
    e->fixup = (int32_t)((int64_t)mended - (int64_t)&e->fixup);
    pretend.cr2 = 0x1000;
    hypervisor_trap(&r);
    assert_ptr_equal(r.rip, mended);
    assert_int_equal(pretend_crashes, 0);
}

static void panicked(const char *sentence)
{
    assert_non_null(strstr(sentence, "in the hypervisor"));
    longjmp(out, 1);
}

/* One that nobody expects is the machine's end, and says so. */
static void faults_of_our_own(void **state)
{
    struct regs r = {.rip = (uint64_t)mended, .cs = SEL_HV_CODE, .vector = 14};

    (void)state;
    pretend_panic_hook = panicked;
    for (r.vector = 0; r.vector < 32; r.vector++)
        if (r.vector != 1 && !setjmp(out)) {
            hypervisor_trap(&r);
            fail_msg("vector %u was taken for nothing", r.vector);
        }
    pretend_panic_hook = NULL;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(software_interrupts),    T(int_0x80),
        T(gp_with_a_selector),     T(page_faults),
        T(device_not_available),   T(irets_that_fault),
        T(faults_that_are_mended), T(faults_of_our_own),
    };

    return cmocka_run_group_tests(tests, boot, NULL);
}
