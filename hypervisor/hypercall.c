/* SPDX-License-Identifier: MIT
 *
 * THE table: every hypercall that exists, one row per (op, sub-op), with the policy beside the
 * handler. A row says how many bytes of argument are copied in, from which argument register,
 * whether they are copied back, and who may call. What has no row answers -ENOSYS.
 *
 * Multicalls run the same rows. A handler that wants to go on later (-ERESTART, hypercall.h) has
 * put its state into c->a[]: the dispatcher writes them to the guest's registers (or to the
 * multicall entry) and steps back to the SYSCALL.
 */
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include "hypercall.h"
#include "version.h"
#include "comms/evtchn.h"
#include "comms/grant.h"
#include "dev/console.h"
#include "dev/dev.h"
#include "dom/domain.h"
#include "dom/sched.h"
#include "dom/vcpu.h"
#include "mm/guest_copy.h"
#include "mm/memory.h"
#include "mm/pt.h"
#include "pv/guest_entry.h"
#include "pv/pv.h"
#include "x86/percpu.h"
#include "x86/regs.h"
#include "x86/time.h"

#define SYSCALL_LENGTH 2u
#define BUDGET         MICROSECONDS(100)
#define MAX_ARG        160u

#define PRIV           1u  /* privileged domains only: -EPERM */
#define BACK           2u  /* the structure is copied back, also when the handler fails */
#define FIXED          8u  /* answers `answer`, without a handler */
#define NOMC           4u  /* not in a multicall */
#define COUNTS         16u /* answers how many extents are done, never an error */

struct row {
    hcall_fn *fn;
    uint16_t size; /* bytes copied in and handed over as arg; 0: none */
    uint8_t flags;
    int answer; /* FIXED */
};

/* An op is one row, or a table of rows indexed by the sub-op in a[0] & cmd_mask; the structure's
 * address is in a[arg]. */
struct op {
    struct row row;
    const struct row *subs;
    uint16_t nr_subs;
    uint8_t arg;
    uint64_t cmd_mask;
};

#define S(type) sizeof(struct type)

static const struct row event_channel_ops[] = {
    [EVTCHNOP_bind_interdomain] = {evtchnop_bind_interdomain, S(evtchn_bind_interdomain), BACK},
    [EVTCHNOP_bind_virq] = {evtchnop_bind_virq, S(evtchn_bind_virq), BACK},
    [EVTCHNOP_bind_pirq] = {evtchnop_bind_pirq, S(evtchn_bind_pirq), BACK},
    [EVTCHNOP_close] = {evtchnop_close, S(evtchn_close), 0},
    [EVTCHNOP_send] = {evtchnop_send, S(evtchn_send), 0},
    [EVTCHNOP_status] = {evtchnop_status, S(evtchn_status), BACK},
    [EVTCHNOP_alloc_unbound] = {evtchnop_alloc_unbound, S(evtchn_alloc_unbound), BACK},
    [EVTCHNOP_bind_ipi] = {evtchnop_bind_ipi, S(evtchn_bind_ipi), BACK},
    [EVTCHNOP_bind_vcpu] = {evtchnop_bind_vcpu, S(evtchn_bind_vcpu), 0},
    [EVTCHNOP_unmask] = {evtchnop_unmask, S(evtchn_unmask), 0},
    [EVTCHNOP_reset] = {evtchnop_reset, S(evtchn_reset), 0},
    [EVTCHNOP_init_control] = {evtchnop_init_control, S(evtchn_init_control), BACK},
    [EVTCHNOP_expand_array] = {evtchnop_expand_array, S(evtchn_expand_array), 0},
    [EVTCHNOP_set_priority] = {evtchnop_set_priority, S(evtchn_set_priority), 0},
};

static const struct row sched_ops[] = {
    [SCHEDOP_yield] = {schedop_yield, 0, 0},
    [SCHEDOP_block] = {schedop_block, 0, 0},
    [SCHEDOP_shutdown] = {schedop_shutdown, S(sched_shutdown), 0},
    [SCHEDOP_poll] = {schedop_poll, S(sched_poll), 0},
    [SCHEDOP_remote_shutdown] = {schedop_remote_shutdown, S(sched_remote_shutdown), PRIV},
    [SCHEDOP_shutdown_code] = {schedop_shutdown_code, S(sched_shutdown), 0},
    [SCHEDOP_watchdog] = {schedop_watchdog, S(sched_watchdog), 0},
};

