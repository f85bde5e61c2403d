# SPDX-License-Identifier: MIT
# bonsai-xapid, the management API.

XAPID_WEB_OBJS = $(addprefix $(B)/obj/dom0-tools/xapid/, \
    main.o http.o xmlrpc_read.o xmlrpc_write.o value.o method.o session.o password.o)
XAPID_LIBS = -lmicrohttpd -lxml2 -lcrypt -lpthread

XAPID_FLAGS = -isystem /usr/include/libxml2 -Wno-missing-field-initializers
$(XAPID_WEB_OBJS): CFLAGS_USER += $(XAPID_FLAGS)

-include tests/host/xapid/xapid.mk
