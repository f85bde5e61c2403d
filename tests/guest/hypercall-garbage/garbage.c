/* SPDX-License-Identifier: MIT */
/* Places, contents and repairs of garbage.h. */
#include "garbage.h"
#include "guest-abi/kit/internal.h"
#include "tests/guest/lib/check.h"

#include <xen/callback.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define HV_M2P       0xffff800000000000ul
#define HV_DIRECTMAP 0xffff830000000000ul
#define HV_LAST      0xffff87fffffffff8ul
#define HOLE         0x0000800000000000ul
#define STRUCTURES   16u
#define RESET_CONT   14u /* EVTCHNOP_reset gone on with, whose name guests do not have */

static char *places;         /* two pages of address space: one mapped, one not */
static char *page;           /* the mapped one, in the window */
static char *frozen;         /* a page that is mapped read-only */
static uint64_t *structures; /* a page each */
static unsigned long state = 88172645463325252ul;

static const domid_t domids[] = {0,         999,       DOMID_SELF,    DOMID_IO,
                                 DOMID_XEN, DOMID_COW, DOMID_INVALID, 0xffff};

static pte_t entry_of(const void *va, pte_t flags)
{
    return virt_to_mfn(va) << PAGE_SHIFT | flags | PTE_P | PTE_US | PTE_A | PTE_D;
}

void garbage_init(void)
{
    places = va_reserve(2);
    page = pages_alloc(1);
    frozen = pages_alloc(1);
    structures = pages_alloc(STRUCTURES);
    test_need(page && frozen && structures, "no memory");
    test_need(!map_page(places, entry_of(page, PTE_RW)), "no page before a hole");
    test_need(!page_readonly(frozen), "no read-only page");
}

void garbage_seed(unsigned long seed)
{
    state = seed ? seed : 1;
}

static unsigned long next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* What an earlier call has written there is gone. */
static void clear_edges(void)
{
    uint64_t *words = (uint64_t *)page;

    for (unsigned i = 0; i < 16; i++)
        words[i] = words[PAGE_SIZE / 8 - 1 - i] = 0;
}

bool garbage_value(unsigned n, unsigned long *value)
{
    const unsigned long values[] = {
        0,
        1,
        ~0ul,
        ~0ul - 7, /* wraps */
        HV_M2P,
        HV_DIRECTMAP,
        HV_DIRECTMAP + 3,
        HV_LAST,
        HV_M2P - 8, /* ends where the hypervisor begins */
        HOLE,
        HOLE - 8,
        1ul << 63,
        0xfffffffful,
        1ul << 32,
        (unsigned long)places + PAGE_SIZE,     /* not mapped */
        (unsigned long)places + PAGE_SIZE - 4, /* runs out of its page */
        (unsigned long)places + PAGE_SIZE - 1,
        (unsigned long)frozen,
        (unsigned long)page + 1,
        (unsigned long)page,
    };

    if (n >= sizeof(values) / sizeof(values[0]))
        return false;
    *value = values[n];
    clear_edges();
    return true;
}

static void fill(char *to, unsigned n)
{
    uint64_t *words = (uint64_t *)to;

    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        switch (n) {
        case 0:
            words[i] = 0;
            break;
        case 1:
            words[i] = ~0ul;
            break;
        case 2: /* numbers that are too big by sign only */
            words[i] = 0x8000000080000000ul;
            break;
        case 3:
            words[i] = 0x7fffffff7ffffffful;
            break;
        case 4: /* pointers into the hypervisor */
            words[i] = HV_DIRECTMAP + i * 8;
            break;
        case 5 ... 12:
            words[i] = domids[n - 5] * 0x0001000100010001ul;
            break;
        default:
            words[i] = next();
        }
}

bool garbage_structure(unsigned n, unsigned long *address)
{
    char *at = (char *)structures + n * PAGE_SIZE;

    if (n >= STRUCTURES)
        return false;
    fill(at, n);
    *address = (unsigned long)at;
    return true;
}