static const struct row vcpu_ops[] = {
    [VCPUOP_initialise] = {vcpuop_initialise, 0, 0},
    [VCPUOP_up] = {vcpuop_up, 0, 0},
    [VCPUOP_down] = {vcpuop_down, 0, 0},
    [VCPUOP_is_up] = {vcpuop_is_up, 0, 0},
    [VCPUOP_get_runstate_info] = {vcpuop_get_runstate_info, 0, 0},
    [VCPUOP_register_runstate_memory_area] = {vcpuop_register_runstate_memory_area,
                                              S(vcpu_register_runstate_memory_area), 0},
    [VCPUOP_set_periodic_timer] = {vcpuop_set_periodic_timer, S(vcpu_set_periodic_timer), 0},
    [VCPUOP_stop_periodic_timer] = {vcpuop_stop_periodic_timer, 0, 0},
    [VCPUOP_set_singleshot_timer] = {vcpuop_set_singleshot_timer, S(vcpu_set_singleshot_timer), 0},
    [VCPUOP_stop_singleshot_timer] = {vcpuop_stop_singleshot_timer, 0, 0},
    [VCPUOP_register_vcpu_info] = {vcpuop_register_vcpu_info, S(vcpu_register_vcpu_info), 0},
    [VCPUOP_send_nmi] = {vcpuop_send_nmi, 0, 0},
    [VCPUOP_register_vcpu_time_memory_area] = {vcpuop_register_vcpu_time_memory_area,
                                               S(vcpu_register_time_memory_area), 0},
};

static const struct row memory_ops[] = {
    [XENMEM_increase_reservation] = {xenmem_increase_reservation, S(xen_memory_reservation),
                                     COUNTS},
    [XENMEM_decrease_reservation] = {xenmem_decrease_reservation, S(xen_memory_reservation),
                                     COUNTS},
    [XENMEM_populate_physmap] = {xenmem_populate_physmap, S(xen_memory_reservation), COUNTS},
    [XENMEM_exchange] = {xenmem_exchange, S(xen_memory_exchange), BACK},
    [XENMEM_maximum_ram_page] = {xenmem_maximum_ram_page, 0, 0},
    [XENMEM_current_reservation] = {xenmem_current_reservation, sizeof(domid_t), 0},
    [XENMEM_maximum_reservation] = {xenmem_maximum_reservation, sizeof(domid_t), 0},
    [XENMEM_maximum_gpfn] = {xenmem_maximum_gpfn, sizeof(domid_t), 0},
    [XENMEM_machphys_mfn_list] = {xenmem_machphys_mfn_list, S(xen_machphys_mfn_list), BACK},
    [XENMEM_machphys_mapping] = {xenmem_machphys_mapping, S(xen_machphys_mapping), BACK},
    [XENMEM_memory_map] = {xenmem_memory_map, S(xen_memory_map), BACK},
    [XENMEM_machine_memory_map] = {xenmem_machine_memory_map, S(xen_memory_map), BACK | PRIV},
    [XENMEM_set_memory_map] = {xenmem_set_memory_map, S(xen_foreign_memory_map), PRIV},
    [XENMEM_claim_pages] = {xenmem_claim_pages, S(xen_memory_reservation), PRIV},
    [XENMEM_acquire_resource] = {xenmem_acquire_resource, S(xen_mem_acquire_resource), BACK | PRIV},
    /* nothing is ever shared or paged, and PV domains keep their own physical map */
    [XENMEM_get_sharing_freed_pages] = {NULL, 0, FIXED, 0},
    [XENMEM_get_sharing_shared_pages] = {NULL, 0, FIXED, 0},
    [XENMEM_reserved_device_memory_map] = {xenmem_reserved_device_memory_map,
                                           S(xen_reserved_device_memory_map), BACK | PRIV},
    [XENMEM_add_to_physmap] = {NULL, 0, FIXED, -EACCES},
    [XENMEM_remove_from_physmap] = {NULL, 0, FIXED, -EACCES},
};

