# SPDX-License-Identifier: MIT
# Host tests of the toolstack's library, with sanitizers: build/tests/host/toollib_*.

TOOLLIB_TESTS = $(addprefix $(B)/tests/host/toollib_, image elf layout)

TOOLLIB_PURE_OBJS = $(addprefix $(B)/toollib-asan/dom0-tools/lib/, \
    failure.o unpack.o image.o elf.o elf_guest.o build_layout.o build_tables.o build_start.o)

toollib-tests: $(TOOLLIB_TESTS)

TOOLLIB_ASAN = -fsanitize=address,undefined -fno-sanitize-recover=all

$(B)/toollib-asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -O1 $(TOOLLIB_ASAN) -D__XEN_TOOLS__ -c -o $@ $<

$(B)/tests/host/toollib_%: $(B)/toollib-asan/tests/host/toollib/%_test.o \
    $(B)/toollib-asan/tests/host/toollib/make_image.o $(TOOLLIB_PURE_OBJS)
	@mkdir -p $(@D)
	$(CC) $(TOOLLIB_ASAN) -o $@ $^ $(TOOLLIB_LIBS) -lcmocka

.PHONY: toollib-tests
.SECONDARY:
