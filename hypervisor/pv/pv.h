/* SPDX-License-Identifier: MIT
 *
 * The rest of the PV64 contract: descriptors, bases, privileged instructions, CPUID and MSR policy.
 */
#pragma once

struct vcpu;
struct domain;
struct regs;
struct xen_domctl_cpu_policy;

/* pv/privop.c: #GP or #UD of the guest at r->rip. true: emulated (rip advanced, or another
 * exception queued); false: the guest gets the original exception. */
bool privop_emulate_gp(struct vcpu *v, struct regs *r);
bool privop_emulate_ud(struct vcpu *v, struct regs *r);
uint64_t guest_cr4_bits(const struct domain *d); /* those of CR4 that a guest may set */
/* pv/segment.c */
hcall_fn do_set_gdt, do_update_descriptor, do_set_segment_base;
int vcpu_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned entries);
void vcpu_put_gdt(struct vcpu *v);
int vcpu_set_ldt(struct vcpu *v, uint64_t base, unsigned entries);
void vcpu_drop_ldt_frames(struct vcpu *v);    /* references only; refault under the new tables */
bool ldt_fault(struct vcpu *v, uint64_t cr2); /* a fault in v's LDT window: maps the frame */
uint64_t ldt_guest_address(struct vcpu *v,
                           uint64_t cr2); /* what the guest is told of an unmapped one */
bool descriptor_sane(uint64_t *desc);     /* may fix DPL up; false: refuse */
bool segdesc_validate(void *page);    /* all 512, for frame.c when a frame becomes FRAME_SEG_DESC */
int perdomain_init(struct domain *d); /* slot 258's tables */
int perdomain_init_vcpu(struct vcpu *v);
void perdomain_free(struct domain *d);
/* Segment and base state of the current vCPU, to and from the CPU. */
void segments_save(struct vcpu *v);
void segments_load(struct vcpu *v);
void segments_unload(
    void); /* after segments_save(), before CR3 changes: the CPU's own GDT, no LDT */
/* pv/cpuid.c: what v sees for (leaf, sub). forced: by the ud2a prefix or emulation, not natively.
 */
void guest_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, bool forced, uint32_t out[4]);
void cpu_policy_init(void); /* boot: from the host's CPUID */
bool guest_has_feature(const struct domain *d, unsigned leaf, unsigned reg, unsigned bit);
/* The policy of d, or (d NULL) the system's XEN_SYSCTL_cpu_policy_<index>, as records into a tool's
 * array of *nr_leaves; *nr_leaves is then how many there are, or without an array the most there
 * can be. -EINVAL, -EOPNOTSUPP for an index we have none for, -ENOBUFS, -EFAULT. MSRs are none:
 * every guest has the same. */
long cpu_policy_to_guest(const struct domain *d, unsigned index, guest_va_t leaves,
                         uint32_t *nr_leaves, uint32_t *nr_msrs);
/* Gives d a policy of its own; features that a PV guest cannot have are taken out silently. Other
 * impossible things: -EINVAL or -ERANGE, with the record named in err_*. d's lock held. */
int cpu_policy_set(struct domain *d, struct xen_domctl_cpu_policy *op);
/* XEN_SYSCTL_cpu_featureset_<index> as CPU_FEATURE_WORDS words. -EINVAL, -EOPNOTSUPP. */
#define CPU_FEATURE_WORDS 19u
int cpu_featureset(unsigned index, uint32_t words[CPU_FEATURE_WORDS]);
/* pv/msr.c: 0, or -EPERM: #GP. */
int guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *val);
int guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t val);
/* pv/debugreg.c */
hcall_fn do_set_debugreg, do_get_debugreg;
int vcpu_write_debugreg(struct vcpu *v, unsigned n, uint64_t val);
int vcpu_read_debugreg(struct vcpu *v, unsigned n, uint64_t *val);
/* dev/ports.c: a port access that the guest was allowed to attempt. Without permission: reads all
 * ones. */
uint32_t guest_port_in(struct vcpu *v, uint16_t port, unsigned bytes);
void guest_port_out(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t val);
/* pv/dom0_build.c */
unsigned dom0_vcpus(void); /* how many dom0 gets */
void dom0_build(void);
