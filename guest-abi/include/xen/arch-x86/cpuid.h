/* SPDX-License-Identifier: MIT */
/*
 * CPUID leaves of the hypervisor. They start at 0x40000000, or at a multiple of 0x100 above if
 * another interface is there; a PV kernel reads them with XEN_CPUID (xen.h).
 *
 * base+0: eax highest leaf, ebx/ecx/edx signature. base+1: eax version, major << 16 | minor.
 * base+2: eax number of hypercall pages, ebx their MSR, ecx features 1. base+3: time. base+4: HVM.
 * base+5: ebx machine address width.
 */
#ifndef __XEN_PUBLIC_ARCH_X86_CPUID_H__
#define __XEN_PUBLIC_ARCH_X86_CPUID_H__

#define XEN_CPUID_FIRST_LEAF                       0x40000000
#define XEN_CPUID_LEAF(i)                          (XEN_CPUID_FIRST_LEAF + (i))

/* "XenVMMXenVMM" */
#define XEN_CPUID_SIGNATURE_EBX                    0x566e6558
#define XEN_CPUID_SIGNATURE_ECX                    0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX                    0x4d4d566e

/* base+2 ecx */
#define _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD 0
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD  (1u << 0)

/* base+4 eax, HVM only; with ebx vCPU id and ecx domain id where the bits say so */
#define XEN_HVM_CPUID_APIC_ACCESS_VIRT             (1u << 0)
#define XEN_HVM_CPUID_X2APIC_VIRT                  (1u << 1)
#define XEN_HVM_CPUID_IOMMU_MAPPINGS               (1u << 2)
#define XEN_HVM_CPUID_VCPU_ID_PRESENT              (1u << 3)
#define XEN_HVM_CPUID_DOMID_PRESENT                (1u << 4)
#define XEN_HVM_CPUID_EXT_DEST_ID                  (1u << 5)
#define XEN_HVM_CPUID_UPCALL_VECTOR                (1u << 6)

/* base+5 ebx */
#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK       (0xffu << 0)

#define XEN_CPUID_MAX_NUM_LEAVES                   5

#endif
