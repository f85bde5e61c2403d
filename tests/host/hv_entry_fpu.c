/* SPDX-License-Identifier: MIT
 *
 * Floating-point state that a guest hands in (VCPUOP_initialise), loaded by hypervisor/x86/fpu.c
 * into the CPU that runs this test: FXRSTOR and XRSTOR need no privilege. With a reserved bit of
 * MXCSR or a bad XSAVE header they are a #GP, which in the hypervisor would be the machine's end
 * and here ends the program; TCG loads anything (docs/untested-here.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "pretend.h"
#include "x86/cpu.h"

struct cpu_features cpu;

static struct vcpu here, guest;
static uint8_t image[512] __attribute__((aligned(16)));

void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(sub));
}

static uint64_t host_xcr0(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

/* Loads what the guest handed in, reads MXCSR, and puts this program's own state back. */
static uint32_t load_and_read_mxcsr(void)
{
    uint32_t mxcsr;

    fpu_set_legacy(&guest, image);
    fpu_switch(&here, &guest);
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    fpu_switch(&guest, &here);
    return mxcsr;
}

static void load_everything(void)
{
    uint64_t x = 88172645463325252ull;

    for (unsigned i = 0; i < 2000; i++) {
        for (unsigned n = 0; n < sizeof(image); n++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            image[n] = i == 0 ? 0xff : i == 1 ? 0 : (uint8_t)x;
        }
        /* unmasked exceptions with their flags set would be this program's SIGFPE */
        image[0] |= 0x3f;
        image[24] = 0x80;
        image[25] |= 0x1f;
        assert_int_equal(load_and_read_mxcsr(), (image[25] << 8 | image[24]) & 0xffff);
    }
}

static int setup(void **state)
{
    (void)state;
    pretend_boot();
    memset(&cpu, 0, sizeof(cpu));
    here.fpu = fpu_area_alloc();
    guest.fpu = fpu_area_alloc();
    return here.fpu && guest.fpu ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fpu_area_free(here.fpu);
    fpu_area_free(guest.fpu);
    pretend_leak_check();
    return 0;
}

static void by_fxrstor(void **state)
{
    (void)state;
    load_everything();
}

static void by_xrstor(void **state)
{
    uint32_t r[4];

    (void)state;
    cpuid(1, 0, r);
    if (!(r[2] & 1u << 27)) /* OSXSAVE */
        skip();
    cpuid(0xd, 0, r);
    if (r[1] > PAGE_SIZE) /* more than the hypervisor ever enables */
        skip();
    cpu.xsave = true;
    cpu.xsave_size = r[1];
    cpu.host_xcr0 = here.xcr0 = guest.xcr0 = host_xcr0(); /* no XSETBV, which needs privilege */
    cpuid(0xd, 1, r);
    cpu.xsaveopt = r[0] & 1;
    load_everything();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_fxrstor, setup, teardown),
        cmocka_unit_test_setup_teardown(by_xrstor, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
