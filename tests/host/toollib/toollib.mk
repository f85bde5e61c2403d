# SPDX-License-Identifier: MIT
# Host tests of the toolstack's library, with sanitizers: build/tests/host/toollib_*.

TOOLLIB_TESTS = $(addprefix $(B)/tests/host/toollib_, image elf layout build damage)

TOOLLIB_PURE_OBJS = $(addprefix $(B)/toollib-asan/dom0-tools/lib/, \
    failure.o unpack.o image.o elf.o elf_guest.o build_layout.o build_tables.o build_start.o)

# what builds whole domains, over a pretend hypervisor
$(B)/tests/host/toollib_build: $(addprefix $(B)/toollib-asan/, \
    dom0-tools/lib/build_memory.o dom0-tools/lib/build_open.o dom0-tools/lib/build_run.o \
    tests/host/toollib/fake_hv.o)

$(B)/tests/host/toollib_damage: $(B)/toollib-asan/tests/host/toollib/fuzz_image.o

toollib-tests: $(TOOLLIB_TESTS)

TOOLLIB_ASAN = -fsanitize=address,undefined -fno-sanitize-recover=all

$(B)/toollib-asan/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC  $< (sanitizers)"
	$(CC) $(CFLAGS_USER) -O1 $(TOOLLIB_ASAN) -D__XEN_TOOLS__ -c -o $@ $<

$(B)/tests/host/toollib_%: $(B)/toollib-asan/tests/host/toollib/%_test.o \
    $(B)/toollib-asan/tests/host/toollib/make_image.o $(TOOLLIB_PURE_OBJS)
	@mkdir -p $(@D)
	$(CC) $(TOOLLIB_ASAN) -o $@ $^ $(TOOLLIB_LIBS) -lcmocka

# the same with libFuzzer, by hand: build/tests/fuzz/toollib_image [CORPUS] (needs clang)
$(B)/tests/fuzz/toollib_image: tests/host/toollib/fuzz_image.c \
    $(addprefix dom0-tools/lib/, failure.c unpack.c image.c elf.c elf_guest.c build_layout.c \
    build_tables.c)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(CFLAGS_USER)) -O1 -fsanitize=fuzzer,address,undefined -D__XEN_TOOLS__ -o $@ $^ $(TOOLLIB_LIBS)

.PHONY: toollib-tests
.SECONDARY:
