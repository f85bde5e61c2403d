/* SPDX-License-Identifier: MIT */
/*
 * Registers of the FPU and of SSE: whose values a guest finds there.
 *
 * A vCPU starts with the reset state (FCW 37f, MXCSR 1f80, all registers 0), whatever the guest
 * before it on that CPU has left; what it puts there itself is there after any other guest has run;
 * and with CR0.TS, which is the guest's own (fpu_taskswitch, MOV to CR0, CLTS), the first use is
 * #NM, once, with TS clear in the handler. Lazy switching of the hypervisor's own is never to be
 * seen.
 */
#include "tests/guest/lib/check.h"

#define MILLISECOND 1000000ul
#define ROUNDS      40u

struct state {
    uint16_t fcw, fsw;
    uint32_t mxcsr;
    uint64_t xmm[32];
    uint8_t st[128];
};

static uint8_t image[512] __attribute__((aligned(16)));

static void save(struct state *s)
{
    __asm__ volatile("fxsave64 %0" : "=m"(image) : : "memory");
    s->fcw = *(uint16_t *)&image[0];
    s->fsw = *(uint16_t *)&image[2];
    s->mxcsr = *(uint32_t *)&image[24];
    for (unsigned i = 0; i < 128; i++)
        s->st[i] = image[32 + i];
    for (unsigned i = 0; i < 32; i++)
        s->xmm[i] = *(uint64_t *)&image[160 + 8 * i];
}

static void load(uint64_t seed)
{
    for (unsigned i = 0; i < 32; i++)
        *(uint64_t *)&image[160 + 8 * i] = seed * (i + 1);
    for (unsigned i = 0; i < 8; i++)
        for (unsigned b = 0; b < 10; b++)
            image[32 + 16 * i + b] = (uint8_t)(seed + i + b);
    *(uint16_t *)&image[0] = 0x27f;
    *(uint32_t *)&image[24] = 0x1fa0;
    __asm__ volatile("fxrstor64 %0" : : "m"(image) : "memory");
}

static unsigned wrong_words(const struct state *s, uint64_t seed)
{
    unsigned wrong = (s->fcw != 0x27f) + (s->mxcsr != 0x1fa0);

    for (unsigned i = 0; i < 32; i++)
        wrong += s->xmm[i] != seed * (i + 1);
    for (unsigned i = 0; i < 8; i++)
        for (unsigned b = 0; b < 10; b++)
            wrong += s->st[16 * i + b] != (uint8_t)(seed + i + b);
    return wrong;
}

static void at_the_start(void)
{
    struct state s;
    unsigned wrong = 0;

    save(&s);
    test_part("at the start");
    check(s.fcw == 0x37f && s.fsw == 0, "x87", "control %x, status %x", s.fcw, s.fsw);
    check(s.mxcsr == 0x1f80, "SSE", "%x", s.mxcsr);
    for (unsigned i = 0; i < 32; i++)
        wrong += s.xmm[i] != 0;
    for (unsigned i = 0; i < 128; i++)
        wrong += s.st[i] != 0;
    check(wrong == 0, "registers", "%u words that are not 0", wrong);
}

static void while_others_run(void)
{
    unsigned wrong = 0;

    test_part("while others run");
    for (unsigned i = 1; i <= ROUNDS; i++) {
        struct state s;

        load(i * 0x123456789abcdeful);
        time_sleep(i % 4 ? 100000 : 2 * MILLISECOND);
        save(&s);
        wrong += wrong_words(&s, i * 0x123456789abcdeful);
    }
    check(wrong == 0, "what was put there", "%u words have changed", wrong);
}

static void use(void *context)
{
    (void)context;
    __asm__ volatile("fnop");
}

static void use_sse(void *context)
{
    (void)context;
    __asm__ volatile("movaps %%xmm0, %%xmm0" : : : "memory");
}

static uint64_t cr0_ts(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    return v >> 3 & 1;
}

static void task_switched(void)
{
    struct state s;

    test_part("CR0.TS");
    load(77);
    check_trap("without it", use, NULL, -1);
    check_done("fpu_taskswitch(1)", hypercall1(__HYPERVISOR_fpu_taskswitch, 1));
    check(cr0_ts() == 1, "TS", "set");
    time_sleep(2 * MILLISECOND);
    check_trap("x87, after others have run", use, NULL, TRAP_NM);
    check(cr0_ts() == 0, "TS", "clear");
    check_trap("x87 again", use, NULL, -1);
    check_done("fpu_taskswitch(1)", hypercall1(__HYPERVISOR_fpu_taskswitch, 1));
    check_trap("SSE", use_sse, NULL, TRAP_NM);
    check_done("fpu_taskswitch(1)", hypercall1(__HYPERVISOR_fpu_taskswitch, 1));
    check_done("fpu_taskswitch(0)", hypercall1(__HYPERVISOR_fpu_taskswitch, 0));
    check_trap("x87", use, NULL, -1);
    check_done("fpu_taskswitch(1)", hypercall1(__HYPERVISOR_fpu_taskswitch, 1));
    __asm__ volatile("clts");
    check_trap("x87 after CLTS", use, NULL, -1);
    check_done("fpu_taskswitch(2)", hypercall1(__HYPERVISOR_fpu_taskswitch, 2));
    check_trap("x87", use, NULL, TRAP_NM);
    check_done("fpu_taskswitch(1 << 32)", hypercall1(__HYPERVISOR_fpu_taskswitch, 1ul << 32));
    check_trap("x87", use, NULL, -1);
    save(&s);
    check(wrong_words(&s, 77) == 0, "registers", "as they were");
}

int guest_main(void)
{
    at_the_start();
    do {
        while_others_run();
        task_switched();
    } while (test_round());
    return test_end();
}
