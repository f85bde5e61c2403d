# SPDX-License-Identifier: MIT
# Event channels, grants and domains on the pretend machine (see hv_mm.mk).
HV_COMMS_HOST_OBJS = $(addprefix $(B)/host/,tests/host/hv_comms.o hypervisor/dom/domain.o \
    hypervisor/dom/teardown.o $(addprefix hypervisor/,$(HV_COMMS_OBJS)))

HV_COMMS_TESTS = $(addprefix $(B)/tests/host/,hv_comms_evtchn hv_comms_grant hv_comms_domain \
    hv_comms_fuzz)
# hv_mm.mk is read after this file
.SECONDEXPANSION:
$(HV_COMMS_TESTS): $(B)/tests/host/%: $(B)/host/tests/host/%.o $(HV_COMMS_HOST_OBJS) $$(HV_HOST_MM_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(HV_HOST_LDFLAGS)
$(B)/tests/host/hv_comms_domain $(B)/tests/host/hv_comms_fuzz: $(addprefix $(B)/host/hypervisor/,dom/domctl.o dom/domctl_vcpu.o \
    dom/bitmap.o dom/domctl_mem.o dom/domctl_policy.o dom/sysctl.o dom/cpupool.o pv/cpuid.o version.o)
