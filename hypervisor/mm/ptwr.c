/* SPDX-License-Identifier: MIT
 *
 * Guest kernels write into page tables that they have mapped read-only, as if those were theirs
 * (the ABI wants it so of writable page tables, where the guest has asked for them by vm_assist).
 * The write faults; here its instruction is fetched, decoded, and performed as a validated change
 * of one L1 entry. Only instructions that store to one naturally aligned place of up to 8 bytes
 * inside the faulting entry are taken; for all others, and for values that validation refuses, the
 * guest gets its page fault. Instruction encoding: AMD64 APM vol. 3.
 *
 * The code may have changed since the fault, so nothing of the fault is trusted but its address,
 * which must be what the instruction names.
 */
#include <xen/xen.h>
#include "mm/pt.h"
#include "mm/guest_copy.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "x86/regs.h"

#define MAX_INSN     15u
#define RFLAGS_PF    0x4ul
#define RFLAGS_AF    0x10ul
#define RFLAGS_ZF    0x40ul
#define RFLAGS_SF    0x80ul
#define RFLAGS_OF    0x800ul
#define RFLAGS_ARITH (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

enum action {
    A_NONE,
    A_MOV,
    A_XCHG,
    A_ADD,
    A_OR,
    A_AND,
    A_SUB,
    A_XOR,
    A_BTS,
    A_BTR,
    A_BTC,
    A_CMPXCHG,
    A_CMPXCHG8B,
    A_XADD,
    A_MOVNTI,
};

struct insn {
    uint8_t byte[MAX_INSN];
    unsigned have, at; /* bytes fetched, bytes decoded */
    uint8_t rex;
    bool opsize16, lock;
    enum action action;
    unsigned size;     /* of the memory operand, bytes */
    unsigned reg;      /* ModRM.reg with REX.R */
    unsigned sub;      /* ModRM.reg without */
    unsigned imm_size; /* 0: none */
    uint64_t imm;      /* sign-extended to the operand */
    uint64_t ea;       /* address of the memory operand, the offset of bit operations included */
};

static bool fetch(struct insn *in, uint64_t rip)
{
    size_t first = min((size_t)MAX_INSN, PAGE_SIZE - (rip & ~PAGE_MASK));

    if (copy_from_guest(in->byte, guest_va(rip), first))
        return false;
    in->have = (unsigned)first;
    if (first < MAX_INSN &&
        !copy_from_guest(in->byte + first, guest_va(rip + first), MAX_INSN - first))
        in->have = MAX_INSN;
    return true;
}

/* The next n bytes as a sign-extended number; running past the end makes `at` exceed `have`. */
static int64_t next(struct insn *in, unsigned n)
{
    uint64_t v = 0;

    if (in->at + n > in->have) {
        in->at = MAX_INSN + 1;
        return 0;
    }
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)in->byte[in->at + i] << 8 * i;
    in->at += n;
    return n == 8 ? (int64_t)v : (int64_t)(v << (64 - 8 * n)) >> (64 - 8 * n);
}

static uint64_t *reg_of(struct regs *r, unsigned n)
{
    uint64_t *by_number[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
                               &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
                               &r->r12, &r->r13, &r->r14, &r->r15};

    return by_number[n & 15];
}

static uint64_t low(uint64_t v, unsigned size)
{
    return size == 8 ? v : v & ((1ull << 8 * size) - 1);
}

/* Register operand of `size`; without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
static uint64_t get_reg(struct regs *r, const struct insn *in, unsigned n, unsigned size)
{
    if (size == 1 && !in->rex && n >= 4)
        return *reg_of(r, n - 4) >> 8 & 0xff;
    return low(*reg_of(r, n), size);
}

static void set_reg(struct regs *r, const struct insn *in, unsigned n, unsigned size, uint64_t v)
{
    uint64_t *reg = reg_of(r, n), mask;

    if (size == 1 && !in->rex && n >= 4) {
        reg = reg_of(r, n - 4);
        *reg = (*reg & ~0xff00ull) | (v & 0xff) << 8;
        return;
    }
    mask = size >= 4 ? ~0ull : (1ull << 8 * size) - 1; /* 32-bit results clear the upper half */
    *reg = (*reg & ~mask) | low(v, size);
}

