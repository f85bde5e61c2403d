# SPDX-License-Identifier: MIT
# The hypervisor: a 64-bit program linked at IMAGE_VIRT + 2 MiB (boot/image.lds), then wrapped into the
# ELF32 file that multiboot loaders take (boot/container.S). BONSAI_DEBUG=0 leaves out the lock checks.

BONSAI_DEBUG ?= 1
HVO           = $(B)/obj/hypervisor
HV_GCC_INCLUDE := $(shell $(CC) -print-file-name=include)

HV_CFLAGS = $(CSTD) -O2 -g $(WARN) -ffreestanding -fpie -fvisibility=hidden -mno-red-zone \
            -mgeneral-regs-only -fno-strict-aliasing -fno-stack-protector -fcf-protection=none \
            -fno-asynchronous-unwind-tables -nostdinc \
            -isystem $(HV_GCC_INCLUDE) -D__XEN__ -DBONSAI_DEBUG=$(BONSAI_DEBUG) \
            -Ihypervisor -Iguest-abi/include -I$(HVO) -include lib/hidden.h -include lib/lib.h -MMD -MP

# each room lists its objects as HV_<ROOM>_OBJS, relative to hypervisor/
include $(wildcard hypervisor/*/objs.mk)
HV_OBJS = hypercall.o version.o $(HV_BOOT_OBJS) $(HV_X86_OBJS) $(HV_MM_OBJS) $(HV_DOM_OBJS) \
          $(HV_COMMS_OBJS) $(HV_PV_OBJS) $(HV_DEV_OBJS) $(HV_LIB_OBJS)
HV_LINK = $(addprefix $(HVO)/,$(HV_OBJS)) $(HVO)/boot/unpack-all.o

all: $(B)/bonsai

$(HVO)/%.o: hypervisor/%.c
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) $(HV_CFLAGS_$(subst /,_,$*)) -c -o $@ $<

$(HVO)/%.o: hypervisor/%.S $(HVO)/offsets.h
	@mkdir -p $(@D)
	$(CC) -D__ASSEMBLY__ -Ihypervisor -I$(HVO) -MMD -MP -c -o $@ $<

$(HVO)/offsets.h: hypervisor/x86/offsets.c
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -S -MF $(HVO)/offsets.d -MT $@ -o $(HVO)/offsets.s $<
	sed -n 's/^->\([A-Za-z0-9_]*\) \$$*\(-*[0-9]*\).*/#define \1 \2/p' $(HVO)/offsets.s > $@

# gcc turns loops into calls of the very functions that this file defines
HV_CFLAGS_lib_string = -fno-tree-loop-distribute-patterns

# The decompressors: Debian's static libraries, linked with unpack.o into one object of which only the
# two functions of boot.h are seen outside, all of it in the part of the image that boot gives back.
HV_UNPACK_LIBS = $(foreach l,lzma zstd z,$(shell $(CC) -print-file-name=lib$(l).a))
$(HVO)/boot/unpack-all.o: $(HVO)/boot/unpack.o
	ld -r -d --gc-sections -u unpack_kernel -u unpack_done -T hypervisor/boot/unpack.lds -o $@.tmp \
	    $< --start-group $(HV_UNPACK_LIBS) --end-group
	objcopy --keep-global-symbol=unpack_kernel --keep-global-symbol=unpack_done $@.tmp $@
	@rm $@.tmp

# Linked twice: the names of the first link's functions become the table that backtraces print from.
HV_LD = ld -static -nostdlib -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments \
        -T hypervisor/boot/image.lds
$(HVO)/bonsai.elf: $(HV_LINK) hypervisor/boot/image.lds hypervisor/boot/symbols.sh
	sh hypervisor/boot/symbols.sh /dev/null 2>/dev/null | $(CC) -c -x assembler - -o $(HVO)/symbols0.o
	$(HV_LD) -o $(HVO)/bonsai.pass1 $(HV_LINK) $(HVO)/symbols0.o
	sh hypervisor/boot/symbols.sh $(HVO)/bonsai.pass1 | $(CC) -c -x assembler - -o $(HVO)/symbols.o
	$(HV_LD) -o $@ $(HV_LINK) $(HVO)/symbols.o

$(B)/bonsai: $(HVO)/bonsai.elf hypervisor/boot/container.S hypervisor/boot/container.lds
	objcopy --only-keep-debug $< $@.syms
	objcopy -O binary $< $(HVO)/bonsai.bin
	$(CC) -m32 -D__ASSEMBLY__ -Wa,-I$(HVO) -c -o $(HVO)/container.o hypervisor/boot/container.S
	ld -m elf_i386 -T hypervisor/boot/container.lds --no-warn-rwx-segments \
	    --defsym=image_bytes=0x$$(nm $< | awk '$$3 == "image_bytes" { print $$1 }') \
	    --defsym=entry=0x$$(nm $< | awk '$$3 == "entry_physical" { print $$1 }') \
	    -o $@ $(HVO)/container.o
