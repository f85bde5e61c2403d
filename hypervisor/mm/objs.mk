# SPDX-License-Identifier: MIT
HV_MM_OBJS = hypervisor/mm/page_alloc.o hypervisor/mm/hv_alloc.o hypervisor/mm/frame.o \
    hypervisor/mm/frame_domain.o hypervisor/mm/pt_check.o hypervisor/mm/pt_walk.o \
    hypervisor/mm/baseptr.o hypervisor/mm/mmu_update.o hypervisor/mm/mmuext.o hypervisor/mm/ptwr.o \
    hypervisor/mm/tlb.o hypervisor/mm/memory.o hypervisor/mm/memory_maps.o \
    hypervisor/mm/exchange.o hypervisor/mm/guest_copy.o
