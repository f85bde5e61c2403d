/* SPDX-License-Identifier: MIT
 *
 * Emulated writes to page tables against the CPU itself: each instruction of the list is assembled
 * here, run natively on an ordinary quadword, and emulated on an L1 entry; memory, registers and
 * flags must agree. Then what must not be emulated.
 */
#include "hv_mm_test.h"
#include <stdlib.h>

/* The guest's kernel maps its own L1 table read-only at TABLE_VA, in slot 5 of that table. */
#define TABLE_VA (TEST_VA + 4 * PAGE_SIZE)
static struct tree t;

static int setup(void **state)
{
    test_setup(state);
    guest->vm_assist = 1ul << VMASST_TYPE_writable_pagetables;
    t = tree_new(guest);
    entries(t.l1)[pt_index(TABLE_VA, 1)] = pte_make(t.l1, RO);
    assert_int_equal(vcpu_set_kernel_l4(gv, t.l4), 0);
    return 0;
}

/* Every instruction has its operand at (%rdi), a source in %rcx (%cl ...), %rbx, imm; between two
 * labels. */
#define LIST(X)                                 \
    X(mov_q, "movq %rcx, (%rdi)")               \
    X(mov_l, "movl %ecx, (%rdi)")               \
    X(mov_w, "movw %cx, 2(%rdi)")               \
    X(mov_b, "movb %cl, 7(%rdi)")               \
    X(mov_bh, "movb %ch, 1(%rdi)")              \
    X(mov_sil, "movb %sil, 1(%rdi)")            \
    X(mov_iq, "movq $-9, (%rdi)")               \
    X(mov_il, "movl $0x12345678, 4(%rdi)")      \
    X(mov_iw, "movw $0x1234, 6(%rdi)")          \
    X(mov_ib, "movb $0x12, 3(%rdi)")            \
    X(mov_r8, "movq %r8, (%rdi)")               \
    X(mov_sib, "movq %rcx, (%rdi,%rbp,8)")      \
    X(mov_sib0, "movq %rcx, 0x10(%rdi,%r12,2)") \
    X(movnti, "movntiq %rcx, (%rdi)")           \
    X(xchg_q, "xchgq %rcx, (%rdi)")             \
    X(xchg_l, "xchgl %ecx, (%rdi)")             \
    X(xchg_w, "xchgw %cx, (%rdi)")              \
    X(xchg_b, "xchgb %ch, (%rdi)")              \
    X(add_q, "lock addq %rcx, (%rdi)")          \
    X(add_b, "lock addb %cl, (%rdi)")           \
    X(add_ib, "addb $0x7f, (%rdi)")             \
    X(sub_q, "lock subq %rcx, (%rdi)")          \
    X(sub_l, "subl %ecx, 4(%rdi)")              \
    X(sub_iq, "subq $0x12345, (%rdi)")          \
    X(and_q, "lock andq %rcx, (%rdi)")          \
    X(and_b, "lock andb $0xfd, (%rdi)")         \
    X(and_i, "andq $-3, (%rdi)")                \
    X(or_q, "lock orq %rcx, (%rdi)")            \
    X(or_w, "orw $0x8001, (%rdi)")              \
    X(xor_q, "xorq %rcx, (%rdi)")               \
    X(xor_l, "lock xorl $0x5a5a5a5a, (%rdi)")   \
    X(bts_i, "lock btsq $5, (%rdi)")            \
    X(btr_i, "lock btrq $62, (%rdi)")           \
    X(btc_i, "lock btcl $33, (%rdi)")           \
    X(btr_r, "lock btrq %rbx, (%rdi)")          \
    X(bts_rl, "lock btsl %ebx, (%rdi)")         \
    X(btc_w, "btcw %bx, (%rdi)")                \
    X(cmpx_q, "lock cmpxchgq %rcx, (%rdi)")     \
    X(cmpx_l, "lock cmpxchgl %ecx, (%rdi)")     \
    X(cmpx_b, "cmpxchgb %cl, (%rdi)")           \
    X(cmpx8, "lock cmpxchg8b (%rdi)")           \
    X(xadd_q, "lock xaddq %rcx, (%rdi)")        \
    X(xadd_w, "xaddw %cx, (%rdi)")              \
    X(xadd_b, "lock xaddb %ch, (%rdi)")