static bool decode_prefixes(struct insn *in)
{
    for (;;) {
        switch (in->at < in->have ? in->byte[in->at] : 0) {
        case 0x66:
            in->opsize16 = true;
            break;
        case 0xf0:
            in->lock = true;
            break;
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x26: /* no effect in 64-bit mode */
            break;
        default:
            if (in->at < in->have && (in->byte[in->at] & 0xf0) == 0x40)
                in->rex = in->byte[in->at++];
            return in->at < in->have;
        }
        in->at++;
    }
}

#define TWO    0x0f00 /* opcodes behind 0F */
#define ANYREG 8      /* ModRM.reg names a register, else it is part of the opcode */

/* Opcodes with a memory operand that they write, but for the arithmetic ones. pair: this one is for
 * bytes, the next for 16, 32 or 64 bits as the others are. */
static const struct {
    uint16_t op;
    uint8_t sub, action, pair,
        imm; /* imm: bytes of immediate, 4: of the operand's size up to that */
} opcodes[] = {
    {0x86, ANYREG, A_XCHG, 1, 0},
    {0x88, ANYREG, A_MOV, 1, 0},
    {0xc6, 0, A_MOV, 1, 4},
    {TWO | 0xab, ANYREG, A_BTS, 0, 0},
    {TWO | 0xb3, ANYREG, A_BTR, 0, 0},
    {TWO | 0xbb, ANYREG, A_BTC, 0, 0},
    {TWO | 0xba, 5, A_BTS, 0, 1},
    {TWO | 0xba, 6, A_BTR, 0, 1},
    {TWO | 0xba, 7, A_BTC, 0, 1},
    {TWO | 0xb0, ANYREG, A_CMPXCHG, 1, 0},
    {TWO | 0xc0, ANYREG, A_XADD, 1, 0},
    {TWO | 0xc3, ANYREG, A_MOVNTI, 0, 0},
    {TWO | 0xc7, 1, A_CMPXCHG8B, 0, 0},
};

/* Finds the action of an opcode, the size of its operand and immediate. */
static bool find_opcode(struct insn *in, unsigned op, unsigned wide)
{
    static const uint8_t arithmetic[8] = {A_ADD, A_OR, A_NONE, A_NONE, A_AND, A_SUB, A_XOR, A_NONE};
    bool by_imm = op == 0x80 || op == 0x81 || op == 0x83; /* ADD to XOR of an immediate */

    in->size = op & 1 ? wide : 1;
    if (by_imm || !(op & ~0x39u)) {
        in->action = arithmetic[by_imm ? in->sub : op >> 3];
        in->imm_size = !by_imm ? 0 : op == 0x83 ? 1 : min(4u, in->size);
        return in->action != A_NONE;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(opcodes); i++) {
        if (opcodes[i].op != (op & ~(unsigned)opcodes[i].pair) ||
            (opcodes[i].sub != ANYREG && opcodes[i].sub != in->sub))
            continue;
        in->action = opcodes[i].action;
        in->size = opcodes[i].pair ? in->size : wide;
        in->imm_size = min((unsigned)opcodes[i].imm, in->size);
        return true;
    }
    return false;
}

static bool decode_opcode(struct insn *in)
{
    unsigned op = in->byte[in->at++], wide = in->rex & 8 ? 8 : in->opsize16 ? 2 : 4;

    if (op == 0x0f && in->at < in->have)
        op = TWO | in->byte[in->at++];
    if (in->at >= in->have)
        return false;
    in->sub = in->byte[in->at] >> 3 & 7;
    in->reg = in->sub | (in->rex & 4) << 1;
    if (!find_opcode(in, op, wide))
        return false;
    if (in->action == A_CMPXCHG8B) {
        in->size = 8;
        return !(in->rex & 8); /* that would be 16 bytes */
    }
    if (in->action == A_MOVNTI) {
        in->action = A_MOV;
        return wide != 2;
    }
    return true;
}

