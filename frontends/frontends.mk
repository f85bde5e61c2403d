# SPDX-License-Identifier: MIT
# The frontends: portable guest-side drivers over os.h. A guest's makefile compiles these with its
# own flags; tests/host/frontends compiles them for the host.

FRONTENDS_STORE_SRCS = $(addprefix frontends/,store.c store_ring.c control.c)
