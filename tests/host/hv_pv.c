/* SPDX-License-Identifier: MIT
 *
 * The way into the guest and what it may make us do: frames, iret, decoding of privileged
 * instructions, descriptors, LDT look-up, debug registers, vCPU contexts and vcpu_info
 * registration. The guest's code, stack and tables are this program's own memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <xen/callback.h>
#include <xen/vcpu.h>
#include "pretend.h"
#include "hv_pv_fakes.h"
#include "comms/evtchn.h"
#include "dev/console.h"
#include "dom/runstate.h"
#include "dom/sched.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "pv/guest_entry.h"
#include "pv/hypercall_page.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/init.h"
#include "x86/irq.h"
#include "x86/time.h"

/* ---- a guest ---- */

static struct domain *d;
static struct vcpu *v;
static struct regs *r;
static uint64_t stack_mem[512] __attribute__((aligned(4096)));
static uint8_t *code; /* two pages, of which the second can be taken away */
#define STACK_TOP ((uint64_t)stack_mem + sizeof(stack_mem))
#define HANDLER   0xffffffff81000000ul

static int boot(void **state)
{
    (void)state;
    pretend_boot();
    code = aligned_alloc(4096, 8192);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    memset(stack_mem, 0, sizeof(stack_mem));
    pretend_guest_unmapped(NULL, 0);
    pretend_crashes = 0;
    d = pretend_domain(1, false, 1000, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(perdomain_init_vcpu(d->vcpu[i]), 0);
    v = d->vcpu[0];
    pretend_run(v);
    v->initialised = true;
    v->debugreg[6] = 0xffff0ff0;
    v->debugreg[7] = 0x400;
    r = guest_regs();
    *r = (struct regs){.rip = 0x1000,
                       .cs = SEL_GUEST_CS64,
                       .ss = SEL_GUEST_DS,
                       .rsp = STACK_TOP - 64,
                       .rflags = 0x246,
                       .rcx = 0xc0c0,
                       .r11 = 0x1111};
    for (unsigned i = 0; i < 256; i++)
        v->traps[i] =
            (struct trap_info){.vector = (uint8_t)i, .cs = SEL_GUEST_CS64, .address = HANDLER + i};
    v->event_cb = HANDLER + 0x1000;
    v->failsafe_cb = HANDLER + 0x2000;
    v->syscall_cb = HANDLER + 0x3000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pv_domain_end(d);
    return 0;
}

static const uint64_t *frame(void)
{
    return (const uint64_t *)r->rsp;
}

static void to_user(void)
{
    v->kernel_mode = false;
    v->user_l4 = mfn(0x200);
    v->kernel_l4 = mfn(0x201);
    v->kernel_sp = STACK_TOP - 8;
    r->rsp = 0x7000;
    r->cs = 0x33;
    r->ss = 0x2b;
}

/* ---- frames ---- */

static void exception_from_kernel(void **state)
{
    const uint64_t *f;

    (void)state;
    r->rsp -= 8; /* not aligned */
    r->rflags |= RFLAGS_TF | RFLAGS_AC | RFLAGS_NT | RFLAGS_RF | RFLAGS_DF;
    v->info->evtchn_upcall_mask = 1;
    guest_deliver(v, r, 13, true, 0x1238);
    f = frame();
    assert_int_equal(r->rsp, ((STACK_TOP - 72) & ~15ul) - 64);
    assert_int_equal(f[0], 0xc0c0);
    assert_int_equal(f[1], 0x1111);
    assert_int_equal(f[2], 0x1238);
    assert_int_equal(f[3], 0x1000);
    assert_int_equal(f[4], (SEL_GUEST_CS64 & ~3ul) | 1ul << 32);
    assert_int_equal(f[5], 0x46 | RFLAGS_TF | RFLAGS_AC | RFLAGS_NT | RFLAGS_RF | RFLAGS_DF);
    assert_int_equal(f[6], STACK_TOP - 72);
    assert_int_equal(f[7], SEL_GUEST_DS);
    assert_int_equal(r->rip, HANDLER + 13);
    assert_int_equal(r->cs, SEL_GUEST_CS64);
    assert_int_equal(r->rflags, 0x246 | RFLAGS_DF);
    assert_int_equal(v->info->evtchn_upcall_mask, 1);
    assert_int_equal(pretend.swapgs, 0);
}

static void exception_from_user(void **state)
{
    const uint64_t *f;
    unsigned long swaps = pretend.swapgs;

    (void)state;
    to_user();
    v->traps[6].flags = 4; /* masks events */
    guest_deliver(v, r, 6, false, 0);
    f = frame();
    assert_int_equal(r->rsp, ((STACK_TOP - 8) & ~15ul) - 56);
    assert_int_equal(f[2], 0x1000);
    assert_int_equal(f[3], 0x33);
    assert_int_equal(f[4] & RFLAGS_IF, RFLAGS_IF);
    assert_int_equal(f[5], 0x7000);
    assert_int_equal(f[6], 0x2b);
    assert_true(v->kernel_mode);
    assert_int_equal(pretend.swapgs, swaps + 1);
    assert_int_equal(pretend.cr3, 0x201000);
    assert_int_equal(v->info->evtchn_upcall_mask, 1);
}

static void frames_that_cannot_be(void **state)
{
    (void)state;
    v->traps[13].address = 0;
    guest_deliver(v, r, 13, true, 0);
    assert_int_equal(pretend_crashes, 1);
    pretend_guest_unmapped(stack_mem, sizeof(stack_mem));
    guest_deliver(v, r, 14, true, 0);
    assert_int_equal(pretend_crashes, 2);
    r->rsp = 0xffff830000001000; /* the hypervisor's own */
    guest_deliver(v, r, 14, true, 0);
    assert_int_equal(pretend_crashes, 3);
    r->rsp = 0x800000001000; /* not canonical */
    guest_deliver(v, r, 14, true, 0);
    assert_int_equal(pretend_crashes, 4);
    assert_int_equal(r->rip, 0x1000);
}

static void failsafe(void **state)
{
    static const uint16_t sel[4] = {0x10, 0x20, 0x30, 0x40};
    const uint64_t *f;

    (void)state;
    v->cb_masks_events = 1u << CALLBACKTYPE_failsafe;
    guest_failsafe(v, r, sel);
    f = frame();
    assert_int_equal(f[0], 0xc0c0);
    assert_int_equal(f[1], 0x1111);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(f[2 + i], sel[i]);
    assert_int_equal(f[6], 0x1000);
    assert_int_equal(f[7], SEL_GUEST_CS64 & ~3ul);
    assert_int_equal(f[9], STACK_TOP - 64);
    assert_int_equal(f[10], SEL_GUEST_DS);
    assert_int_equal(r->rip, HANDLER + 0x2000);
    assert_int_equal(v->info->evtchn_upcall_mask, 1);
}

static void system_calls(void **state)
{
    (void)state;
    to_user();
    r->vector = ENTRY_SYSCALL;
    r->rflags |= RFLAGS_DF;
    guest_syscall_bounce(r);
    assert_int_equal(r->rip, HANDLER + 0x3000);
    assert_int_equal(r->rflags & RFLAGS_DF, 0);
    assert_int_equal(r->r11, r->rflags);
    assert_int_equal(v->info->evtchn_upcall_mask, 0);

    to_user();
    r->rip = 0x1000;
    r->vector = ENTRY_SYSCALL32; /* no callback: #UD at the instruction */
    guest_syscall_bounce(r);
    assert_int_equal(r->rip, HANDLER + 6);
    assert_int_equal(frame()[2], 0xffe);

    to_user();
    r->rip = 0;
    r->vector = ENTRY_SYSENTER;
    guest_syscall_bounce(r);
    assert_int_equal(r->rip, HANDLER + 13);
    assert_int_equal(frame()[2], 0);
    assert_int_equal(pretend_crashes, 0);
}

static void events(void **state)
{
    (void)state;
    v->info->evtchn_upcall_pending = 1;
    v->pending = PEND_TRAP; /* comes first */
    v->trap = (struct pending_trap){.vector = 1};
    guest_exit_work(r);
    assert_int_equal(r->rip, HANDLER + 1);
    guest_exit_work(r);
    assert_int_equal(r->rip, HANDLER + 0x1000);
    assert_int_equal(v->info->evtchn_upcall_mask, 1);
    assert_int_equal(frame()[2], HANDLER + 1);

    v->info->evtchn_upcall_pending = 0;
    v->pending = PEND_NMI;
    guest_exit_work(r);
    assert_int_equal(r->rip, HANDLER + 2);
    r->rip = 0x5000;
    v->pending = PEND_NMI; /* held until the first one's iret */
    guest_exit_work(r);
    assert_int_equal(r->rip, 0x5000);
    assert_true(v->nmi_held);
}

/* ---- iret ---- */

struct iret_frame {
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

static void iret(struct iret_frame f)
{
    struct hcall c = pretend_hcall(v, 0, 0, 0, 0, 0);

    r->rsp = STACK_TOP - sizeof(f);
    memcpy((void *)r->rsp, &f, sizeof(f));
    r->vector = ENTRY_SYSCALL;
    assert_int_equal(do_iret(&c, NULL), 0);
}

static void iret_to_user(void **state)
{
    (void)state;
    to_user();
    v->kernel_mode = true;
    v->nmi_in_progress = v->nmi_held = true;
    iret((struct iret_frame){.rax = (uint64_t)-85,
                             .r11 = 11,
                             .rcx = 12,
                             .rip = 0x4000,
                             .cs = 0x33,
                             .rsp = 0x6000,
                             .ss = 0x2b,
                             .rflags = ~0ul});
    assert_false(v->kernel_mode);
    assert_int_equal(pretend.cr3, 0x200000);
    assert_int_equal(r->rax, (uint64_t)-85);
    assert_int_equal(r->rcx, 12);
    assert_int_equal(r->r11, 11);
    assert_int_equal(r->rip, 0x4000);
    assert_int_equal(r->rflags, 0x254fd7);
    assert_int_not_equal(r->vector, ENTRY_SYSCALL);
    assert_int_equal(v->info->evtchn_upcall_mask, 0);
    assert_false(v->nmi_in_progress);
    assert_true(v->pending & PEND_NMI);
}

static void iret_to_kernel(void **state)
{
    (void)state;
    iret((struct iret_frame){.rip = 0x4000,
                             .cs = 0xffffffff00010010,
                             .rsp = 0x6000,
                             .ss = 0x12340018,
                             .flags = 0x100,
                             .rcx = 9});
    assert_true(v->kernel_mode);
    assert_int_equal(r->vector, ENTRY_SYSCALL); /* by SYSRET, which knows only the flat ones */
    assert_int_equal(r->cs, SEL_GUEST_CS64);
    assert_int_equal(r->rcx, 0x4000);
    assert_int_equal(v->info->evtchn_upcall_mask, 1);
    iret((struct iret_frame){
        .rip = 0x4000, .cs = 0xffffffff00010010, .rsp = 0x6000, .ss = 0x12340018});
    assert_int_equal(r->cs, 0x13);
    assert_int_equal(r->ss, 0x1b);
    assert_int_equal(r->rflags, RFLAGS_IF | RFLAGS_ONE);
}

static void irets_that_cannot_be(void **state)
{
    struct hcall c = pretend_hcall(v, 0, 0, 0, 0, 0);

    (void)state;
    r->rsp = 0xffff810000000000;
    do_iret(&c, NULL);
    assert_int_equal(pretend_crashes, 1);
    v->user_l4 = MFN_NONE;
    iret((struct iret_frame){.cs = 3});
    assert_int_equal(pretend_crashes, 2);
    assert_true(v->kernel_mode);
}

static void architectural(void **state)
{
    (void)state;
    d->vm_assist = 1ul << VMASST_TYPE_architectural_iopl;
    to_user();
    v->kernel_mode = true;
    iret((struct iret_frame){
        .rip = 0x4000, .cs = 0x33, .rsp = 0x6000, .ss = 0x2b, .rflags = 0x3202});
    assert_int_equal(v->iopl, 3);
    assert_int_equal(r->rflags & RFLAGS_IOPL, 0);
    guest_deliver(v, r, 6, false, 0);
    assert_int_equal(frame()[4] & RFLAGS_IOPL, RFLAGS_IOPL);
}

/* ---- privileged instructions ---- */

static bool emulate_at(size_t at, const char *bytes, size_t n)
{
    memcpy(code + at, bytes, n);
    r->rip = (uint64_t)code + at;
    return privop_emulate_gp(v, r);
}
#define EMULATE(bytes) emulate_at(64, bytes, sizeof(bytes) - 1)
#define LENGTH()       (r->rip - ((uint64_t)code + 64))

static void ports(void **state)
{
    (void)state;
    r->rdx = 0x3f8;
    r->rax = 0x8877665544332211;
    assert_false(EMULATE("\xec")); /* neither IOPL nor bitmap */
    assert_int_equal(seen.ins, 0);
    v->iopl = 1;
    assert_true(EMULATE("\xec"));
    assert_int_equal(r->rax, 0x8877665544332244);
    assert_int_equal(LENGTH(), 1);
    assert_true(EMULATE("\x66\xe5\x60"));
    assert_int_equal(r->rax, 0x8877665544333344);
    assert_int_equal(seen.port, 0x60);
    assert_int_equal(LENGTH(), 3);
    assert_true(EMULATE("\x48\xed")); /* REX.W: still 32 bits, upper half cleared */
    assert_int_equal(r->rax, 0x11223344);
    assert_true(EMULATE("\xe7\x80"));
    assert_int_equal(seen.bytes, 4);
    assert_int_equal(seen.val, 0x11223344);
    to_user();
    assert_false(EMULATE("\xec")); /* IOPL 1 is not 3 */
    assert_false(EMULATE("\xf0\xec"));
}

static void port_bitmap(void **state)
{
    static uint8_t map[8192];

    (void)state;
    memset(map, 0xff, sizeof(map));
    map[0x80 / 8] = 0xfe;
    map[0x88 / 8 - 1] &= 0x7f; /* 0x87 */
    map[0x88 / 8] = 0xfe;
    v->iobmp = guest_va((uint64_t)map);
    v->iobmp_ports = 0x89;
    to_user();
    assert_true(EMULATE("\xe4\x80"));
    assert_false(v->kernel_mode);
    assert_false(EMULATE("\xe4\x81"));
    assert_false(EMULATE("\x66\xe5\x80"));
    assert_true(EMULATE("\x66\xe5\x87"));  /* across two bytes of the map */
    assert_false(EMULATE("\x66\xe5\x88")); /* past its end */
    v->iobmp = guest_va(0xffff830000000000);
    assert_false(EMULATE("\xe4\x80"));
    v->iobmp = guest_va(8);
    assert_false(EMULATE("\xe4\x80"));
}

static void string_io(void **state)
{
    uint32_t *to = (uint32_t *)(code + 4096);

    (void)state;
    v->iopl = 1;
    r->rdi = (uint64_t)to;
    r->rcx = 3;
    assert_true(EMULATE("\xf3\x6d"));
    assert_int_equal(r->rcx, 0);
    assert_int_equal(r->rdi, (uint64_t)(to + 3));
    assert_int_equal(to[2], 0x11223344);
    assert_int_equal(LENGTH(), 2);
    r->rcx = 0; /* nothing to do: nothing is read */
    seen.ins = 0;
    assert_true(EMULATE("\xf3\x6d"));
    assert_int_equal(seen.ins, 0);
    r->rcx = 5000; /* in parts: the instruction stays where it is */
    r->rdi = (uint64_t)to;
    r->rflags |= RFLAGS_DF;
    assert_true(EMULATE("\xf3\x6c"));
    assert_int_equal(LENGTH(), 0);
    assert_in_range(r->rcx, 1, 4999);
    assert_int_equal(r->rdi, (uint64_t)to - (5000 - r->rcx));
    /* the fault of the access, told as the half that runs would have had it */
    to_user();
    v->iopl = 3;
    v->pending = 0;
    r->rdi = 0xffff830000000000;
    assert_true(EMULATE("\x6c"));
    assert_int_equal(v->pending, PEND_TRAP);
    assert_int_equal(v->trap.vector, 14);
    assert_int_equal(v->trap.error_code, PF_USER | PF_WRITE);
    assert_int_equal(v->info->arch.cr2, 0xffff830000000000);
    v->kernel_mode = true;
    r->rsi = 0x10;
    assert_true(EMULATE("\x6e"));
    assert_int_equal(v->trap.error_code, 0);
}

static void interrupt_flag(void **state)
{
    (void)state;
    assert_false(EMULATE("\xfa"));
    v->iopl = 1;
    assert_true(EMULATE("\xfa"));
    assert_true(EMULATE("\xfb"));
    assert_int_equal(v->info->evtchn_upcall_mask, 0);
    to_user();
    v->iopl = 3;
    assert_false(EMULATE("\xfa"));
}

static void control_registers(void **state)
{
    (void)state;
    v->kernel_l4 = mfn(0x1234);
    v->cr2 = 0xabc;
    pretend.cr0 = 0x80050033;
    assert_true(EMULATE("\x0f\x20\xd9")); /* mov cr3, rcx */
    assert_int_equal(r->rcx, 0x1234000);
    assert_true(EMULATE("\x41\x0f\x20\xd7")); /* mov cr2, r15 */
    assert_int_equal(r->r15, 0xabc);
    r->rax = 0x8005003b;
    assert_true(EMULATE("\x0f\x22\xc0")); /* TS only */
    assert_int_equal(v->cr0_ts, CR0_TS);
    r->rax = 0x80040033; /* WP off */
    assert_false(EMULATE("\x0f\x22\xc0"));
    assert_true(EMULATE("\x0f\x06"));
    assert_int_equal(v->cr0_ts, 0);
    r->rax = ~0ul;
    assert_true(EMULATE("\x0f\x22\xe0")); /* cr4: never faults, takes what is the guest's */
    assert_int_equal(v->cr4 & ~(CR4_TSD | CR4_DE | CR4_OSXSAVE), 0);
    assert_false(EMULATE("\x44\x0f\x20\xc0")); /* cr8 */
    assert_false(EMULATE("\x0f\x20\xc8"));     /* cr1 */
    r->rax = 0;
    assert_false(EMULATE("\x0f\x22\xd8")); /* no such L4 */
    assert_int_equal(v->kernel_l4.v, 0x1234);
    to_user();
    assert_false(EMULATE("\x0f\x20\xd8"));
    assert_false(EMULATE("\x0f\x06"));
    assert_false(EMULATE("\x0f\x30"));
    assert_false(EMULATE("\x0f\x01\xd1"));
}

static void others(void **state)
{
    (void)state;
    assert_false(EMULATE("\xf4"));
    assert_false(EMULATE("\x0f\x01\xf8"));
    assert_false(EMULATE("\x0f\x01\x14\x24"));
    assert_false(EMULATE("\xcd\x80"));
    assert_true(
        EMULATE("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x0f\x31")); /* 15 bytes */
    assert_int_equal(LENGTH(), 15);
    assert_false(EMULATE("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x0f\x31"));
    to_user();
    assert_true(EMULATE("\x0f\x31"));
    v->cr4 = CR4_TSD;
    assert_false(EMULATE("\x0f\x31"));
    assert_false(EMULATE("\x0f\x01\xf9"));
    v->kernel_mode = true;
    assert_true(EMULATE("\x0f\x31"));
    r->rcx = 0xc0000080ul << 1; /* no such MSR */
    assert_false(EMULATE("\x0f\x32"));
    v->traps[13].address = 0; /* nor a handler yet */
    assert_true(EMULATE("\x0f\x32"));
    assert_int_equal(r->rax, 0);
    r->rcx = 0xc0000101;
    r->rax = 0;
    r->rdx = 0x8000;
    assert_false(EMULATE("\x0f\x30")); /* not canonical */
    r->rdx = 0x7000;
    assert_true(EMULATE("\x0f\x30"));
    assert_int_equal(pretend.gs_base, 0x700000000000);
    r->rip = (uint64_t)code + 64;
    memcpy(code + 64, "\x0f\x0bxen\x0f\xa2", 7);
    r->rax = 7;
    assert_true(privop_emulate_ud(v, r));
    assert_int_equal(LENGTH(), 7);
    assert_int_equal(r->rax, 8);
    assert_int_equal(r->rcx, 1);
    code[66] = 'y';
    r->rip = (uint64_t)code + 64;
    assert_false(privop_emulate_ud(v, r));
}

/* Instructions cut off by the end of what is mapped. */
static void edge_of_page(void **state)
{
    (void)state;
    v->iopl = 1;
    pretend_guest_unmapped(code + 4096, 4096);
    assert_true(emulate_at(4095, "\xec", 1));
    assert_false(emulate_at(4095, "\x0f", 1));
    assert_false(emulate_at(4095, "\x66", 1));
    assert_false(emulate_at(4094, "\x0f\x20", 2));
    assert_false(emulate_at(4094, "\x0f\x01", 2));
    r->rip = (uint64_t)code + 4096;
    assert_false(privop_emulate_gp(v, r));
}

static void single_step(void **state)
{
    (void)state;
    r->rflags |= RFLAGS_TF | RFLAGS_RF;
    assert_true(EMULATE("\x0f\x31"));
    assert_int_equal(v->pending, PEND_TRAP);
    assert_int_equal(v->trap.vector, 1);
    assert_int_equal(v->debugreg[6] & 0x4000, 0x4000);
    assert_int_equal(r->rflags & RFLAGS_RF, 0);
}

/* ---- descriptors ---- */

static void descriptors(void **state)
{
    static const struct {
        uint64_t in, out;
        bool sane;
    } t[] = {
        {0, 0, true},
        {0x00af9a000000ffff, 0x00affb000000ffff, true}, /* kernel code: DPL 3, accessed */
        {0x00cff2000000ffff, 0x00cff3000000ffff, true},
        {0x00cfb2000000ffff, 0x00cff3000000ffff, true}, /* DPL 1 */
        {0x0000f3000000ffff, 0x0040f3000000ffff, true}, /* a 16-bit stack */
        {0x0000f7000000ffff, 0x0040f7000000ffff, true}, /* one that grows down */
        {0x0000f1000000ffff, 0x0000f1000000ffff, true}, /* no stack: read-only */
        {0x0000fb000000ffff, 0x0000fb000000ffff, true}, /* nor is 16-bit code */
        {0x00cf12000000ffff, 0x00cf12000000ffff, true}, /* not present */
        {0x0000000000000000 | 0xeeull << 40, 0, false}, /* interrupt gate */
        {0x00008c0000000000, 0, false},                 /* call gate */
        {0x0000890000000067, 0, false},                 /* TSS */
        {0x0000820000000067, 0, false},                 /* LDT */
        {0x0000800000000000, 0x0000800000000000, true}, /* type 0 */
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
        uint64_t desc = t[i].in;

        assert_int_equal(descriptor_sane(&desc), t[i].sane);
        if (t[i].sane)
            assert_int_equal(desc, t[i].out);
    }
}

static mfn_t new_page(void)
{
    return domain_page_alloc(d, 0, 0);
}

static uint64_t maddr_of_entry(mfn_t m, unsigned n)
{
    return mfn_to_maddr(m) + n * 8;
}

static long update_descriptor(uint64_t maddr, uint64_t desc)
{
    struct hcall c = pretend_hcall(v, maddr, desc, 0, 0, 0);

    return do_update_descriptor(&c, NULL);
}

static void descriptor_tables(void **state)
{
    mfn_t gdt = new_page(), bad = new_page();
    uint64_t two[2] = {gdt.v, bad.v}, none[1] = {max_mfn};
    uint64_t *entry = mfn_to_va(gdt);
    struct hcall c;

    (void)state;
    *(uint64_t *)mfn_to_va(bad) = 0x00008c0000000000;
    entry[1] = 0x00af9a000000ffff;
    assert_int_equal(vcpu_set_gdt(v, two, 1024), -EINVAL);
    assert_int_equal(v->gdt_entries, 0);
    assert_int_equal(vcpu_set_gdt(v, none, 16), -EINVAL);
    assert_int_equal(vcpu_set_gdt(v, two, 7169), -EINVAL);
    assert_int_equal(vcpu_set_gdt(v, two, 16), 0);
    assert_int_equal(entry[1], 0x00affb000000ffff);
    assert_int_equal(frame_get_and_type(frame_of(gdt), d, FRAME_WRITABLE), -EINVAL);
    assert_int_equal(update_descriptor(maddr_of_entry(gdt, 2), 0x00cf92000000ffff), 0);
    assert_int_equal(entry[2], 0x00cff3000000ffff);
    assert_int_equal(update_descriptor(maddr_of_entry(gdt, 2), 0x00008c0000000000), -EINVAL);
    assert_int_equal(update_descriptor(maddr_of_entry(gdt, 2) + 1, 0), -EINVAL);
    assert_int_equal(update_descriptor(max_mfn << 12, 0), -EINVAL);
    c = pretend_hcall(v, (uint64_t)two, 1ul << 31, 0, 0, 0);
    assert_int_equal(do_set_gdt(&c, NULL), -EINVAL);
    c = pretend_hcall(v, 0xffff830000000000, 16, 0, 0, 0);
    assert_int_equal(do_set_gdt(&c, NULL), -EFAULT);
    vcpu_put_gdt(v);
    assert_int_equal(frame_get_and_type(frame_of(gdt), d, FRAME_WRITABLE), 0);
    frame_put_and_type(frame_of(gdt));
}

/* The LDT is found by the kernel's tables, also while the user half runs. */
static void ldt_look_up(void **state)
{
    mfn_t l4 = new_page(), l3 = new_page(), l2 = new_page(), l1 = new_page(), ldt = new_page();
    uint64_t flags = PTE_P | PTE_RW | PTE_US, base = 0x8000,
             window = v->gdt_va + PERDOMAIN_LDT_OFFSET;

    (void)state;
    ((uint64_t *)mfn_to_va(l4))[0] = pte_make(l3, flags);
    ((uint64_t *)mfn_to_va(l3))[0] = pte_make(l2, flags);
    ((uint64_t *)mfn_to_va(l2))[0] = pte_make(l1, flags);
    ((uint64_t *)mfn_to_va(l1))[base >> 12] = pte_make(ldt, PTE_P | PTE_US);
    this_cpu()->current = NULL; /* nothing is loaded into a real CPU here */
    v->kernel_l4 = l4;
    v->user_l4 = new_page();
    v->kernel_mode = false;
    assert_int_equal(vcpu_set_ldt(v, base + 8, 16), -EINVAL);
    assert_int_equal(vcpu_set_ldt(v, base, 8193), -EINVAL);
    assert_int_equal(vcpu_set_ldt(v, 0x7fffffffffff000, 8192), -EINVAL);
    assert_int_equal(vcpu_set_ldt(v, base, 1024), 0);
    assert_false(ldt_fault(v, window - 1));
    assert_false(ldt_fault(v, window + 8192));
    assert_false(ldt_fault(v, window + 4096)); /* not mapped */
    assert_true(ldt_fault(v, window + 8));
    assert_false(ldt_fault(v, window + 8)); /* is there: the fault is another one */
    assert_int_equal(ldt_guest_address(v, window + 4097), base + 4097);
    assert_int_equal(frame_type_now(frame_of(ldt)), FRAME_SEG_DESC);
    vcpu_drop_ldt_frames(v);
    assert_int_equal(frame_type_now(frame_of(ldt)), FRAME_NONE);
    this_cpu()->current = v;
}

static void debug_registers(void **state)
{
    struct vcpu *o = d->vcpu[1]; /* does not run */
    uint64_t val;

    (void)state;
    assert_int_equal(vcpu_write_debugreg(o, 0, 0xffff830000000000), -EPERM);
    assert_int_equal(vcpu_write_debugreg(o, 3, 0x800000000000), -EPERM);
    assert_int_equal(vcpu_write_debugreg(o, 0, 0xffffffff81000000), 0);
    assert_int_equal(vcpu_write_debugreg(o, 7, 0x2000), -EPERM);
    assert_int_equal(vcpu_write_debugreg(o, 7, 1ul << 32), -EINVAL);
    assert_int_equal(vcpu_write_debugreg(o, 7, 1 | 2u << 16), -EPERM); /* I/O without DE */
    o->cr4 = CR4_DE;
    assert_int_equal(vcpu_write_debugreg(o, 7, 1 | 2u << 16), 0);
    assert_int_equal(vcpu_write_debugreg(o, 4, 0), -ENODEV);
    o->cr4 = 0;
    assert_int_equal(vcpu_write_debugreg(o, 4, 1), 0);
    assert_int_equal(vcpu_read_debugreg(o, 6, &val), 0);
    assert_int_equal(val, 0xffff0ff1);
    assert_int_equal(vcpu_write_debugreg(o, 6, 1ul << 40), -EINVAL);
    assert_int_equal(vcpu_write_debugreg(o, 8, 0), -ENODEV);
}

/* ---- contexts ---- */

static struct vcpu_guest_context ctx;

static void good_context(mfn_t l4)
{
    memset(&ctx, 0, sizeof(ctx));
    ctx.flags = VGCF_in_kernel;
    ctx.user_regs.rip = HANDLER;
    ctx.user_regs.cs = 0x10;
    ctx.user_regs.ss = 0x18;
    ctx.user_regs.rflags = 0x1000;
    ctx.ctrlreg[3] = mfn_to_maddr(l4);
}

static void contexts(void **state)
{
    struct vcpu *o = d->vcpu[1];
    mfn_t l4 = new_page();

    (void)state;
    o->initialised = false;
    good_context(l4);
    ctx.user_regs.rip = 0x800000000000;
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    good_context(l4);
    ctx.trap_ctxt[200].address = 1ul << 63;
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    good_context(l4);
    ctx.gs_base_user = 0x8000000000000000;
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    good_context(l4);
    ctx.ldt_base = 0x1008;
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    good_context(l4);
    ctx.ldt_ents = 8193;
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    good_context(l4);
    ctx.gdt_ents = 7169;
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    good_context(l4);
    ctx.flags = 0; /* in user mode, and no tables for that */
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    good_context(mfn(0));
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    good_context(l4);
    ctx.ctrlreg[1] = max_mfn << 12;
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    assert_true(mfn_eq(o->kernel_l4, MFN_NONE));
    assert_int_equal(frame_type_now(frame_of(l4)), FRAME_NONE);

    good_context(l4);
    ctx.user_regs.rflags = ~0ul;
    ctx.ctrlreg[4] = ~0ul;
    ctx.ctrlreg[0] = ~0ul;
    ctx.debugreg[7] = 0x2001;
    assert_int_equal(vcpu_set_context(o, &ctx), 0);
    assert_int_equal(o->regs.cs, 0x13);
    assert_int_equal(o->regs.ss, 0x1b);
    assert_int_equal(o->iopl, 3);
    assert_int_equal(o->regs.rflags, 0x250fd7);
    assert_int_equal(o->cr4, CR4_TSD | CR4_DE | CR4_OSXSAVE);
    assert_int_equal(o->cr0_ts, CR0_TS);
    assert_int_equal(o->debugreg[7], 0x400);
    assert_int_equal(frame_type_now(frame_of(l4)), FRAME_L4);

    good_context(new_page()); /* one that has lived keeps its tables */
    assert_int_equal(vcpu_set_context(o, &ctx), -EOPNOTSUPP);
    good_context(l4);
    ctx.flags = 0;
    assert_int_equal(vcpu_set_context(o, &ctx), -EINVAL);
    good_context(l4);
    assert_int_equal(vcpu_set_context(o, &ctx), 0);
    vcpu_drop_references(o);
    assert_int_equal(frame_type_now(frame_of(l4)), FRAME_NONE);
}

/* A tree of tables too big for one go: the call is continued and gets there. */
static void context_with_many_tables(void **state)
{
    struct vcpu *o = d->vcpu[1];
    mfn_t l4 = new_page(), l3 = new_page();
    struct hcall c = pretend_hcall(v, VCPUOP_initialise, 1, (uint64_t)&ctx, 0, 0);
    long was = pt_budget, rc;
    unsigned turns = 0;

    (void)state;
    o->initialised = false;
    ((uint64_t *)mfn_to_va(l4))[0] = pte_make(l3, PTE_P | PTE_RW | PTE_US);
    for (unsigned i = 0; i < 100; i++)
        ((uint64_t *)mfn_to_va(l3))[i] = pte_make(new_page(), PTE_P | PTE_RW | PTE_US);
    good_context(l4);
    pt_budget = 10;
    do
        rc = vcpuop_initialise(&c, NULL);
    while (rc == -ERESTART && ++turns < 1000);
    pt_budget = was;
    assert_int_equal(rc, 0);
    assert_true(turns > 2);
    assert_int_equal(vcpuop_initialise(&c, NULL), -EEXIST);
    c.a[1] = 2;
    assert_int_equal(vcpuop_initialise(&c, NULL), -ENOENT);
    assert_int_equal(vcpuop_is_up(&c, NULL), -ENOENT);
    vcpu_drop_references(o);
}

static long register_info(struct vcpu *of, mfn_t m, uint32_t offset)
{
    struct hcall c = pretend_hcall(v, VCPUOP_register_vcpu_info, of->id, 0, 0, 0);
    struct vcpu_register_vcpu_info op = {.mfn = m.v, .offset = offset};

    return vcpuop_register_vcpu_info(&c, &op);
}

static void vcpu_info_moves(void **state)
{
    mfn_t m = new_page();
    struct vcpu_info *to = (struct vcpu_info *)((char *)mfn_to_va(m) + 4032);

    (void)state;
    assert_int_equal(register_info(v, m, 4033), -ENXIO);
    assert_int_equal(register_info(v, m, 4040), -ENXIO);
    assert_int_equal(register_info(v, m, 4), -ENXIO);
    assert_int_equal(register_info(v, m, ~0u & ~7u), -ENXIO);
    assert_int_equal(register_info(v, mfn(max_mfn), 0), -EINVAL);
    d->vcpu[1]->flags = 0;
    assert_int_equal(register_info(d->vcpu[1], m, 0), -EINVAL); /* runs */
    v->info->evtchn_upcall_mask = 1;
    v->info->arch.cr2 = 77;
    assert_int_equal(register_info(v, m, 4032), 0);
    assert_ptr_equal(v->info, to);
    assert_int_equal(to->evtchn_upcall_mask, 1);
    assert_int_equal(to->evtchn_upcall_pending, 1);
    assert_int_equal(to->evtchn_pending_sel, ~0ul);
    assert_int_equal(to->arch.cr2, 77);
    assert_int_equal(register_info(v, m, 0), -EINVAL);
    assert_int_equal(frame_get_and_type(frame_of(m), d, FRAME_L1), -EINVAL);
    vcpu_drop_references(v);
    assert_int_equal(frame_type_now(frame_of(m)), FRAME_NONE);
}

static void up_and_down(void **state)
{
    struct hcall c = pretend_hcall(v, VCPUOP_up, 1, 0, 0, 0);
    struct vcpu_set_periodic_timer period = {.period_ns = 999999};

    (void)state;
    d->vcpu[1]->initialised = false;
    d->vcpu[1]->flags = VCPU_DOWN;
    assert_int_equal(vcpuop_up(&c, NULL), -EINVAL);
    d->vcpu[1]->initialised = true;
    assert_int_equal(vcpuop_up(&c, NULL), 0);
    assert_int_equal(vcpuop_is_up(&c, NULL), 1);
    assert_int_equal(vcpuop_set_periodic_timer(&c, &period), -EINVAL);
    period.period_ns = ~0ull;
    assert_int_equal(vcpuop_set_periodic_timer(&c, &period), -EINVAL);
    assert_int_equal(vcpuop_stop_singleshot_timer(&c, NULL), -EINVAL); /* another's */
    assert_int_equal(vcpuop_down(&c, NULL), 0);
    assert_int_equal(seen.shutdowns, 0);
    c.a[1] = 0;
    assert_int_equal(vcpuop_down(&c, NULL), 0); /* the last one: that is the domain's end */
    assert_int_equal(seen.shutdowns, 1);
    c.a[1] = 1ul << 31;
    assert_int_equal(vcpuop_up(&c, NULL), -ENOENT);
}

/* ---- where the guest wants to be called ---- */

static void callbacks(void **state)
{
    struct trap_info t[3] = {
        {.vector = 1, .address = HANDLER}, {.vector = 2, .address = 0x800000000000}, {0}};
    struct hcall c = pretend_hcall(v, (uint64_t)t, 0, 0, 0, 0);
    struct callback_register reg = {
        .type = CALLBACKTYPE_syscall, .flags = CALLBACKF_mask_events, .address = HANDLER};
    struct callback_unregister un = {.type = CALLBACKTYPE_event};

    (void)state;
    assert_int_equal(do_set_trap_table(&c, NULL), -EINVAL);
    t[1].address = HANDLER + 5;
    assert_int_equal(do_set_trap_table(&c, NULL), 0);
    assert_int_equal(v->traps[2].address, HANDLER + 5);
    c.a[0] = 0xffff830000000000;
    assert_int_equal(do_set_trap_table(&c, NULL), -EFAULT);
    c.a[0] = 0;
    assert_int_equal(do_set_trap_table(&c, NULL), 0);
    assert_int_equal(v->traps[2].address, 0);
    assert_int_equal(callbackop_register(&c, &reg), 0);
    assert_int_equal(v->syscall_cb, HANDLER);
    reg.address = 0x8000000000000000;
    assert_int_equal(callbackop_register(&c, &reg), -EINVAL);
    reg = (struct callback_register){.type = 99};
    assert_int_equal(callbackop_register(&c, &reg), -ENOSYS);
    assert_int_equal(callbackop_unregister(&c, &un), -EINVAL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(exception_from_kernel),
        T(exception_from_user),
        T(frames_that_cannot_be),
        T(failsafe),
        T(system_calls),
        T(events),
        T(iret_to_user),
        T(iret_to_kernel),
        T(irets_that_cannot_be),
        T(architectural),
        T(ports),
        T(port_bitmap),
        T(string_io),
        T(interrupt_flag),
        T(control_registers),
        T(others),
        T(edge_of_page),
        T(single_step),
        T(descriptors),
        T(descriptor_tables),
        T(ldt_look_up),
        T(debug_registers),
        T(contexts),
        T(context_with_many_tables),
        T(vcpu_info_moves),
        T(up_and_down),
        T(callbacks),
    };

    return cmocka_run_group_tests(tests, boot, NULL);
}
