# SPDX-License-Identifier: MIT
# Host tests of the API's classes, with sanitizers: build/tests/host/xapidvm_*. The definitions, the
# records and the operations are the real ones, over a dom0 without a hypervisor (fake_dom0.c).

ifndef XAPID_VM_OBJS
-include dom0-tools/xapid/vm.mk
endif

XAPIDVM_TESTS = $(addprefix $(B)/tests/host/xapidvm_, files vms power monitor)

xapidvm-tests: $(XAPIDVM_TESTS)

XAPIDVM_OBJS = $(filter-out %/power_monitor.o,$(call xapid_asan,$(XAPID_VM_OBJS) $(COMMON_OBJS))) \
    $(addprefix $(B)/xapid-asan/, \
    dom0-tools/xapid/method.o dom0-tools/xapid/session.o dom0-tools/xapid/password.o dom0-tools/xapid/files.o dom0-tools/xapid/value.o \
    $(addprefix dom0-tools/lib/, failure.o cfg.o cfg_lex.o spec_vdev.o spec_disk.o spec_vif.o \
    guest_config.o guest_json.o guest_json_read.o device.o guest_power.o host_conf.o) \
    tests/host/xl/fake_store.o tests/host/xapid_vm/fake_dom0.o)

$(B)/tests/host/xapidvm_%: $(B)/xapid-asan/tests/host/xapid_vm/%_test.o $(XAPIDVM_OBJS)
	@mkdir -p $(@D)
	$(CC) $(XAPID_ASAN) $(XAPID_WRAP) -o $@ $^ -lyajl -lcrypt -lpthread -lcmocka

$(B)/tests/host/xapidvm_files: XAPID_WRAP = -Wl,--wrap=fsync

# leaving a monitor behind, with a pretended one
$(B)/tests/host/xapidvm_monitor: $(addprefix $(B)/xapid-asan/,tests/host/xapid_vm/monitor_test.o \
    dom0-tools/xapid/power_monitor.o dom0-tools/lib/failure.o)
	@mkdir -p $(@D)
	$(CC) $(XAPID_ASAN) -o $@ $^ -lcmocka

.PHONY: xapidvm-tests
