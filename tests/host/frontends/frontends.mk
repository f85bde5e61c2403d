# SPDX-License-Identifier: MIT
# The frontends on a pretend kernel (pretend_os.h), with the store daemon's own code as the store:
# unit tests under ASan and UBSan, and hostile backends under libFuzzer.

include $(filter-out $(MAKEFILE_LIST),frontends/frontends.mk tests/host/store/store.mk)

FRONT_TESTS = $(addprefix $(B)/tests/host/front_,store blk net fuzz)
# the daemon without its main()
FRONT_SRCS  = $(addprefix frontends/,$(FRONTENDS_OBJS:.o=.c)) tests/host/store/fake.c \
    $(addprefix tests/host/frontends/,pretend_os.c pretend_bus.c pretend_blk.c pretend_net.c) \
    $(patsubst $(B)/obj/%.o,%.c,$(filter-out %/main.o,$(STORED_OBJS)))
FRONT_OBJS  = $(FRONT_SRCS:%.c=$(B)/obj/store-san/%.o)

$(FRONT_TESTS): $(B)/tests/host/front_%: $(B)/obj/store-san/tests/host/frontends/%_test.o $(FRONT_OBJS)
	@mkdir -p $(@D)
	$(CC) $(STORE_SAN) -o $@ $^ -lcmocka

.SECONDARY: $(FRONT_OBJS)

# make fuzz-frontends SECONDS=600
$(B)/tests/fuzz/frontends: tests/host/frontends/fuzz_test.c $(FRONT_SRCS)
	@mkdir -p $(@D)
	clang $(CSTD) -O1 -g -D_GNU_SOURCE -DWITH_LIBFUZZER -Iguest-abi/include -I. $(FUZZ_SANITIZE) -o $@ $^ -lcmocka

fuzz-frontends: $(B)/tests/fuzz/frontends
	@mkdir -p $(B)/tests/fuzz/frontends.corpus
	$< -max_total_time=$(or $(SECONDS),60) -max_len=1000 -artifact_prefix=$(B)/tests/fuzz/ \
	    $(B)/tests/fuzz/frontends.corpus

.PHONY: fuzz-frontends
