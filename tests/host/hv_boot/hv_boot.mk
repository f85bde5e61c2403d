# SPDX-License-Identifier: MIT
# What runs before there is a machine to speak of: strings, formats, command line, memory map, loader's and firmware's
# tables, ELF, unpacking. The C library's own names are moved out of the way.
HV_BOOT_TESTS = $(B)/tests/host/hv_boot

HV_BOOT_HOST_OBJS = $(addprefix $(B)/hvboot/,tests/host/hv_boot/hv_boot.o tests/host/hv_boot/hv_unpack.o \
    $(addprefix hypervisor/,boot/cmdline.o boot/memory_map.o boot/multiboot.o boot/acpi.o boot/unpack.o lib/printf.o \
    lib/string.o lib/elf.o dev/console_ring.o))
HV_BOOT_RENAME = $(foreach f,snprintf vsnprintf malloc calloc free,-D$(f)=hv_$(f))
HV_BOOT_RENAME_string = $(foreach f,memcpy memmove memset memcmp strlen strnlen strcmp strncmp strchr strstr \
    strtoul,-D$(f)=hv_$(f))

$(B)/hvboot/%.o: %.c
	@mkdir -p $(@D)
	$(CC) -Itests/host/hv_boot/pretend $(HV_HOST_CFLAGS) $(HV_BOOT_RENAME) $(HV_BOOT_RENAME_$(*F)) -fno-builtin \
	    -c -o $@ $<

$(HV_BOOT_TESTS): $(HV_BOOT_HOST_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(HV_HOST_LDFLAGS) -llzma -lzstd -lz

-include $(shell find $(B)/hvboot -name '*.d' 2>/dev/null)
