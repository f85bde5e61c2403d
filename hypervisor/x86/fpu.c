/* SPDX-License-Identifier: MIT
 *
 * Floating-point and vector state: saved and restored at every switch between guests, so no guest
 * ever sees what another left (there is no lazy switching). With XSAVE all components of host_xcr0
 * are moved, whatever the guest's XCR0 says now: it may have used more before it shrank it.
 *
 * A save area is one page. Zeroed but for FCW and MXCSR it is the reset state in both formats
 * (AMD64 APM vol. 2, 11.5).
 */
#include "x86/cpu.h"
#include "x86/asm.h"
#include "x86/percpu.h"
#include "dom/vcpu.h"
#include "lib/lib.h"
#include "mm/page_alloc.h"

#define FCW_RESET   0x37f
#define MXCSR_RESET 0x1f80u

struct fxsave {
    uint16_t fcw, fsw;
    uint8_t ftw, pad;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[128], xmm[256], rest[96];
};
_Static_assert(sizeof(struct fxsave) == 512, "fxsave");

struct area {
    struct fxsave legacy;
    uint64_t xstate_bv, xcomp_bv, header[6];
};

#define XSTATE_X87 1ul
#define XSTATE_SSE 2ul
#define XSTATE_AVX 4ul

static void xsetbv(uint64_t v)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

void fpu_init(void)
{
    uint32_t r[4];

    if (!cpu.xsave)
        return;
    xsetbv(cpu.host_xcr0);
    if (!cpu.xsave_size) {
        cpuid(0xd, 0, r);
        cpu.xsave_size = r[1];
        if (cpu.xsave_size > PAGE_SIZE)
            panic("the CPU's extended state takes %u bytes; a page was expected to do",
                  cpu.xsave_size);
    }
}

static void reset(struct fxsave *f)
{
    memset(f, 0, sizeof(*f));
    f->fcw = FCW_RESET;
    f->mxcsr = MXCSR_RESET;
}

void *fpu_area_alloc(void)
{
    struct area *a = hv_page_alloc();

    if (a)
        reset(&a->legacy);
    return a;
}

void fpu_area_free(void *area)
{
    hv_page_free(area);
}

static void save(struct area *a)
{
    if (!cpu.xsave)
        __asm__ volatile("fxsave64 %0" : "=m"(a->legacy) : : "memory");
    else if (cpu.xsaveopt)
        __asm__ volatile("xsaveopt64 %0" : "+m"(*a) : "a"(~0u), "d"(~0u) : "memory");
    else
        __asm__ volatile("xsave64 %0" : "+m"(*a) : "a"(~0u), "d"(~0u) : "memory");
}

/* Some AMD CPUs restore the last instruction's and operand's addresses only with a pending
 * exception: they would tell one guest of another. A load of ours overwrites them (AMD64 APM vol.
 * 2, chapter 11). */
static void forget_pointers(void)
{
    static const int32_t anything;

    __asm__ volatile("fnclex\n\temms\n\tfildl %0" : : "m"(anything));
}

static void restore(const struct area *a)
{
    if (cpu.fpu_pointers_stick)
        forget_pointers();
    if (!cpu.xsave)
        __asm__ volatile("fxrstor64 %0" : : "m"(a->legacy) : "memory");
    else
        __asm__ volatile("xrstor64 %0" : : "m"(*a), "a"(~0u), "d"(~0u) : "memory");
}

/* XCR0 as the guest has it; one that never asked has x87 only. */
static uint64_t guest_xcr0(const struct vcpu *v)
{
    return v->xcr0 ? v->xcr0 : XSTATE_X87;
}

void fpu_switch(struct vcpu *from, struct vcpu *to)
{
    bool saves = from && !from->is_idle && from->fpu, loads = to && !to->is_idle && to->fpu;

    if (!saves && !loads)
        return;
    clts();
    if (cpu.xsave && (!saves || guest_xcr0(from) != cpu.host_xcr0))
        xsetbv(cpu.host_xcr0);
    if (saves)
        save(from->fpu);
    if (!loads)
        return;
    restore(to->fpu);
    to->fpu_used = true;
    if (cpu.xsave && guest_xcr0(to) != cpu.host_xcr0)
        xsetbv(guest_xcr0(to));
    if (to->cr0_ts)
        write_cr0(read_cr0() | CR0_TS);
}

int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0)
{
    uint64_t avx512 = 0xe0;

    if (!cpu.xsave || !(xcr0 & XSTATE_X87) || xcr0 & ~cpu.host_xcr0 ||
        (xcr0 & XSTATE_AVX && !(xcr0 & XSTATE_SSE)) ||
        (xcr0 & avx512 && ((xcr0 & avx512) != avx512 || !(xcr0 & XSTATE_AVX))))
        return -EINVAL;
    v->xcr0 = xcr0;
    xsetbv(xcr0);
    return 0;
}

void fpu_set_legacy(struct vcpu *v, const void *fxsave)
{
    struct area *a = v->fpu;

    memset(a, 0, PAGE_SIZE);
    memcpy(&a->legacy, fxsave, sizeof(a->legacy));
    a->legacy.mxcsr &= 0xffff; /* reserved bits would fault in our hands */
    if (cpu.xsave)
        a->xstate_bv = XSTATE_X87 | XSTATE_SSE;
}

void fpu_get_legacy(struct vcpu *v, void *fxsave)
{
    const struct area *a = v->fpu;
    struct fxsave f = a->legacy, init;

    reset(&init);
    if (cpu.xsave && !(a->xstate_bv & XSTATE_X87)) {
        memcpy(&f, &init, offsetof(struct fxsave, mxcsr));
        memset(f.st, 0, sizeof(f.st));
    }
    if (cpu.xsave && !(a->xstate_bv & XSTATE_SSE))
        memset(f.xmm, 0, sizeof(f.xmm));
    memcpy(fxsave, &f, sizeof(f));
}
