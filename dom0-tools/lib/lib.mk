# SPDX-License-Identifier: MIT
# The toolstack's library: hypervisor calls, image loading, domain building.

TOOLLIB_OBJS = $(addprefix $(B)/obj/dom0-tools/lib/, \
    failure.o \
    hv.o hv_comms.o hv_domctl.o hv_memory.o hv_policy.o hv_sysctl.o hv_vcpu.o hv_version.o \
    unpack.o image.o elf.o elf_guest.o)
TOOLLIB_LIBS = -llzma -lzstd -lz

$(TOOLLIB_OBJS): CFLAGS_USER += -D__XEN_TOOLS__