/* ModRM, SIB and displacement: a memory operand only. */
static bool decode_address(struct insn *in, struct regs *r)
{
    unsigned modrm = (uint8_t)next(in, 1), mod = modrm >> 6, rm = modrm & 7;
    bool rip_relative = false;

    in->ea = 0;
    if (mod == 3)
        return false;
    if (rm == 4) {
        unsigned sib = (uint8_t)next(in, 1), index = (sib >> 3 & 7) | (in->rex & 2) << 2;

        if (index != 4)
            in->ea = *reg_of(r, index) << (sib >> 6);
        if ((sib & 7) == 5 && mod == 0)
            in->ea += (uint64_t)next(in, 4);
        else
            in->ea += *reg_of(r, (sib & 7) | (in->rex & 1) << 3);
    } else if (rm == 5 && mod == 0) {
        in->ea = (uint64_t)next(in, 4);
        rip_relative = true;
    } else {
        in->ea = *reg_of(r, rm | (in->rex & 1) << 3);
    }
    if (mod == 1)
        in->ea += (uint64_t)next(in, 1);
    else if (mod == 2)
        in->ea += (uint64_t)next(in, 4);
    if (in->imm_size)
        in->imm = (uint64_t)next(in, in->imm_size);
    if (rip_relative)
        in->ea += r->rip + in->at;
    return true;
}

static bool is_bit_operation(enum action a)
{
    return a == A_BTS || a == A_BTR || a == A_BTC;
}

/* The bit operations' operand: a register offset may lead away from the address named. */
static void bit_offset(struct insn *in, struct regs *r)
{
    unsigned bits = in->size * 8;

    if (!in->imm_size) {
        int64_t offset = (int64_t)(get_reg(r, in, in->reg, in->size) << (64 - bits)) >> (64 - bits);

        in->imm = (uint64_t)offset;
        in->ea += (uint64_t)((offset >> (3 + __builtin_ctz(in->size))) * (int)in->size);
    }
    in->imm &= bits - 1;
}

static bool decode(struct insn *in, struct regs *r)
{
    if (!fetch(in, r->rip) || !decode_prefixes(in) || !decode_opcode(in) ||
        !decode_address(in, r) || in->at > in->have)
        return false;
    if (is_bit_operation(in->action))
        bit_offset(in, r);
    if (in->lock && in->action == A_MOV)
        return false;
    return !(in->ea & (in->size - 1));
}

static uint64_t arith_flags(enum action a, uint64_t x, uint64_t y, uint64_t res, unsigned size)
{
    uint64_t top = 1ull << (8 * size - 1), f = 0;

    res = low(res, size);
    if (a == A_ADD) {
        f |= res < low(x, size) ? RFLAGS_CF : 0;
        f |= ~(x ^ y) & (x ^ res) & top ? RFLAGS_OF : 0;
        f |= (x ^ y ^ res) & RFLAGS_AF;
    } else if (a == A_SUB) {
        f |= low(x, size) < low(y, size) ? RFLAGS_CF : 0;
        f |= (x ^ y) & (x ^ res) & top ? RFLAGS_OF : 0;
        f |= (x ^ y ^ res) & RFLAGS_AF;
    }
    f |= __builtin_parity((unsigned)res & 0xff) ? 0 : RFLAGS_PF;
    f |= res ? 0 : RFLAGS_ZF;
    f |= res & top ? RFLAGS_SF : 0;
    return f;
}

struct effect {
    uint64_t val;    /* to be stored */
    uint64_t rflags; /* afterwards */
    bool old_to_reg; /* XCHG, XADD: reg = what was there */
    bool old_to_acc; /* a CMPXCHG that differs: rAX (rDX) = what was there */
};

/* What the instruction makes of `old`, the memory operand. */
static struct effect compute(const struct insn *in, struct regs *r, uint64_t old)
{
    uint64_t src = in->imm_size ? low(in->imm, in->size) : get_reg(r, in, in->reg, in->size);
    struct effect e = {.val = src, .rflags = r->rflags};
    uint64_t bit = 1ull << (in->imm & 63), acc, both;