#define DECLARE(name, text)                                                                        \
    __asm__(".text\n" #name "_s: " text "\n" #name "_e: ret\n.balign 8\n" #name "_l: .quad " #name \
            "_e - " #name "_s\n");                                                                 \
    extern const uint8_t name##_s[] __asm__(#name "_s");                                           \
    extern const uint64_t name##_l __asm__(#name "_l");
LIST(DECLARE)

static const struct {
    const char *name;
    const uint8_t *code;
    const uint64_t *length;
} insns[] = {
#define ROW(name, text) {text, name##_s, &name##_l},
    LIST(ROW)};

struct machine {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r12, rflags;
};

/* Calls the code with these registers and gives back what it made of them. */
__attribute__((naked)) static void native(struct machine *m __attribute__((unused)),
                                          const uint8_t *code __attribute__((unused)))
{
    __asm__("push %rbx; push %rbp; push %r12; push %rdi; mov %rsi, %r11\n"
            "mov 0(%rdi), %rax; mov 8(%rdi), %rbx; mov 16(%rdi), %rcx; mov 24(%rdi), %rdx\n"
            "mov 32(%rdi), %rsi; mov 48(%rdi), %rbp; mov 56(%rdi), %r8; mov 64(%rdi), %r12\n"
            "push 72(%rdi); mov 40(%rdi), %rdi; popf\n"
            "call *%r11\n"
            "pushf; mov 8(%rsp), %rdi; popq 72(%rdi)\n"
            "mov %rax, 0(%rdi); mov %rbx, 8(%rdi); mov %rcx, 16(%rdi); mov %rdx, 24(%rdi)\n"
            "pop %rdi; pop %r12; pop %rbp; pop %rbx; cld; ret\n");
}

static struct regs regs_of(const struct machine *m, const uint8_t *code)
{
    return (struct regs){.rax = m->rax,
                         .rbx = m->rbx,
                         .rcx = m->rcx,
                         .rdx = m->rdx,
                         .rsi = m->rsi,
                         .rdi = m->rdi,
                         .rbp = m->rbp,
                         .r8 = m->r8,
                         .r12 = m->r12,
                         .rflags = m->rflags,
                         .rip = (uint64_t)code};
}

static uint64_t any(void)
{
    return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
}

#define ARITH 0x8d5ul

/* Bytes of one entry: what a store to it may be, without becoming present. */
static void one_round(unsigned i)
{
    static uint64_t memory[3] __attribute__((aligned(32)));
    uint64_t *slot = &entries(t.l1)[20], before;
    struct machine m = {.rax = any(),
                        .rbx = (uint64_t)(random() % 64),
                        .rcx = any(),
                        .rdx = any(),
                        .rsi = any(),
                        .rdi = (uint64_t)memory,
                        .rbp = 0,
                        .r8 = any(),
                        .r12 = (uint64_t)-8l,
                        .rflags = 0x202 | ((unsigned)random() & ARITH)};
    struct regs r;
    uint64_t at;

    /* entries must not be present on either side: clear bit 0 where it would come from */
    before = any() & ~0x1ul;
    m.rcx &= ~0x10101ul;
    m.r8 &= ~1ul;
    m.rsi &= ~1ul;
    if (random() % 2) { /* let compare-and-exchange succeed */
        m.rax = before;
        m.rdx = before >> 32;
    }
    memory[0] = before;
    r = regs_of(&m, insns[i].code);
    r.rdi = TABLE_VA + 20 * 8;
    *slot = before;
    native(&m, insns[i].code);
    if (memory[0] & 1)
        return; /* would be an entry to validate */
    /* the address that faults: the operand's, found by what changed or could have */
    for (at = 0; at < 8; at++) {
        struct regs try = r;

        if (!ptwr_emulate(gv, &try, r.rdi + at))
            continue;
        if (*slot != memory[0] || try.rax != m.rax || try.rcx != m.rcx || try.rdx != m.rdx ||
            try.rbx != m.rbx || (try.rflags ^ m.rflags) & ARITH ||
            try.rip != r.rip + *insns[i].length) {
            fail_msg("%s on %lx with rcx %lx rax %lx: memory %lx, should be %lx; rcx %lx, %lx; rax "
                     "%lx, %lx; flags %lx, %lx; rip +%lu, %lu",
                     insns[i].name, before, r.rcx, r.rax, *slot, memory[0], try.rcx, m.rcx, try.rax,
                     m.rax, try.rflags & ARITH, m.rflags & ARITH, try.rip - r.rip,
                     *insns[i].length);
        }
        return;
    }
    fail_msg("%s is not emulated at any address", insns[i].name);
}

static void instructions_do_what_the_cpu_does(void **state)
{
    (void)state;
    srandom(3);
    for (unsigned i = 0; i < ARRAY_SIZE(insns); i++)
        for (int round = 0; round < 200; round++)
            one_round(i);
}

static bool emulate(const uint8_t *code, uint64_t rcx, unsigned slot)
{
    struct machine m = {.rcx = rcx, .rdi = TABLE_VA + slot * 8, .rflags = 0x202};
    struct regs r = regs_of(&m, code);
    bool done = ptwr_emulate(gv, &r, TABLE_VA + slot * 8);

    if (!done)
        assert_int_equal(r.rip, code);
    return done;
}

static void stores_are_validated(void **state)
{
    mfn_t page = page_of(guest);

    (void)state;
    assert_true(emulate(mov_q_s, pte_make(page, RW), 9));
    assert_int_equal(uses(page), 1);
    assert_true(emulate(xchg_q_s, pte_make(page, RO), 9));
    assert_int_equal(uses(page), 0);
    assert_int_equal(refs(page), 2);
    assert_false(emulate(mov_q_s, pte_make(page_of(zero), RO), 9));
    assert_false(emulate(mov_q_s, pte_make(t.l1, RW), 9));
    assert_false(emulate(mov_q_s, pte_make(mfn(PRETEND_HOLE_START), RW), 9));
    assert_false(emulate(mov_q_s, pte_make(page, RW | PTE_PCD), 9));
    assert_int_equal(entries(t.l1)[9], pte_make(page, RO));
    assert_true(emulate(and_b_s, 0, 9)); /* RW off, of a byte */
    assert_true(emulate(mov_q_s, 0, 9));
    assert_int_equal(refs(page), 1);
}

static void other_things_are_left_alone(void **state)
{
    static const uint8_t movsq[32] = {0x48, 0xa5}, fs_mov[32] = {0x64, 0x48, 0x89, 0x0f},
                         lock_mov[32] = {0xf0, 0x48, 0x89, 0x0f}, adc[32] = {0x48, 0x11, 0x0f},
                         cmpx16[32] = {0xf0, 0x48, 0x0f, 0xc7, 0x0f}, reg[32] = {0x48, 0x89, 0xcf},
                         ud[32] = {0x0f, 0x0b},
                         prefixes[32] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                         0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};
    static const uint8_t *bad[] = {movsq, fs_mov, lock_mov, adc, cmpx16, reg, ud, prefixes};
    struct machine m = {.rdi = TABLE_VA + 72, .rcx = 0, .rflags = 0x202};
    struct regs r;
    mfn_t l2 = t.l2;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(emulate(bad[i], 0, 9));
    r = regs_of(&m, mov_q_s);
    assert_false(ptwr_emulate(gv, &r, TABLE_VA + 80)); /* the code names another address */
    assert_false(ptwr_emulate(gv, &r, TEST_VA));       /* a writable page */
    assert_false(ptwr_emulate(gv, &r, 0x1000));        /* nothing there */
    assert_false(ptwr_emulate(gv, &r, HV_VIRT_START));
    r.rdi = TABLE_VA + 73;
    assert_false(ptwr_emulate(gv, &r, TABLE_VA + 73)); /* misaligned */
    pretend_guest_unmapped(mov_q_s, 2);
    r.rdi = TABLE_VA + 72;
    assert_false(ptwr_emulate(gv, &r, TABLE_VA + 72)); /* the code has gone */
    pretend_guest_unmapped(NULL, 0);
    guest->vm_assist = 0; /* nobody asked for it */
    assert_false(ptwr_emulate(gv, &r, TABLE_VA + 72));
    guest->vm_assist = 1ul << VMASST_TYPE_writable_pagetables;
    assert_true(ptwr_emulate(gv, &r, TABLE_VA + 72));
    /* a table of higher level gets its fault */
    assert_int_equal(update(gv, t.l1, pt_index(TABLE_VA, 1), pte_make(l2, RO)), 0);
    r = regs_of(&m, mov_q_s);
    assert_false(ptwr_emulate(gv, &r, TABLE_VA + 72));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, test_teardown)
    const struct CMUnitTest tests[] = {
        T(instructions_do_what_the_cpu_does),
        T(stores_are_validated),
        T(other_things_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