static const struct row physdev_ops[] = {
    [PHYSDEVOP_irq_status_query] = {physdevop_irq_status_query, S(physdev_irq_status_query), BACK},
    [PHYSDEVOP_set_iopl] = {physdevop_set_iopl, S(physdev_set_iopl), 0},
    [PHYSDEVOP_set_iobitmap] = {physdevop_set_iobitmap, S(physdev_set_iobitmap), 0},
    [PHYSDEVOP_apic_read] = {physdevop_apic_read, S(physdev_apic), BACK | PRIV},
    [PHYSDEVOP_apic_write] = {NULL, 0, FIXED, -EPERM}, /* the registers are the hypervisor's */
    [PHYSDEVOP_alloc_irq_vector] = {physdevop_alloc_irq_vector, S(physdev_irq), BACK | PRIV},
    [PHYSDEVOP_eoi] = {physdevop_eoi, S(physdev_eoi), 0},
    [PHYSDEVOP_map_pirq] = {physdevop_map_pirq, S(physdev_map_pirq), BACK | PRIV},
    [PHYSDEVOP_unmap_pirq] = {physdevop_unmap_pirq, S(physdev_unmap_pirq), PRIV},
    [PHYSDEVOP_manage_pci_add] = {physdevop_manage_pci_add, S(physdev_manage_pci), PRIV},
    [PHYSDEVOP_manage_pci_remove] = {physdevop_manage_pci_remove, S(physdev_manage_pci), PRIV},
    [PHYSDEVOP_restore_msi] = {physdevop_restore_msi, S(physdev_restore_msi), PRIV},
    [PHYSDEVOP_setup_gsi] = {physdevop_setup_gsi, S(physdev_setup_gsi), PRIV},
    [PHYSDEVOP_get_free_pirq] = {physdevop_get_free_pirq, S(physdev_get_free_pirq), BACK | PRIV},
    [PHYSDEVOP_pci_device_add] = {physdevop_pci_device_add, S(physdev_pci_device_add), PRIV},
    [PHYSDEVOP_pci_device_remove] = {physdevop_pci_device_remove, S(physdev_pci_device), PRIV},
    [PHYSDEVOP_restore_msi_ext] = {physdevop_restore_msi_ext, S(physdev_pci_device), PRIV},
    [PHYSDEVOP_pirq_eoi_gmfn_v2] = {physdevop_pirq_eoi_gmfn, S(physdev_pirq_eoi_gmfn), 0},
};

static const struct row callback_ops[] = {
    [CALLBACKOP_register] = {callbackop_register, S(callback_register), 0},
    [CALLBACKOP_unregister] = {callbackop_unregister, S(callback_unregister), 0},
};

static const struct row console_ops[] = {
    [CONSOLEIO_write] = {consoleio_write, 0, PRIV},
    [CONSOLEIO_read] = {consoleio_read, 0, PRIV},
};

static const struct row version_ops[] = {
    [XENVER_version] = {NULL, 0, FIXED, 4 << 16 | 17},
    [XENVER_extraversion] = {xenver_extraversion, 0, 0},
    [XENVER_compile_info] = {xenver_compile_info, 0, 0},
    [XENVER_capabilities] = {xenver_capabilities, 0, 0},
    [XENVER_changeset] = {xenver_changeset, 0, 0},
    [XENVER_platform_parameters] = {xenver_platform_parameters, 0, 0},
    [XENVER_get_features] = {xenver_get_features, S(xen_feature_info), BACK},
    [XENVER_pagesize] = {NULL, 0, FIXED, PAGE_SIZE},
    [XENVER_guest_handle] = {xenver_guest_handle, 0, 0},
    [XENVER_commandline] = {xenver_commandline, 0, PRIV},
    [XENVER_build_id] = {NULL, 0, FIXED, -ENODATA},
};

static hcall_fn do_multicall, do_vm_assist;

#define SUBS(table, argn, mask)                                                          \
    {                                                                                    \
        .subs = (table), .nr_subs = ARRAY_SIZE(table), .arg = (argn), .cmd_mask = (mask) \
    }
#define ROW(...)               \
    {                          \
        .row = { __VA_ARGS__ } \
    }
#define ALL_BITS 0xffffffffu

