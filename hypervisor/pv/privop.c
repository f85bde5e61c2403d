/* SPDX-License-Identifier: MIT
 *
 * Privileged instructions that a guest executes as if it ran in ring 0 arrive as #GP (or #UD for
 * the forced CPUID prefix); here they are decoded and performed (encodings:
 * AMD64 APM vol. 3). The instruction is fetched once, through the guest's own mapping, and judged
 * from the copy: what the guest changes in its memory meanwhile does not matter. Everything not
 * listed is the guest's own #GP.
 */
#include <xen/xen.h>
#include "lib/lib.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "mm/guest_copy.h"
#include "mm/pt.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "pv/guest_entry.h"
#include "pv/pv.h"

#define MAX_INSN 15

struct insn {
    uint8_t bytes[MAX_INSN];
    unsigned len;    /* bytes fetched */
    unsigned pos;    /* next byte */
    unsigned opcode; /* 0x0fNN for two-byte opcodes */
    uint8_t rex, rep, segment;
    bool opsize16, addr32, bad;
};

/* What an emulation came to. */
enum outcome {
    EMULATED,
    AGAIN,    /* in part: the guest executes it once more */
    NOT_OURS, /* the guest's #GP */
    FAULTED,  /* another exception is queued */
};

static uint8_t next_byte(struct insn *i)
{
    if (i->pos < i->len)
        return i->bytes[i->pos++];
    i->bad = true;
    return 0;
}

static bool fetch(struct insn *i, uint64_t rip)
{
    unsigned first = (unsigned)min((uint64_t)MAX_INSN, PAGE_SIZE - (rip & ~PAGE_MASK));

    memset(i, 0, sizeof(*i));
    if (copy_from_guest(i->bytes, guest_va(rip), first))
        return false;
    i->len = first;
    if (first < MAX_INSN &&
        !copy_from_guest(i->bytes + first, guest_va(rip + first), MAX_INSN - first))
        i->len = MAX_INSN;
    return true;
}

static bool decode_opcode(struct insn *i)
{
    for (;;) {
        uint8_t b = next_byte(i);

        if (i->bad)
            return false;
        if (b == 0x66)
            i->opsize16 = true;
        else if (b == 0x67)
            i->addr32 = true;
        else if (b == 0xf2 || b == 0xf3)
            i->rep = b;
        else if (b == 0x26 || b == 0x2e || b == 0x36 || b == 0x3e || b == 0x64 || b == 0x65)
            i->segment = b;
        else if ((b & 0xf0) == 0x40) {
            i->rex = b;
            continue; /* must come last: anything but an opcode after it voids it */
        } else {
            i->opcode = b == 0x0f ? 0x0f00u | next_byte(i) : b;
            return !i->bad;
        }
        i->rex = 0;
    }
}

static uint64_t *gpr(struct regs *r, unsigned n)
{
    uint64_t *const map[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
                               &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
                               &r->r12, &r->r13, &r->r14, &r->r15};

    return map[n & 15];
}

/* --- ports -------------------------------------------------------------------------------------
 */

static bool bitmap_allows(struct vcpu *v, uint16_t port, unsigned bytes)
{
    uint8_t map[2] = {0xff, 0xff};
    bool user = !v->kernel_mode;
    int fault;

    if (!v->iobmp.v || (uint32_t)port + bytes > v->iobmp_ports)
        return false;
    if (user)
        guest_toggle_mode(v);
    fault = copy_from_guest(map, guest_va(v->iobmp.v + port / 8), (port & 7u) + bytes > 8 ? 2 : 1);
    if (user)
        guest_toggle_mode(v);
    return !fault && !(((map[0] | map[1] << 8) >> (port & 7)) & ((1 << bytes) - 1));
}

/* The virtual privilege level. */
static unsigned cpl(const struct vcpu *v)
{
    return !v->kernel_mode ? 3 : architectural_iopl(v) ? 0 : 1;
}

static bool io_okay(struct vcpu *v, uint16_t port, unsigned bytes)
{
    return cpl(v) <= v->iopl || bitmap_allows(v, port, bytes);
}

static enum outcome do_in(struct vcpu *v, struct regs *r, uint16_t port, unsigned bytes)
{
    uint32_t val;

    if (!io_okay(v, port, bytes))
        return NOT_OURS;
    val = guest_port_in(v, port, bytes);
    if (bytes == 1)
        r->rax = (r->rax & ~0xfful) | (val & 0xff);
    else if (bytes == 2)
        r->rax = (r->rax & ~0xfffful) | (val & 0xffff);
    else
        r->rax = val;
    return EMULATED;
}

static enum outcome do_out(struct vcpu *v, struct regs *r, uint16_t port, unsigned bytes)
{
    if (!io_okay(v, port, bytes))
        return NOT_OURS;
    guest_port_out(v, port, bytes, (uint32_t)r->rax);
    return EMULATED;
}

static uint64_t segment_base(struct vcpu *v, uint8_t prefix)
{
    (void)v;
    if (prefix == 0x64)
        return read_fs_base();
    if (prefix == 0x65)
        return read_gs_base();
    return 0;
}

