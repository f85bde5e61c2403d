# SPDX-License-Identifier: MIT
# bonsai-xapid, the management API: the web half, which tests run without a hypervisor, and the
# classes (vm.mk).

XAPID_WEB_OBJS = $(addprefix $(B)/obj/dom0-tools/xapid/, \
    main.o http.o xmlrpc_read.o xmlrpc_write.o value.o method.o session.o password.o files.o)
XAPID_LIBS = -lmicrohttpd -lxml2 -lcrypt -lpthread

-include dom0-tools/xapid/vm.mk

XAPID_OBJS = $(XAPID_WEB_OBJS) $(B)/obj/dom0-tools/xapid/classes.o $(XAPID_VM_OBJS)

# rows of the method table leave out what they do not need
XAPID_FLAGS = -isystem /usr/include/libxml2 -Wno-missing-field-initializers
$(XAPID_WEB_OBJS) $(B)/obj/dom0-tools/xapid/classes.o: CFLAGS_USER += $(XAPID_FLAGS)

all: $(B)/sbin/bonsai-xapid

$(B)/sbin/bonsai-xapid: $(XAPID_OBJS) $(B)/obj/backends/lib/daemon.o $(GUEST_OBJS) \
    $(TOOLLIB_OBJS) $(STORE_CLIENT_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(XAPID_LIBS) $(GUEST_LIBS) $(TOOLLIB_LIBS)

# the textbook client
all: $(B)/bin/list-vms

$(B)/bin/list-vms: docs/examples/list-vms.c
	@mkdir -p $(@D)
	@echo "  CC  $<"
	$(CC) $(filter-out -MMD -MP,$(CFLAGS_USER)) -isystem /usr/include/libxml2 -o $@ $< -lxml2

-include tests/host/xapid/xapid.mk tests/system/xapid/xapid.mk
