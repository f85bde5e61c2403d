# SPDX-License-Identifier: MIT
# Host tests of the console daemon, with sanitizers: build/tests/host/consoled_*. The daemon's .c
# files as they are, with real terminals and files; rings, events and domains are pretended, the
# store is in memory.

CONSOLED_TESTS = $(addprefix $(B)/tests/host/consoled_,files consoles hostile)

CONSOLED_SAN = -fsanitize=address,undefined -fno-sanitize-recover=all

$(B)/consoled-asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -O1 $(CONSOLED_SAN) -c -o $@ $<

$(B)/tests/host/consoled_%: $(B)/consoled-asan/tests/host/consoled/%_test.o \
    $(addprefix $(B)/consoled-asan/,tests/host/consoled/fake.o tests/host/xl/fake_store.o) \
    $(patsubst $(B)/obj/%,$(B)/consoled-asan/%,$(filter-out %/main.o %/hv_log.o,$(CONSOLED_OBJS)))
	@mkdir -p $(@D)
	$(CC) $(CONSOLED_SAN) -o $@ $^ -lutil -lcmocka