/* The #PF of an access that we made for the instruction. */
static enum outcome fault_at(struct vcpu *v, uint64_t va, unsigned bytes, bool write)
{
    uint64_t last = va + bytes - 1, pte = pt_walk(v, va);

    if ((last ^ va) & PAGE_MASK && pte && (!write || pte & PTE_RW)) { /* it was the other page */
        va = last & PAGE_MASK;
        pte = pt_walk(v, va);
    }
    guest_inject_page_fault(
        v, va, (pte ? PF_PRESENT : 0) | (write ? PF_WRITE : 0) | (v->kernel_mode ? 0 : PF_USER));
    return FAULTED;
}

/* INS and OUTS, one element, or with REP up to a batch; the guest executes the rest again. */
static enum outcome do_string_io(struct vcpu *v, struct regs *r, const struct insn *i)
{
    bool in = i->opcode < 0x6e;
    unsigned bytes = i->opcode & 1 ? (i->opsize16 ? 2 : 4) : 1;
    uint64_t mask = i->addr32 ? 0xffffffffu : ~0ull;
    uint64_t count = i->rep ? r->rcx & mask : 1,
             step = r->rflags & RFLAGS_DF ? -(uint64_t)bytes : bytes;
    uint64_t *index = in ? &r->rdi : &r->rsi, done = 0;
    uint16_t port = (uint16_t)r->rdx;

    if (count && !io_okay(v, port, bytes))
        return NOT_OURS;
    for (; done < min(count, 1024ull); done++) {
        uint64_t va = (*index & mask) + (in ? 0 : segment_base(v, i->segment));
        uint32_t val;

        if (in) {
            val = guest_port_in(v, port, bytes);
            if (copy_to_guest(guest_va(va), &val, bytes))
                return fault_at(v, va, bytes, true);
        } else {
            val = 0;
            if (copy_from_guest(&val, guest_va(va), bytes))
                return fault_at(v, va, bytes, false);
            guest_port_out(v, port, bytes, val);
        }
        *index = (*index & ~mask) | ((*index + step) & mask);
        if (i->rep)
            r->rcx = (r->rcx & ~mask) | ((r->rcx - 1) & mask);
    }
    return done < count ? AGAIN : EMULATED;
}

/* --- control, debug and model-specific registers ------------------------------------------------
 */

static enum outcome read_cr(struct vcpu *v, unsigned n, uint64_t *val)
{
    switch (n) {
    case 0:
        *val = (read_cr0() & ~CR0_TS) | v->cr0_ts;
        return EMULATED;
    case 2:
        *val = v->cr2;
        return EMULATED;
    case 3:
        *val = mfn_to_maddr(v->kernel_l4);
        return EMULATED;
    case 4:
        *val = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | v->cr4;
        return EMULATED;
    default:
        return NOT_OURS;
    }
}

uint64_t guest_cr4_bits(const struct domain *d)
{
    uint64_t allowed = CR4_TSD | CR4_DE;

    if (cpu.xsave)
        allowed |= CR4_OSXSAVE;
    if (guest_has_feature(d, 7, 1, 0)) /* leaf 7 ebx bit 0: FSGSBASE */
        allowed |= CR4_FSGSBASE;
    return allowed;
}

static enum outcome load_cr3(struct vcpu *v, mfn_t l4)
{
    long budget = pt_budget;
    int err = vcpu_set_kernel_l4_within(v, l4, &budget);

    if (!err)
        return EMULATED;
    return err == -ERESTART ? AGAIN : NOT_OURS;
}

static enum outcome write_cr(struct vcpu *v, unsigned n, uint64_t val)
{
    switch (n) {
    case 0:
        if ((val ^ read_cr0()) & ~CR0_TS)
            return NOT_OURS;
        v->cr0_ts = val & CR0_TS;
        write_cr0(val);
        return EMULATED;
    case 2:
        v->cr2 = val;
        v->info->arch.cr2 = val;
        return EMULATED;
    case 3:
        return load_cr3(v, maddr_to_mfn(val));
    case 4:
        v->cr4 = val & guest_cr4_bits(v->d);
        cpu_load_guest_cr4(v);
        return EMULATED;
    default:
        return NOT_OURS;
    }
}

static enum outcome mov_special(struct vcpu *v, struct regs *r, struct insn *i)
{
    uint8_t modrm = next_byte(i);
    unsigned special = ((modrm >> 3) & 7) | (i->rex & 4 ? 8 : 0);
    uint64_t *reg = gpr(r, (modrm & 7u) | (i->rex & 1 ? 8u : 0));

    if (i->bad)
        return NOT_OURS;
    switch (i->opcode) {
    case 0x0f20:
        return read_cr(v, special, reg);
    case 0x0f22:
        return write_cr(v, special, *reg);
    case 0x0f21:
        return vcpu_read_debugreg(v, special, reg) ? NOT_OURS : EMULATED;
    default:
        return vcpu_write_debugreg(v, special, *reg) ? NOT_OURS : EMULATED;
    }
}