    switch (in->action) {
    case A_MOV:
        return e;
    case A_XCHG:
        e.old_to_reg = true;
        return e;
    case A_XADD:
        e.old_to_reg = true;
        /* fall through */
    case A_ADD:
        e.val = old + src;
        e.rflags = (e.rflags & ~RFLAGS_ARITH) | arith_flags(A_ADD, old, src, e.val, in->size);
        return e;
    case A_SUB:
        e.val = old - src;
        break;
    case A_OR:
    case A_AND:
    case A_XOR:
        e.val = in->action == A_OR ? old | src : in->action == A_AND ? old & src : old ^ src;
        break;
    case A_BTS:
    case A_BTR:
    case A_BTC:
        e.val = in->action == A_BTS ? old | bit : in->action == A_BTR ? old & ~bit : old ^ bit;
        e.rflags = (e.rflags & ~RFLAGS_CF) | (old & bit ? RFLAGS_CF : 0);
        return e;
    case A_CMPXCHG:
        acc = low(r->rax, in->size);
        e.old_to_acc = acc != old;
        e.val = acc == old ? src : old;
        e.rflags = (e.rflags & ~RFLAGS_ARITH) | arith_flags(A_SUB, acc, old, acc - old, in->size);
        return e;
    case A_CMPXCHG8B:
        both = (uint64_t)(uint32_t)r->rdx << 32 | (uint32_t)r->rax;
        e.old_to_acc = both != old;
        e.val = both == old ? (uint64_t)(uint32_t)r->rcx << 32 | (uint32_t)r->rbx : old;
        e.rflags = (e.rflags & ~RFLAGS_ZF) | (both == old ? RFLAGS_ZF : 0);
        return e;
    default:
        break;
    }
    e.rflags = (e.rflags & ~RFLAGS_ARITH) | arith_flags(in->action, old, src, e.val, in->size);
    return e;
}

static void finish(struct insn *in, struct regs *r, const struct effect *e, uint64_t old)
{
    if (e->old_to_reg)
        set_reg(r, in, in->reg, in->size, old);
    if (e->old_to_acc && in->action == A_CMPXCHG8B) {
        r->rax = (uint32_t)old;
        r->rdx = old >> 32;
    } else if (e->old_to_acc) {
        set_reg(r, in, 0, in->size, old);
    }
    r->rflags = e->rflags & ~RFLAGS_RF;
    r->rip += in->at;
}

/* The table is locked; only the CPU's walker changes the entry beside us (A and D). */
static bool perform(struct pt_batch *b, uint64_t *slot, struct insn *in, struct regs *r)
{
    unsigned shift = (unsigned)(in->ea & 7) * 8;
    uint64_t mask = low(~0ull, in->size) << shift;
    int rc;

    do {
        uint64_t old = READ_ONCE(*slot), was = low(old >> shift, in->size);
        struct effect e = compute(in, r, was);
        uint64_t val = (old & ~mask) | low(e.val, in->size) << shift;

        rc = pt_write_l1(b, slot, old, val, PT_EXCHANGE);
        if (!rc)
            finish(in, r, &e, was);
    } while (rc == -EAGAIN);
    return !rc;
}

bool ptwr_emulate(struct vcpu *v, struct regs *r, uint64_t va)
{
    struct pt_batch b = {.pt_owner = v->d, .target = v->d};
    struct insn in = {0};
    uint64_t pte = pt_walk(v, va);
    struct frame *f;
    uint64_t *slot;
    bool ok = false;

    if (!(v->d->vm_assist & 1ul << VMASST_TYPE_writable_pagetables))
        return false;
    if (!pte || pte & PTE_RW || !(f = frame_of(pte_mfn(pte))) || frame_owner(f) != v->d ||
        frame_type_now(f) != FRAME_L1)
        return false;
    if (!decode(&in, r) || in.ea != va)
        return false;
    b.level = frame_lock_table(f, v->d);
    if (!b.level)
        return false;
    b.locked = f;
    slot = (uint64_t *)((char *)frame_va(f) + (va & ~PAGE_MASK & ~7ul));
    if (b.level == 1)
        ok = perform(&b, slot, &in, r);
    pt_batch_end(&b);
    return ok;
}
