# SPDX-License-Identifier: MIT
# The frontends on a pretend kernel (pretend_os.h), with the store daemon's own code as the store:
# unit tests under ASan and UBSan, and hostile backends under libFuzzer.

include $(filter-out $(MAKEFILE_LIST),frontends/frontends.mk tests/host/store/store.mk)

FRONT_TESTS = $(addprefix $(B)/tests/host/front_,store blk net)
front_san   = $(patsubst %.c,$(B)/obj/store-san/%.o,$(1))
FRONT_OBJS  = $(call front_san,$(addprefix frontends/,$(FRONTENDS_OBJS:.o=.c)) \
    $(addprefix tests/host/frontends/,pretend_os.c pretend_bus.c pretend_blk.c pretend_net.c) tests/host/store/fake.c) \
    $(call store_san,$(STORE_CORE_OBJS) $(addprefix $(B)/obj/xenstore/,request.o control.o log.o conn.o ring.o domain.o xen.o loop.o socket.o) \
    $(COMMON_OBJS))

$(FRONT_TESTS): $(B)/tests/host/front_%: $(B)/obj/store-san/tests/host/frontends/%_test.o $(FRONT_OBJS)
	@mkdir -p $(@D)
	$(CC) $(STORE_SAN) -o $@ $^ -lcmocka

.SECONDARY: $(FRONT_OBJS)
