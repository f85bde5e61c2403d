# SPDX-License-Identifier: MIT
HV_X86_OBJS = x86/entry.o x86/copy.o x86/traps.o x86/smp.o x86/cpu.o x86/desc.o x86/fpu.o x86/hvmap.o \
              x86/irq.o x86/vector.o x86/apic.o x86/ioapic.o x86/msi.o x86/pci.o x86/time.o