static const struct op ops[] = {
    [__HYPERVISOR_set_trap_table] = ROW(do_set_trap_table, 0, 0),
    [__HYPERVISOR_mmu_update] = ROW(do_mmu_update, 0, 0),
    [__HYPERVISOR_set_gdt] = ROW(do_set_gdt, 0, 0),
    [__HYPERVISOR_stack_switch] = ROW(do_stack_switch, 0, 0),
    [__HYPERVISOR_set_callbacks] = ROW(do_set_callbacks, 0, 0),
    [__HYPERVISOR_fpu_taskswitch] = ROW(do_fpu_taskswitch, 0, 0),
    [__HYPERVISOR_platform_op] = ROW(do_platform_op, S(xen_platform_op), BACK | PRIV),
    [__HYPERVISOR_set_debugreg] = ROW(do_set_debugreg, 0, 0),
    [__HYPERVISOR_get_debugreg] = ROW(do_get_debugreg, 0, 0),
    [__HYPERVISOR_update_descriptor] = ROW(do_update_descriptor, 0, 0),
    [__HYPERVISOR_memory_op] = SUBS(memory_ops, 1, 0x3f),
    [__HYPERVISOR_multicall] = ROW(do_multicall, 0, NOMC),
    [__HYPERVISOR_update_va_mapping] = ROW(do_update_va_mapping, 0, 0),
    [__HYPERVISOR_set_timer_op] = ROW(do_set_timer_op, 0, 0),
    [__HYPERVISOR_xen_version] = SUBS(version_ops, 1, ALL_BITS),
    [__HYPERVISOR_console_io] = SUBS(console_ops, 2, ALL_BITS),
    [__HYPERVISOR_grant_table_op] = ROW(do_grant_table_op, 0, 0),
    [__HYPERVISOR_vm_assist] = ROW(do_vm_assist, 0, 0),
    [__HYPERVISOR_update_va_mapping_otherdomain] = ROW(do_update_va_mapping_otherdomain, 0, 0),
    [__HYPERVISOR_iret] = ROW(do_iret, 0, NOMC), /* hypercall_entry() knows it */
    [__HYPERVISOR_vcpu_op] = SUBS(vcpu_ops, 2, ALL_BITS),
    [__HYPERVISOR_set_segment_base] = ROW(do_set_segment_base, 0, 0),
    [__HYPERVISOR_mmuext_op] = ROW(do_mmuext_op, 0, 0),
    [__HYPERVISOR_nmi_op] = ROW(do_nmi_op, 0, 0),
    [__HYPERVISOR_sched_op] = SUBS(sched_ops, 1, ALL_BITS),
    [__HYPERVISOR_callback_op] = SUBS(callback_ops, 1, ALL_BITS),
    [__HYPERVISOR_event_channel_op] = SUBS(event_channel_ops, 1, ALL_BITS),
    [__HYPERVISOR_physdev_op] = SUBS(physdev_ops, 1, ALL_BITS),
    [__HYPERVISOR_sysctl] = ROW(do_sysctl, S(xen_sysctl), BACK | PRIV),
    [__HYPERVISOR_domctl] = ROW(do_domctl, S(xen_domctl), BACK | PRIV),
};

/* The row of a call and the register that holds its structure's address; NULL: no such call. */
static const struct row *find_row(uint64_t nr, const struct hcall *c, unsigned *arg)
{
    const struct op *op;

    if (nr >= ARRAY_SIZE(ops))
        return NULL;
    op = &ops[nr];
    *arg = op->arg;
    if (op->subs) {
        uint64_t sub = c->a[0] & op->cmd_mask;

        return sub < op->nr_subs && (op->subs[sub].fn || op->subs[sub].flags & FIXED)
                   ? &op->subs[sub]
                   : NULL;
    }
    return op->row.fn ? &op->row : NULL;
}

static long call_row(const struct row *row, struct hcall *c, unsigned argn)
{
    uint64_t buf[MAX_ARG / 8];
    guest_va_t where = guest_va(c->a[argn]);
    long ret;

    ret = copy_from_guest(buf, where, row->size) ? -EFAULT : row->fn(c, buf);
    if ((row->flags & COUNTS) && ret < 0 && ret != -ERESTART)
        return memory_extents_done(c);
    if ((row->flags & BACK) && ret != -EFAULT && copy_to_guest(where, buf, row->size))
        return -EFAULT;
    return ret;
}

