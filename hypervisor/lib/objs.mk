# SPDX-License-Identifier: MIT
HV_LIB_OBJS = lib/string.o lib/printf.o lib/log.o lib/backtrace.o lib/spinlock.o lib/elf.o
