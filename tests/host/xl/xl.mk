# SPDX-License-Identifier: MIT
# Host tests of xl: configuration, specifications, output formats, with sanitizers:
# build/tests/host/xl_*.

XL_TESTS = $(addprefix $(B)/tests/host/xl_, cfg spec config format)

xl-tests: $(XL_TESTS)

XL_ASAN = -fsanitize=address,undefined -fno-sanitize-recover=all

XL_PURE_OBJS = $(addprefix $(B)/xl-asan/dom0-tools/, \
    lib/failure.o lib/cfg.o lib/cfg_lex.o lib/spec_vdev.o lib/spec_disk.o lib/spec_vif.o \
    lib/guest_config.o lib/guest_json.o xl/format.o)

$(B)/xl-asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -O1 $(XL_ASAN) -c -o $@ $<

$(B)/tests/host/xl_%: $(B)/xl-asan/tests/host/xl/%_test.o $(XL_PURE_OBJS)
	@mkdir -p $(@D)
	$(CC) $(XL_ASAN) -o $@ $^ -lyajl -lcmocka

.PHONY: xl-tests
.SECONDARY:
