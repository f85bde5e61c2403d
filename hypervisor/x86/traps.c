/* SPDX-License-Identifier: MIT
 *
 * Exceptions: a guest's are emulated or given to its kernel; the hypervisor's own are mended by a
 * row of .ex_table, or are our end. x86/entry.S calls in with the frame; this file and entry.S are
 * allowed to call up into pv/.
 */
#include "lib/lib.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/init.h"
#include "x86/percpu.h"
#include "x86/traps.h"
#include "mm/pt.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "pv/guest_entry.h"
#include "pv/pv.h"

static const char *const trap_names[32] = {
    "divide error",
    "debug",
    "NMI",
    "breakpoint",
    "overflow",
    "bound",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor segment",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "reserved",
    "x87",
    "alignment check",
    "machine check",
    "SIMD",
    "virtualisation",
    "control protection",
};

void regs_dump(const struct regs *r)
{
    log_error("rip %04x:%016lx  rsp %04x:%016lx  rflags %lx  vector %x error %x", (unsigned)r->cs,
              r->rip, (unsigned)r->ss, r->rsp, r->rflags, r->vector, r->error_code);
    log_error("rax %016lx rbx %016lx rcx %016lx rdx %016lx", r->rax, r->rbx, r->rcx, r->rdx);
    log_error("rsi %016lx rdi %016lx rbp %016lx r8  %016lx", r->rsi, r->rdi, r->rbp, r->r8);
    log_error("r9  %016lx r10 %016lx r11 %016lx r12 %016lx", r->r9, r->r10, r->r11, r->r12);
    log_error("r13 %016lx r14 %016lx r15 %016lx cr2 %016lx cr3 %lx", r->r13, r->r14, r->r15,
              read_cr2(), read_cr3());
}

static bool has_error_code(unsigned vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

static void reflect(struct vcpu *v, struct regs *r)
{
    guest_deliver(v, r, (uint8_t)r->vector, has_error_code(r->vector), r->error_code);
}

/* INT n from a guest arrives as #GP with n in the error code. */
static void software_interrupt(struct vcpu *v, struct regs *r)
{
    unsigned n = (r->error_code >> 3) & 0xff;
    unsigned dpl = v->traps[n].flags & 3;
    bool allowed = v->kernel_mode ? dpl >= 1 : dpl == 3;

    if (!allowed) {
        reflect(v, r);
        return;
    }
    r->rip += 2;
    guest_deliver(v, r, (uint8_t)n, false, 0);
}

/* INT 0x80 needs no #GP: its gate is open to CPL 3. A guest that has no handler gets the #GP. */
static void int_80(struct vcpu *v, struct regs *r)
{
    if (v->traps[0x80].address) {
        guest_deliver(v, r, 0x80, false, 0);
        return;
    }
    r->rip -= 2;
    r->vector = 13;
    r->error_code = 0x80 << 3 | 2;
    reflect(v, r);
}

static void general_protection(struct vcpu *v, struct regs *r)
{
    if ((r->error_code & 3) == 2) /* through the IDT, not external */
        software_interrupt(v, r);
    else if (r->error_code != 0 || !privop_emulate_gp(v, r))
        reflect(v, r);
}

static void reflect_page_fault(struct vcpu *v, struct regs *r, uint64_t cr2)
{
    r->error_code &= ~PF_USER;
    if (!v->kernel_mode)
        r->error_code |= PF_USER;
    /* Faults on the LDT window name the guest's own LDT. */
    if (va_is_hypervisor(cr2))
        cr2 = ldt_guest_address(v, cr2);
    v->cr2 = cr2;
    v->info->arch.cr2 = cr2;
    reflect(v, r);
}

static void page_fault(struct vcpu *v, struct regs *r)
{
    uint64_t cr2 = read_cr2();

    if (unlikely(va_is_hypervisor(cr2)) && !(r->error_code & PF_FETCH) && ldt_fault(v, cr2))
        return;
    if ((r->error_code & (PF_PRESENT | PF_WRITE | PF_RSVD | PF_FETCH)) == (PF_PRESENT | PF_WRITE) &&
        v->kernel_mode && !va_is_hypervisor(cr2) && ptwr_emulate(v, r, cr2)) {
        guest_single_step(v, r);
        return;
    }
    if (unlikely(r->error_code & PF_RSVD))
        panic("reserved bit set in a page table of d%d, address %lx", v->d->id, cr2);
    reflect_page_fault(v, r, cr2);
}

static void debug(struct vcpu *v, struct regs *r)
{
    uint64_t dr6;

    __asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
    __asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
    v->debugreg[6] = (v->debugreg[6] & ~0xful) | dr6;
    reflect(v, r);
}

static void device_not_available(struct vcpu *v, struct regs *r)
{
    if (v->cr0_ts) {
        /* The ABI's #NM clears the guest's TS on the way in. */
        v->cr0_ts = 0;
        clts();
        reflect(v, r);
        return;
    }
    clts();
}

void guest_trap(struct regs *r)
{
    struct vcpu *v = current_vcpu();

    switch (r->vector) {
    case 14:
        page_fault(v, r);
        break;
    case 13:
        general_protection(v, r);
        break;
    case 6:
        if (!privop_emulate_ud(v, r))
            reflect(v, r);
        break;
    case 7:
        device_not_available(v, r);
        break;
    case 1:
        debug(v, r);
        break;
    case 0x80:
        int_80(v, r);
        break;
    default:
        reflect(v, r);
        break;
    }
}

/* The iretq to a guest faulted: its frame is still at the stack's top, its registers are in this
 * trap's frame. The guest gets the fault at the place it was to go to. */
static void __attribute__((noreturn)) guest_iret_fault(struct regs *r)
{
    struct regs *g = guest_regs();
    struct regs copy = *r;

    memcpy(g, &copy, offsetof(struct regs, error_code));
    g->error_code = copy.error_code;
    g->vector = copy.vector;
    if (copy.vector == 14) /* a selector in the LDT, which is not mapped */
        reflect_page_fault(current_vcpu(), g, read_cr2());
    else
        reflect(current_vcpu(), g);
    exit_to_guest();
}

static uint64_t ex_fixup(uint64_t rip)
{
    for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
        if ((uint64_t)&e->fault + (int64_t)e->fault == rip)
            return (uint64_t)&e->fixup + (int64_t)e->fixup;
    return 0;
}

void hypervisor_trap(struct regs *r)
{
    uint64_t fixup;

    if (r->vector == 14 && va_is_hypervisor(read_cr2()) && this_cpu()->current &&
        !this_cpu()->current->is_idle && ldt_fault(current_vcpu(), read_cr2()))
        return;
    if (r->rip == (uint64_t)guest_iret)
        guest_iret_fault(r);
    fixup = ex_fixup(r->rip);
    if (fixup) {
        r->rip = fixup;
        return;
    }
    if (r->vector == 1) { /* a guest's breakpoint on memory that we touched for it, or its TF */
        __asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
        r->rflags &= ~RFLAGS_TF;
        return;
    }
    regs_dump(r);
    panic("%s in the hypervisor",
          r->vector < 32 && trap_names[r->vector] ? trap_names[r->vector] : "trap");
}

void ist_trap(struct regs *r)
{
    if (r->vector == 2) {
        static uint32_t nmis; /* those that hit ourselves may have found the console locked */
        uint32_t n = __atomic_add_fetch(&nmis, 1, __ATOMIC_RELAXED);

        if (regs_from_guest(r))
            log_warn("NMI on CPU %u, the %u. of the machine", this_cpu()->id, n);
        return;
    }
    regs_dump(r);
    panic("%s", trap_names[r->vector]);
}
