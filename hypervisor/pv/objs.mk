# SPDX-License-Identifier: MIT
HV_PV_OBJS = pv/guest_entry.o pv/callback.o pv/segment.o pv/privop.o pv/msr.o pv/debugreg.o \
             pv/hypercall_page.o pv/cpuid.o pv/dom0_build.o
