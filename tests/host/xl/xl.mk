# SPDX-License-Identifier: MIT
# Host tests of xl: configuration, specifications, output formats, with sanitizers:
# build/tests/host/xl_*.

XL_TESTS = $(addprefix $(B)/tests/host/xl_, cfg spec config format damage nodes console)

xl-tests: $(XL_TESTS)

XL_ASAN = -fsanitize=address,undefined -fno-sanitize-recover=all

XL_PURE_OBJS = $(B)/xl-asan/common/uuid.o $(addprefix $(B)/xl-asan/dom0-tools/, \
    lib/failure.o lib/cfg.o lib/cfg_lex.o lib/spec_vdev.o lib/spec_disk.o lib/spec_vif.o \
    lib/guest_config.o lib/guest_json.o lib/guest_json_read.o xl/format.o)

$(B)/xl-asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -O1 $(XL_ASAN) -c -o $@ $<

$(B)/tests/host/xl_%: $(B)/xl-asan/tests/host/xl/%_test.o $(XL_PURE_OBJS)
	@mkdir -p $(@D)
	$(CC) $(XL_ASAN) -o $@ $^ -lyajl -lcmocka

$(B)/tests/host/xl_damage: $(B)/xl-asan/tests/host/xl/fuzz_config.o

# over a store in memory
$(B)/tests/host/xl_nodes: $(addprefix $(B)/xl-asan/, tests/host/xl/fake_store.o \
    dom0-tools/lib/device.o dom0-tools/lib/guest_nodes.o)

$(B)/tests/host/xl_console: $(addprefix $(B)/xl-asan/, tests/host/xl/fake_store.o \
    dom0-tools/lib/guest_console.o)

# the same with libFuzzer, by hand: build/tests/fuzz/xl_config [CORPUS] (needs clang)
$(B)/tests/fuzz/xl_config: tests/host/xl/fuzz_config.c common/uuid.c $(addprefix dom0-tools/lib/, failure.c cfg.c \
    cfg_lex.c spec_vdev.c spec_disk.c spec_vif.c guest_config.c guest_json.c guest_json_read.c)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(CFLAGS_USER)) -O1 -fsanitize=fuzzer,address,undefined -o $@ $^ -lyajl

.PHONY: xl-tests
.SECONDARY:
