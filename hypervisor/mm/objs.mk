# SPDX-License-Identifier: MIT
HV_MM_OBJS = mm/page_alloc.o mm/hv_alloc.o mm/frame.o \
    mm/frame_domain.o mm/pt_check.o mm/pt_walk.o \
    mm/baseptr.o mm/mmu_update.o mm/mmuext.o mm/ptwr.o \
    mm/tlb.o mm/memory.o mm/memory_maps.o \
    mm/memory_exchange.o mm/guest_copy.o
