# SPDX-License-Identifier: MIT
# unpack.o is not here: hypervisor.mk links it with the decompressors first
HV_BOOT_OBJS = boot/head.o boot/main.o boot/early.o boot/multiboot.o boot/memory_map.o boot/cmdline.o \
               boot/acpi.o
