# SPDX-License-Identifier: MIT
# The store's tests on the host: each build/tests/host/store_* is a program that prints cmocka's
# output and exits nonzero on failure. The daemon's .c files as they are, with ASan and UBSan.

ifndef STORE_TESTS # may be included from more than one place

STORE_SAN   = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
STORE_TESTS = $(addprefix $(B)/tests/host/store_,tree nodes transactions watches requests ring memory domains daemon)
store_san   = $(patsubst $(B)/obj/%,$(B)/obj/store-san/%,$(1))

$(B)/obj/store-san/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -O1 $(STORE_SAN) -c -o $@ $<

$(B)/tests/host/store_%: $(B)/obj/store-san/tests/host/store/test_%.o \
    $(B)/obj/store-san/tests/host/store/fake.o \
    $(call store_san,$(filter-out %/main.o,$(STORED_OBJS)))
	@mkdir -p $(@D)
	$(CC) $(STORE_SAN) $(STORE_WRAP) -o $@ $(filter %.o,$^) -lcmocka

$(B)/tests/host/store_memory: STORE_WRAP = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

# a pretend Xen in xen.c's place
$(B)/tests/host/store_domains: $(B)/obj/store-san/tests/host/store/test_domains.o \
    $(B)/obj/store-san/tests/host/store/fake.o \
    $(call store_san,$(filter-out %/main.o %/xen.o,$(STORED_OBJS)))
	@mkdir -p $(@D)
	$(CC) $(STORE_SAN) -o $@ $(filter %.o,$^) -lcmocka

# this one runs a daemon of its own, and the tools as they are installed
$(B)/tests/host/store_daemon: $(B)/tests/store/bonsai-xenstored $(STORE_TOOLS)
$(B)/tests/host/store_daemon: $(call store_san,$(STORE_CLIENT_OBJS))

$(B)/tests/store/bonsai-xenstored: $(call store_san,$(STORED_OBJS))
	@mkdir -p $(@D)
	$(CC) $(STORE_SAN) -o $@ $^

host-store: $(STORE_TESTS)
	@status=0; for t in $(STORE_TESTS); do $$t || status=1; done; exit $$status

.PHONY: host-store fuzz-store
.SECONDARY: $(call store_san,$(STORED_OBJS))

# not part of check: runs as long as told
FUZZ_SANITIZE = -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
$(B)/tests/store/fuzz-wire: tests/host/store/fuzz_wire.c $(STORED_OBJS:$(B)/obj/%.o=%.c)
	@mkdir -p $(@D)
	clang $(CSTD) -O1 -g -D_GNU_SOURCE -Iguest-abi/include -I. $(FUZZ_SANITIZE) -o $@ \
	    $(filter-out xenstore/main.c,$^)

fuzz-store: $(B)/tests/store/fuzz-wire
	mkdir -p $(B)/tests/store/corpus
	$< -max_total_time=$(or $(SECONDS),60) -max_len=4096 -close_fd_mask=2 $(B)/tests/store/corpus

# for a guest's ramdisk; its output under two daemons is compared
$(B)/tests/store/guest-probe: $(B)/obj/tests/host/store/guest_probe.o $(STORE_CLIENT_OBJS)
	@mkdir -p $(@D)
	$(CC) -static -o $@ $^

endif
