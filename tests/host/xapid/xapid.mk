# SPDX-License-Identifier: MIT
# Host tests of the management API's web half, with sanitizers: build/tests/host/xapid_*. The daemon
# itself runs too, with classes that need no hypervisor.

ifndef XAPID_TESTS # included by the room's .mk and by tests.mk

XAPID_TESTS = $(addprefix $(B)/tests/host/xapid_, value xmlrpc method session damage memory server)

XAPID_ASAN = -DHTTP_REQUEST_S=6 -DHTTP_IDLE_S=3 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
xapid_asan = $(patsubst $(B)/obj/%,$(B)/xapid-asan/%,$(1))

$(B)/xapid-asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) $(XAPID_FLAGS) -O1 $(XAPID_ASAN) -c -o $@ $<

XAPID_TESTED = $(filter-out %/main.o %/http.o,$(call xapid_asan,$(XAPID_WEB_OBJS))) \
    $(addprefix $(B)/xapid-asan/,common/uuid.o dom0-tools/lib/failure.o \
    tests/host/xapid/fake_classes.o)

$(B)/tests/host/xapid_%: $(B)/xapid-asan/tests/host/xapid/%_test.o $(XAPID_TESTED)
	@mkdir -p $(@D)
	$(CC) $(XAPID_ASAN) $(XAPID_WRAP) -o $@ $^ -lxml2 -lcrypt -lpthread -lcmocka

comma := ,
$(B)/tests/host/xapid_memory: XAPID_WRAP = \
    $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc reallocarray strdup strndup)
$(B)/tests/host/xapid_session: XAPID_WRAP = -Wl$(comma)--wrap=clock_gettime
$(B)/tests/host/xapid_damage: $(B)/xapid-asan/tests/host/xapid/fuzz_xml.o

# the daemon, driven by Python's own XML-RPC client
$(B)/tests/host/xapid_server: tests/host/xapid/server_test.py $(B)/tests/xapid/bonsai-xapid \
    $(B)/bin/list-vms
	@mkdir -p $(@D)
	install -m 755 $< $@

$(B)/tests/xapid/bonsai-xapid: $(call xapid_asan,$(XAPID_WEB_OBJS) $(COMMON_OBJS)) \
    $(addprefix $(B)/xapid-asan/,backends/lib/daemon.o dom0-tools/lib/failure.o \
    tests/host/xapid/fake_classes.o)
	@mkdir -p $(@D)
	$(CC) $(XAPID_ASAN) -o $@ $^ $(XAPID_LIBS)

# the same with libFuzzer, by hand: build/tests/fuzz/xapid_xml [CORPUS] (needs clang)
$(B)/tests/fuzz/xapid_xml: tests/host/xapid/fuzz_xml.c tests/host/xapid/fake_classes.c \
    $(addprefix dom0-tools/xapid/,xmlrpc_read.c xmlrpc_write.c value.c method.c session.c password.c files.c) \
    common/uuid.c dom0-tools/lib/failure.c
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(CFLAGS_USER)) $(XAPID_FLAGS) -DFUZZ_MAIN -O1 \
	    -fsanitize=fuzzer,address,undefined -o $@ $^ -lxml2 -lcrypt

xapid-tests: $(XAPID_TESTS)
	@status=0; for t in $(filter $(B)/tests/host/%,$(XAPID_TESTS)); do $$t || status=1; done; exit $$status

.PHONY: xapid-tests
.SECONDARY:

endif
