# SPDX-License-Identifier: MIT
# The toolstack's library: hypervisor calls, image loading, domain building.

TOOLLIB_OBJS = $(addprefix $(B)/obj/dom0-tools/lib/, \
    failure.o)
TOOLLIB_LIBS = -llzma -lzstd -lz
