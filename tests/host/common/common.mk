# SPDX-License-Identifier: MIT
# Host tests of what daemons and tools share: build/tests/host/common_*.

COMMON_TESTS = $(B)/tests/host/common_helpers

COMMON_SAN = -fsanitize=address,undefined -fno-sanitize-recover=all

$(B)/common-asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -O1 $(COMMON_SAN) -c -o $@ $<

$(B)/tests/host/common_%: $(B)/common-asan/tests/host/common/%_test.o \
    $(COMMON_OBJS:$(B)/obj/%=$(B)/common-asan/%)
	@mkdir -p $(@D)
	$(CC) $(COMMON_SAN) -o $@ $^ -lcmocka
