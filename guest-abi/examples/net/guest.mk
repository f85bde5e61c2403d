# SPDX-License-Identifier: MIT
# The net example needs lwIP's source, which tests/rig/lwip fetches as Debian's source package. Where it
# cannot be had, that is said and everything else is built.

ifneq ($(filter-out clean deps loc lint lint-%,$(or $(MAKECMDGOALS),all)),)
-include $(B)/lwip.mk
endif
$(B)/lwip.mk: tests/rig/lwip | $(B)/deps.mk
	@mkdir -p $(@D)
	@if lwip=$$(tests/rig/lwip); then echo "LWIP = $$lwip" >$@; \
	 else echo "build/guests/net is not built, since lwIP's source is missing" >&2; fi

ifeq ($(LWIP),)
GUEST_FOLDERS := $(filter-out guest-abi/examples/net,$(GUEST_FOLDERS))
endif

GUEST_CFLAGS_net = -isystem $(LWIP)/src/include -iquote guest-abi/examples/net -isystem guest-abi/examples/net
GUEST_OBJS_net   = guest-abi/examples/words.o $(addprefix lwip/,core/def.o core/inet_chksum.o core/init.o \
    core/ip.o core/mem.o core/memp.o core/netif.o core/pbuf.o core/tcp.o core/tcp_in.o core/tcp_out.o \
    core/timeouts.o core/ipv4/etharp.o core/ipv4/icmp.o core/ipv4/ip4.o core/ipv4/ip4_addr.o \
    core/ipv4/ip4_frag.o netif/ethernet.o)

# Not ours, so its warnings are not either.
$(GO)/lwip/%.o: $(LWIP)/src/%.c guest-abi/examples/net/lwipopts.h guest-abi/examples/net/arch/cc.h
	@mkdir -p $(@D)
	@echo "  CC  lwip/$*.c (guest)"
	$(CC) $(GUEST_CFLAGS) -w $(GUEST_CFLAGS_net) -c -o $@ $<
