# SPDX-License-Identifier: MIT
# Guest kernels. A folder with .c files in guest-abi/examples or tests/guest is a guest: it is linked with what
# it uses of the kit and the frontends into build/guests/FOLDER. A folder that needs more has a guest.mk,
# which may set GUEST_OBJS_FOLDER (objects more, below $(GO)) and GUEST_CFLAGS_FOLDER (flags for its own files).

GO      = $(B)/obj/guest
GUEST_CFLAGS = $(CSTD) -O2 -g $(WARN) -ffreestanding -fno-pie -mno-red-zone -mgeneral-regs-only -fno-strict-aliasing \
               -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -ffunction-sections \
               -fdata-sections -nostdinc -isystem $(shell $(CC) -print-file-name=include) -Iguest-abi/include -I. \
               -MMD -MP

KIT_OBJS = start.o main.o trap.o memory.o pages.o alloc.o event.o time.o console.o os.o
# one printf and one memcpy in the house: the hypervisor's, which are plain C
GUEST_LIB_OBJS = hypervisor/lib/printf.o hypervisor/lib/string.o
-include frontends/frontends.mk
# what test kernels share
GUEST_TEST_SRCS = $(wildcard tests/guest/lib/*.c)
GUEST_ARCHIVE = $(addprefix $(GO)/,$(KIT_OBJS:%=guest-abi/kit/%) $(GUEST_LIB_OBJS) \
                $(FRONTENDS_OBJS:%=frontends/%) $(GUEST_TEST_SRCS:%.c=%.o))

GUEST_FOLDERS = $(filter-out tests/guest/lib, \
                $(patsubst %/,%,$(sort $(dir $(wildcard guest-abi/examples/*/*.c tests/guest/*/*.c)))))
-include $(wildcard $(GUEST_FOLDERS:%=%/guest.mk))
GUESTS = $(addprefix $(B)/guests/,$(notdir $(GUEST_FOLDERS)))

all: $(GUESTS)

$(GO)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC  $< (guest)"
	$(CC) $(GUEST_CFLAGS) $(GUEST_CFLAGS_$(notdir $(patsubst %/,%,$(dir $<)))) -c -o $@ $<

$(GO)/hypervisor/lib/%.o: hypervisor/lib/%.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -fno-tree-loop-distribute-patterns -Ihypervisor -include lib/lib.h -c -o $@ $<

$(GO)/%.o: %.S
	@mkdir -p $(@D)
	$(CC) -D__ASSEMBLY__ -fno-pie -Iguest-abi/include -I. -MMD -MP -c -o $@ $<

$(GO)/kit.a: $(GUEST_ARCHIVE)
	@rm -f $@
	ar rcs $@ $^

# $(call guest,NAME,objects): build/guests/NAME, and with its symbols build/obj/guest/NAME.elf
define guest
$(B)/guests/$(1): $(GO)/$(1).elf
	@mkdir -p $$(@D)
	objcopy --strip-all $$< $$@

$(GO)/$(1).elf: $(2) $(GO)/kit.a guest-abi/kit/guest.lds
	@echo "  LD  $(B)/guests/$(1)"
	ld -static -nostdlib -z noexecstack -z max-page-size=4096 --gc-sections -T guest-abi/kit/guest.lds -o $$@ $(2) \
	    $(GO)/kit.a $$(shell $$(CC) -print-libgcc-file-name)
endef
$(foreach f,$(GUEST_FOLDERS),$(eval $(call guest,$(notdir $(f)),$(patsubst %.c,$(GO)/%.o,$(wildcard $(f)/*.c)) \
    $(addprefix $(GO)/,$(GUEST_OBJS_$(notdir $(f)))))))

# into DESTDIR PREFIX/guests, for a dom0 to try them
install-guests: $(GUESTS)
	install -d $(DESTDIR)$(PREFIX)/guests
	install -m 644 $(GUESTS) $(DESTDIR)$(PREFIX)/guests/

.PHONY: install-guests
