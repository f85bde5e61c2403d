# SPDX-License-Identifier: MIT
# The toolstack's library: hypervisor calls, image loading, domain building.

TOOLLIB_OBJS = $(COMMON_OBJS) $(addprefix $(B)/obj/dom0-tools/lib/, \
    failure.o \
    hv.o hv_comms.o hv_domctl.o hv_memory.o hv_policy.o hv_sysctl.o hv_vcpu.o hv_version.o \
    unpack.o image.o elf.o elf_guest.o \
    build_layout.o build_tables.o build_start.o build_memory.o build_open.o build_run.o domain.o)
TOOLLIB_LIBS = -llzma -lzstd -lz

$(TOOLLIB_OBJS): CFLAGS_USER += -D__XEN_TOOLS__

-include tests/host/toollib/toollib.mk tests/system/toollib/toollib.mk