static enum outcome read_msr(struct vcpu *v, struct regs *r)
{
    uint64_t val;

    if (guest_rdmsr(v, (uint32_t)r->rcx, &val)) {
        if (v->traps[13].address)
            return NOT_OURS;
        val = 0; /* before the guest has a #GP handler every MSR reads as 0 */
    }
    r->rax = (uint32_t)val;
    r->rdx = val >> 32;
    return EMULATED;
}

static enum outcome write_msr(struct vcpu *v, struct regs *r)
{
    uint64_t val = (uint32_t)r->rax | r->rdx << 32;

    return guest_wrmsr(v, (uint32_t)r->rcx, val) ? NOT_OURS : EMULATED;
}

static void put_tsc(struct regs *r)
{
    uint64_t t = rdtsc();

    r->rax = (uint32_t)t;
    r->rdx = t >> 32;
}

static void put_cpuid(struct vcpu *v, struct regs *r, bool forced)
{
    uint32_t out[4];

    guest_cpuid(v, (uint32_t)r->rax, (uint32_t)r->rcx, forced, out);
    r->rax = out[0];
    r->rbx = out[1];
    r->rcx = out[2];
    r->rdx = out[3];
}

static enum outcome group_0f01(struct vcpu *v, struct regs *r, struct insn *i)
{
    uint8_t modrm = next_byte(i);

    if (i->bad)
        return NOT_OURS;
    if (modrm == 0xd1 && v->kernel_mode) /* XSETBV */
        return (uint32_t)r->rcx || fpu_set_xcr0(v, (uint32_t)r->rax | r->rdx << 32) ? NOT_OURS
                                                                                    : EMULATED;
    if (modrm == 0xf9 && cpu.rdtscp && (v->kernel_mode || !(v->cr4 & CR4_TSD))) {
        put_tsc(r);
        r->rcx = v->tsc_aux;
        return EMULATED;
    }
    return NOT_OURS;
}

/* What only the guest's kernel may do. */
static enum outcome emulate_kernel(struct vcpu *v, struct regs *r, struct insn *i)
{
    switch (i->opcode) {
    case 0xfa: /* CLI, STI: with IO privilege without effect; the guest's interrupt flag is its
                  upcall mask */
    case 0xfb:
        return cpl(v) <= v->iopl ? EMULATED : NOT_OURS;
    case 0x0f06:
        v->cr0_ts = 0;
        clts();
        return EMULATED;
    case 0x0f09: /* WBINVD */
        if (v->d->privileged)
            wbinvd();
        return EMULATED;
    case 0x0f20:
    case 0x0f21:
    case 0x0f22:
    case 0x0f23:
        return mov_special(v, r, i);
    case 0x0f30:
        return write_msr(v, r);
    case 0x0f32:
        return read_msr(v, r);
    default:
        return NOT_OURS;
    }
}

static enum outcome emulate(struct vcpu *v, struct regs *r, struct insn *i)
{
    unsigned bytes = i->opcode & 1 ? (i->opsize16 ? 2 : 4) : 1;

    switch (i->opcode) {
    case 0x6c ... 0x6f:
        return do_string_io(v, r, i);
    case 0xe4:
    case 0xe5:
        return do_in(v, r, next_byte(i), bytes);
    case 0xec:
    case 0xed:
        return do_in(v, r, (uint16_t)r->rdx, bytes);
    case 0xe6:
    case 0xe7:
        return do_out(v, r, next_byte(i), bytes);
    case 0xee:
    case 0xef:
        return do_out(v, r, (uint16_t)r->rdx, bytes);
    case 0x0f01:
        return group_0f01(v, r, i);
    case 0x0f31:
        if (!v->kernel_mode && (v->cr4 & CR4_TSD))
            return NOT_OURS;
        put_tsc(r);
        return EMULATED;
    case 0x0fa2:
        put_cpuid(v, r, false);
        return EMULATED;
    default:
        return v->kernel_mode ? emulate_kernel(v, r, i) : NOT_OURS;
    }
}

bool privop_emulate_gp(struct vcpu *v, struct regs *r)
{
    struct insn i;
    enum outcome how;

    if (!fetch(&i, r->rip) || !decode_opcode(&i))
        return false;
    how = emulate(v, r, &i);
    switch (how) {
    case FAULTED:
        return true;
    case EMULATED:
    case AGAIN:
        if (i.bad)
            return false;
        if (how == EMULATED)
            r->rip += i.pos;
        r->rflags &= ~RFLAGS_RF;
        guest_single_step(v, r);
        return true;
    default:
        return false;
    }
}

/* ud2a; "xen"; cpuid: the CPUID that the hypervisor wants this guest to see. */
bool privop_emulate_ud(struct vcpu *v, struct regs *r)
{
    static const uint8_t forced_cpuid[7] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
    uint8_t b[7];

    if (copy_from_guest(b, guest_va(r->rip), sizeof(b)) || memcmp(b, forced_cpuid, sizeof(b)))
        return false;
    put_cpuid(v, r, true);
    r->rip += sizeof(b);
    guest_single_step(v, r);
    return true;
}
