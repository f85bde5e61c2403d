# SPDX-License-Identifier: MIT
# The store's tests on the host: each build/tests/host/store_* is a program that prints cmocka's output and exits
# nonzero on failure. The daemon's .c files as they are, with ASan and UBSan.

STORE_SAN   = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
STORE_TESTS = $(addprefix $(B)/tests/host/store_,tree nodes transactions watches requests ring)
store_san   = $(patsubst $(B)/obj/%,$(B)/obj/store-san/%,$(1))

$(B)/obj/store-san/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -O1 $(STORE_SAN) -c -o $@ $<

$(B)/tests/host/store_%: $(B)/obj/store-san/tests/host/store/test_%.o \
    $(B)/obj/store-san/tests/host/store/fake.o \
    $(call store_san,$(filter-out %/main.o,$(STORED_OBJS)))
	@mkdir -p $(@D)
	$(CC) $(STORE_SAN) -o $@ $^ -lcmocka

host-store: $(STORE_TESTS)
	@status=0; for t in $(STORE_TESTS); do $$t || status=1; done; exit $$status

.PHONY: host-store
.SECONDARY: $(call store_san,$(STORED_OBJS))
