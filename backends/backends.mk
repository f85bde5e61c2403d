# SPDX-License-Identifier: MIT
# Backends: daemons of dom0 that serve guests' rings.

BACKEND_LIB_OBJS = $(addprefix $(B)/obj/backends/lib/,evtchn.o gntdev.o daemon.o) $(COMMON_OBJS)
CONSOLED_OBJS    = $(addprefix $(B)/obj/backends/consoled/,main.o consoles.o console.o \
    ring.o terminal.o backlog.o log_file.o kept.o hv_log.o)

all: $(B)/sbin/bonsai-consoled

$(B)/sbin/bonsai-consoled: $(CONSOLED_OBJS) $(BACKEND_LIB_OBJS) $(STORE_CLIENT_OBJS) $(TOOLLIB_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(TOOLLIB_LIBS) -lutil