/* Said once for each number: tools ask some of them at every start. */
static void log_unknown(uint64_t nr, const struct hcall *c)
{
    static uint64_t said;
    uint64_t bit = 1ull << (nr & 63);

    if (!(__atomic_fetch_or(&said, bit, __ATOMIC_RELAXED) & bit))
        guest_log("hypercall %lu, sub-op %lx: not available", nr, c->a[0]);
}

static long dispatch(uint64_t nr, struct hcall *c, unsigned refused)
{
    unsigned argn = 0;
    const struct row *row = find_row(nr, c, &argn);

    if (unlikely(!row)) {
        log_unknown(nr, c);
        return -ENOSYS;
    }
    if (unlikely(row->flags & refused))
        return -EINVAL;
    if (unlikely((row->flags & PRIV) && !c->d->privileged))
        return -EPERM;
    if (!row->fn)
        return row->answer;
    return row->size ? call_row(row, c, argn) : row->fn(c, NULL);
}

bool hcall_out_of_budget(const struct hcall *)
{
    struct pcpu *p = this_cpu();

    if (!p->hcall_deadline) {
        p->hcall_deadline = now() + BUDGET;
        return false;
    }
    return now() >= p->hcall_deadline;
}

void hypercall_entry(struct regs *r)
{
    struct vcpu *v = current_vcpu();
    struct hcall c = {.a = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9}, .v = v, .d = v->d};
    long ret;

    this_cpu()->hcall_deadline = 0;
    if ((uint32_t)r->rax == __HYPERVISOR_iret) { /* has no result: all registers are the frame's */
        do_iret(&c, NULL);
        return;
    }
    ret = dispatch((uint32_t)r->rax, &c, 0);
    if (unlikely(ret == -ERESTART)) {
        r->rdi = c.a[0];
        r->rsi = c.a[1];
        r->rdx = c.a[2];
        r->r10 = c.a[3];
        r->r8 = c.a[4];
        r->r9 = c.a[5];
        r->rip -= SYSCALL_LENGTH;
        return;
    }
    r->rax = (uint64_t)ret;
}

/* multicall(entries, n): every entry runs, its result is stored; -EFAULT alone ends the list. */
static long do_multicall(struct hcall *c, void *)
{
    c->a[1] = (uint32_t)c->a[1];
    while (c->a[1]) {
        guest_va_t at = guest_va(c->a[0]);
        struct multicall_entry e;
        struct hcall sub = {.v = c->v, .d = c->d};

        if (copy_from_guest(&e, at, sizeof(e)))
            return -EFAULT;
        for (unsigned i = 0; i < 6; i++)
            sub.a[i] = e.args[i];
        e.result = (unsigned long)dispatch(e.op, &sub, NOMC);
        if ((long)e.result == -ERESTART) {
            for (unsigned i = 0; i < 6; i++)
                e.args[i] = sub.a[i];
            return copy_to_guest(at, &e, sizeof(e)) ? -EFAULT : -ERESTART;
        }
        if (copy_to_guest(guest_va(at.v + offsetof(struct multicall_entry, result)), &e.result,
                          sizeof(e.result)))
            return -EFAULT;
        c->a[0] += sizeof(e);
        c->a[1]--;
        if (c->a[1] && (this_cpu()->softirqs || hcall_out_of_budget(c)))
            return -ERESTART;
    }
    return 0;
}

static long do_vm_assist(struct hcall *c, void *)
{
    uint32_t cmd = (uint32_t)c->a[0], type = (uint32_t)c->a[1];

    if (cmd != VMASST_CMD_enable && cmd != VMASST_CMD_disable)
        return -ENOSYS;
    if (type >= 64 || !(VM_ASSIST_VALID & (1ul << type)))
        return -EINVAL;
    if (cmd == VMASST_CMD_enable)
        __atomic_or_fetch(&c->d->vm_assist, 1ul << type, __ATOMIC_RELAXED);
    else
        __atomic_and_fetch(&c->d->vm_assist, ~(1ul << type), __ATOMIC_RELAXED);
    return 0;
}
