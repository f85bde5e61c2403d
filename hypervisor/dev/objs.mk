# SPDX-License-Identifier: MIT
HV_DEV_OBJS = dev/console.o dev/console_ring.o dev/uart.o dev/vga.o dev/keys.o dev/physdev.o dev/pirq.o \
              dev/platform.o dev/power.o dev/ports.o dev/iomem.o
