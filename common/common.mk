# SPDX-License-Identifier: MIT
# What daemons and tools of dom0 share, below all of them: it includes nothing of the tree.

COMMON_OBJS = $(addprefix $(B)/obj/common/,folders.o ready.o uuid.o)
