# SPDX-License-Identifier: MIT
# Backends: daemons of dom0 that serve guests' rings.

BACKEND_LIB_OBJS = $(addprefix $(B)/obj/backends/lib/,evtchn.o gntdev.o daemon.o) $(COMMON_OBJS)
CONSOLED_OBJS    = $(addprefix $(B)/obj/backends/consoled/,main.o consoles.o console.o \
    ring.o terminal.o backlog.o log_file.o kept.o hv_log.o)
# for backends that meet their frontends by xenbus
XENBUS_OBJS      = $(addprefix $(B)/obj/backends/lib/,xenbus.o xenbus_events.o)

all: $(B)/sbin/bonsai-consoled

$(B)/sbin/bonsai-consoled: $(CONSOLED_OBJS) $(BACKEND_LIB_OBJS) $(STORE_CLIENT_OBJS) $(TOOLLIB_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(TOOLLIB_LIBS) -lutil

BLKD_OBJS = $(addprefix $(B)/obj/backends/blkd/,main.o disk.o vbd.o vbd_life.o request.o journal.o \
              guest_memory.o image.o io.o)

all: $(B)/sbin/bonsai-blkd

$(B)/sbin/bonsai-blkd: $(BLKD_OBJS) $(XENBUS_OBJS) $(BACKEND_LIB_OBJS) $(STORE_CLIENT_OBJS) \
    $(addprefix $(B)/obj/dom0-tools/lib/,failure.o spec_vdev.o)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -luring

# what stock xl may start where it wants a QEMU for a disk that bonsai-blkd serves
all: $(B)/sbin/bonsai-no-dm

$(B)/sbin/bonsai-no-dm: $(B)/obj/backends/blkd/stand_in.o $(STORE_CLIENT_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^
