# SPDX-License-Identifier: MIT
# XenStore: client library (STORE_CLIENT_OBJS, for others to link), daemon, command-line tools, their tests.

STORE_CLIENT_OBJS = $(addprefix $(B)/obj/xenstore/,client.o client_ops.o client_format.o wire.o)

store-objs: $(STORE_CLIENT_OBJS)
