# SPDX-License-Identifier: MIT
# Host tests of the block backend, with sanitizers, over a pretend guest: build/tests/host/blkd_*.

BLKD_TESTS = $(addprefix $(B)/tests/host/blkd_,vbd journal kill damage disk io)

blkd-tests: $(BLKD_TESTS)

BLKD_ASAN = -fsanitize=address,undefined -fno-sanitize-recover=all

BLKD_PURE_OBJS = $(addprefix $(B)/blkd-asan/, $(addprefix backends/blkd/,vbd.o vbd_life.o request.o journal.o \
    guest_memory.o image.o) dom0-tools/lib/failure.o tests/host/blkd/fake.o)

$(B)/blkd-asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -O1 $(BLKD_ASAN) -c -o $@ $<

$(B)/tests/host/blkd_%: $(B)/blkd-asan/tests/host/blkd/test_%.o $(BLKD_PURE_OBJS)
	@mkdir -p $(@D)
	$(CC) $(BLKD_ASAN) -o $@ $^ -lcmocka

.PHONY: blkd-tests
.SECONDARY:

# the kernel's own io_uring, where the host has it
$(B)/tests/host/blkd_io: $(addprefix $(B)/blkd-asan/,tests/host/blkd/test_io.o backends/blkd/io.o)
	@mkdir -p $(@D)
	$(CC) $(BLKD_ASAN) -o $@ $^ -luring -lcmocka

# with the bus above the data path, over a store in memory
$(B)/tests/host/blkd_disk: $(addprefix $(B)/blkd-asan/, backends/blkd/disk.o backends/lib/xenbus.o backends/lib/xenbus_events.o \
    dom0-tools/lib/spec_vdev.o tests/host/xl/fake_store.o)

$(B)/tests/host/blkd_damage: $(B)/blkd-asan/tests/host/blkd/fuzz_ring.o

# the same with libFuzzer, by hand: build/tests/fuzz/blkd_ring [CORPUS] (needs clang)
$(B)/tests/fuzz/blkd_ring: tests/host/blkd/fuzz_ring.c tests/host/blkd/fake.c \
    $(addprefix backends/blkd/,vbd.c vbd_life.c request.c journal.c guest_memory.c image.c) \
    dom0-tools/lib/failure.c
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(CFLAGS_USER)) -O1 -fsanitize=fuzzer,address,undefined -o $@ $^
