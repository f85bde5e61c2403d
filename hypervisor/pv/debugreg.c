/* SPDX-License-Identifier: MIT
 *
 * Debug registers: values that the guest chooses and the CPU really holds while the vCPU
 * is loaded. Breakpoints on hypervisor addresses, general detect and I/O breakpoints without CR4.DE
 * are refused (AMD64 APM vol. 2, 13.1).
 */
#include "lib/lib.h"
#include "hypercall.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "pv/debugreg.h"
#include "pv/pv.h"

#define DR6_FIXED    0xffff0ff0ul
#define DR6_RESERVED 0x1000ul /* reads as 0 */
#define DR7_FIXED    0x400ul
#define DR7_RESERVED 0xd800ul
#define DR7_GD       0x2000ul
#define DR7_ENABLES  0xfful

static void write_hw(unsigned n, uint64_t val)
{
    switch (n) {
    case 0:
        __asm__ volatile("mov %0, %%dr0" : : "r"(val));
        break;
    case 1:
        __asm__ volatile("mov %0, %%dr1" : : "r"(val));
        break;
    case 2:
        __asm__ volatile("mov %0, %%dr2" : : "r"(val));
        break;
    case 3:
        __asm__ volatile("mov %0, %%dr3" : : "r"(val));
        break;
    case 6:
        __asm__ volatile("mov %0, %%dr6" : : "r"(val));
        break;
    case 7:
        __asm__ volatile("mov %0, %%dr7" : : "r"(val));
        break;
    default:
        panic("debug register %u does not exist", n);
    }
}

static bool breakpoints_on(const struct vcpu *v)
{
    return v->debugreg[7] & DR7_ENABLES;
}

/* An I/O breakpoint (R/W field 2) that is enabled. */
static bool has_io_breakpoint(uint64_t dr7)
{
    for (unsigned i = 0; i < 4; i++)
        if ((dr7 >> (i * 2) & 3) && (dr7 >> (16 + i * 4) & 3) == 2)
            return true;
    return false;
}

int vcpu_write_debugreg(struct vcpu *v, unsigned n, uint64_t val)
{
    if (n == 4 || n == 5) {
        if (v->cr4 & CR4_DE)
            return -ENODEV;
        n += 2;
    }
    switch (n) {
    case 0 ... 3:
        if (va_is_hypervisor(val) || !va_is_canonical(val))
            return -EPERM;
        break;
    case 6:
        if (val >> 32)
            return -EINVAL;
        val = (val | DR6_FIXED) & ~DR6_RESERVED;
        break;
    case 7:
        if (val >> 32)
            return -EINVAL;
        if ((val & DR7_GD) || (has_io_breakpoint(val) && !(v->cr4 & CR4_DE)))
            return -EPERM;
        val = (val | DR7_FIXED) & ~DR7_RESERVED;
        break;
    default:
        return -ENODEV;
    }
    v->debugreg[n] = val;
    if (v != current_vcpu())
        return 0;
    if (n == 7) {
        for (unsigned i = 0; breakpoints_on(v) && i < 4; i++)
            write_hw(i, v->debugreg[i]);
        write_hw(7, val);
    } else if (n < 4 && breakpoints_on(v))
        write_hw(n, val);
    return 0;
}

int vcpu_read_debugreg(struct vcpu *v, unsigned n, uint64_t *val)
{
    if (n == 4 || n == 5) {
        if (v->cr4 & CR4_DE)
            return -ENODEV;
        n += 2;
    }
    if (n > 7)
        return -ENODEV;
    *val = v->debugreg[n];
    return 0;
}

void debugregs_switch(const struct vcpu *from, const struct vcpu *to)
{
    if (from && breakpoints_on(from))
        write_hw(7, DR7_FIXED);
    if (!breakpoints_on(to))
        return;
    for (unsigned i = 0; i < 4; i++)
        write_hw(i, to->debugreg[i]);
    write_hw(6, to->debugreg[6]);
    write_hw(7, to->debugreg[7]);
}

long do_set_debugreg(struct hcall *c, void *arg)
{
    (void)arg;
    return vcpu_write_debugreg(c->v, (unsigned)c->a[0], c->a[1]);
}

long do_get_debugreg(struct hcall *c, void *arg)
{
    uint64_t val;
    int err = vcpu_read_debugreg(c->v, (unsigned)c->a[0], &val);

    (void)arg;
    return err ? err : (long)val;
}
