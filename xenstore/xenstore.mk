# SPDX-License-Identifier: MIT
# XenStore: client library (STORE_CLIENT_OBJS, for others to link), daemon, command-line tools.

STORE_CLIENT_OBJS = $(addprefix $(B)/obj/xenstore/,client.o client_ops.o client_format.o wire.o)

# the store itself, without sockets, rings and Xen: what the unit tests test
STORE_CORE_OBJS = $(addprefix $(B)/obj/xenstore/,perms.o tree.o watch.o transaction.o nodes.o \
                    forget.o storage.o limits.o parse.o wire.o)
STORED_OBJS     = $(STORE_CORE_OBJS) $(addprefix $(B)/obj/xenstore/,request.o control.o log.o \
                    conn.o ring.o socket.o loop.o xen.o domain.o main.o) $(COMMON_OBJS)

all: $(B)/sbin/bonsai-xenstored

$(B)/sbin/bonsai-xenstored: $(STORED_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^

STORE_MODES = read write ls list rm exists chmod watch control
STORE_TOOLS = $(B)/bin/xenstore $(addprefix $(B)/bin/xenstore-,$(STORE_MODES))

all: $(STORE_TOOLS)

$(B)/bin/xenstore: $(addprefix $(B)/obj/xenstore/tools/,main.o modes.o value.o) $(STORE_CLIENT_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^

$(B)/bin/xenstore-%: $(B)/bin/xenstore
	ln -sf xenstore $@

include tests/host/store/store.mk
