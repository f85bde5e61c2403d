# SPDX-License-Identifier: MIT
# hypervisor/x86/entry.S itself in a process (hv_entry.c), x86/fpu.c on this CPU (hv_entry_fpu.c), and on the pretend machine
# the checks that software emulation of the CPU cannot make fail (hv_entry_values.c; docs/untested-here.md).
HV_ENTRY_TESTS = $(addprefix $(B)/tests/host/,hv_entry hv_entry_values hv_entry_traps hv_entry_fpu)

HV_ENTRY_CFLAGS = $(filter-out -Itests/host/pretend -MMD -MP,$(HV_HOST_CFLAGS)) -DBONSAI_DEBUG=$(BONSAI_DEBUG) -MMD -MP
HV_ENTRY_ASM    = $(CC) -D__ASSEMBLY__ -Ihypervisor -I$(HVO) -MMD -MP -c

$(B)/host/hv_entry/entry.o: hypervisor/x86/entry.S $(HVO)/offsets.h
	@mkdir -p $(@D)
	$(HV_ENTRY_ASM) '-Dsysretq=jmp host_sysret' '-Diretq=jmp host_iret' -o $@ $<
$(B)/host/hv_entry/harness.o: tests/host/hv_entry_harness.S $(HVO)/offsets.h
	@mkdir -p $(@D)
	$(HV_ENTRY_ASM) -o $@ $<
$(B)/host/hv_entry/hv_entry.o: tests/host/hv_entry.c
	@mkdir -p $(@D)
	$(CC) $(HV_ENTRY_CFLAGS) -c -o $@ $<
# the stubs hold absolute addresses, as in the hypervisor's image
$(B)/tests/host/hv_entry: $(addprefix $(B)/host/hv_entry/,hv_entry.o entry.o harness.o)
	@mkdir -p $(@D)
	$(CC) -no-pie -o $@ $^ $(HV_HOST_LDFLAGS)

.SECONDEXPANSION:
$(B)/tests/host/hv_entry_traps: $(B)/host/hypervisor/x86/traps.o
$(B)/tests/host/hv_entry_values $(B)/tests/host/hv_entry_traps: $(B)/tests/host/%: $(B)/host/tests/host/%.o \
    $$(HV_HOST_MM_OBJS) $$(HV_PV_OBJS_HOST)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(HV_HOST_LDFLAGS)
$(B)/tests/host/hv_entry_fpu: $(addprefix $(B)/host/,tests/host/hv_entry_fpu.o hypervisor/x86/fpu.o) $$(HV_HOST_MM_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(HV_HOST_LDFLAGS)
