# SPDX-License-Identifier: MIT
# Bonsai. Each room has its own short *.mk with explicit object lists; this file holds what they share.
#
#   make            build everything into build/
#   make demo       boot it in QEMU with two guests      (BATCH=1: exit with a status)
#   make check      all tests                            (README.md names the other targets)

B       ?= build
PREFIX  ?= /usr/local
DESTDIR ?=

WARN    = -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wmissing-prototypes \
          -Wundef -Wvla
CSTD    = -std=gnu17
# user-space programs (dom0 tools, daemons); the hypervisor has its own flags in hypervisor.mk
CFLAGS_USER = $(CSTD) -O2 -g $(WARN) -D_GNU_SOURCE -Iguest-abi/include -I. -MMD -MP

# a line a file; V=1 shows the commands
ifneq ($(V),1)
MAKEFLAGS += --silent
endif

all:

-include $(wildcard common/common.mk guest-abi/guest-abi.mk hypervisor/hypervisor.mk xenstore/xenstore.mk \
                    dom0-tools/dom0-tools.mk backends/backends.mk tests/tests.mk install.mk)

# one rule for every user-space object: build/obj/DIR/FILE.o from DIR/FILE.c
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC  $<"
	$(CC) $(CFLAGS_USER) $(CFLAGS_$(subst /,_,$*)) -c -o $@ $<

clean:
	rm -rf $(B)

-include $(shell find $(B) -type f -name '*.d' 2>/dev/null)

.PHONY: all clean
.DELETE_ON_ERROR:
