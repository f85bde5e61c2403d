# SPDX-License-Identifier: MIT
# Backends: daemons of dom0 that serve guests' rings.

BACKEND_LIB_OBJS = $(addprefix $(B)/obj/backends/lib/,evtchn.o gntdev.o daemon.o) $(COMMON_OBJS)
CONSOLED_OBJS    = $(addprefix $(B)/obj/backends/consoled/,main.o console.o backlog.o guest_log.o hv_log.o)

all: $(B)/sbin/bonsai-consoled

$(B)/sbin/bonsai-consoled: $(CONSOLED_OBJS) $(BACKEND_LIB_OBJS) $(STORE_CLIENT_OBJS) $(TOOLLIB_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(TOOLLIB_LIBS) -lutil