unsigned long garbage_random(void)
{
    unsigned long value = next();

    switch (next() % 4) {
    case 0:
        while (!garbage_value((unsigned)(next() % 32), &value))
            ;
        return value;
    case 1:
        garbage_structure((unsigned)(next() % STRUCTURES), &value);
        return value + (next() % 8 ? 0 : next() % PAGE_SIZE);
    case 2:
        return value >> next() % 64;
    default:
        return value;
    }
}

long garbage_call(unsigned long op, const unsigned long a[ARGUMENTS])
{
    unsigned long rdi = a[0], rsi = a[1], rdx = a[2], four = a[3], five = a[4], six = a[5];
    register unsigned long r10 __asm__("r10") = four;
    register unsigned long r8 __asm__("r8") = five;
    register unsigned long r9 __asm__("r9") = six;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "0"(op)
                     : "rcx", "r11", "memory");
    return ret;
}

bool garbage_forbidden(unsigned long op, const unsigned long a[ARGUMENTS])
{
    switch ((uint32_t)op) {
    case __HYPERVISOR_iret:         /* tests/guest/iret */
    case __HYPERVISOR_stack_switch: /* any value is a stack until an exception comes */
    case __HYPERVISOR_multicall:    /* tests/guest/multicall */
        return true;
    case __HYPERVISOR_sched_op_compat: /* yield, block, shutdown: old, but Xen has it */
        return (uint32_t)a[0] <= 2;
    case __HYPERVISOR_sched_op:
        return (uint32_t)a[0] >= SCHEDOP_block && (uint32_t)a[0] <= SCHEDOP_watchdog;
    case __HYPERVISOR_vcpu_op:
        return (uint32_t)a[0] == VCPUOP_down;
    case __HYPERVISOR_event_channel_op: /* all ports closed: the console's too */
        return (uint32_t)a[0] == EVTCHNOP_reset || (uint32_t)a[0] == RESET_CONT;
    default:
        return false;
    }
}

static void restore_vcpu(void)
{
    struct vcpu_register_runstate_memory_area runstate = {.addr.p = 0};
    struct vcpu_register_time_memory_area time = {.addr.p = 0};
    struct physdev_set_iobitmap bitmap = {.nr_ports = 0};

    hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
               (unsigned long)&runstate);
    hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0,
               (unsigned long)&time);
    hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0);
    hypercall_op(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, &bitmap);
}

static void restore_page(void *va)
{
    if (map_page(va, entry_of(va, va == frozen ? 0 : PTE_RW)))
        guest_panic("a page cannot be mapped again");
}

static void restore_mappings(void)
{
    for (unsigned i = 0; i < STRUCTURES; i++)
        restore_page((char *)structures + i * PAGE_SIZE);
    restore_page(page);
    restore_page(frozen);
    if (map_page(places, entry_of(page, PTE_RW)) || map_page(places + PAGE_SIZE, 0))
        guest_panic("a page cannot be mapped again");
}

void garbage_restore(unsigned long op)
{
    switch ((uint32_t)op) {
    case __HYPERVISOR_set_trap_table:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_nmi_op:
        traps_init();
        break;
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_update_va_mapping_otherdomain:
    case __HYPERVISOR_mmu_update:
    case __HYPERVISOR_mmuext_op:
        restore_mappings();
        break;
    case __HYPERVISOR_vcpu_op:
    case __HYPERVISOR_physdev_op:
        restore_vcpu();
        break;
    case __HYPERVISOR_set_timer_op:
        hypercall1(__HYPERVISOR_set_timer_op, 0);
        break;
    case __HYPERVISOR_fpu_taskswitch:
        hypercall1(__HYPERVISOR_fpu_taskswitch, 0);
        break;
    case __HYPERVISOR_vm_assist:
        for (unsigned type = 0; type < 64; type++)
            hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_disable, type);
        break;
    case __HYPERVISOR_set_gdt:
        hypercall2(__HYPERVISOR_set_gdt, 0, 0);
        break;
    case __HYPERVISOR_set_debugreg:
        hypercall2(__HYPERVISOR_set_debugreg, 7, 0);
        break;
    case __HYPERVISOR_set_segment_base:
        for (unsigned which = 0; which < 3; which++)
            hypercall2(__HYPERVISOR_set_segment_base, which, 0);
        break;
    default:
        break;
    }
}
