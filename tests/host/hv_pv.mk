# SPDX-License-Identifier: MIT
# The scheduler, timers and the entry code's C half on the pretend machine (see hv_mm.mk).
HV_PV_TESTS = $(addprefix $(B)/tests/host/,hv_sched hv_pv)
.SECONDEXPANSION:
$(HV_PV_TESTS): $(B)/tests/host/%: $(B)/host/tests/host/%.o $$(HV_HOST_MM_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(HV_HOST_LDFLAGS)
$(B)/tests/host/hv_sched: $(addprefix $(B)/host/hypervisor/dom/,sched.o sched_op.o timer.o runstate.o watchdog.o)
HV_PV_OBJS_HOST = $(B)/host/tests/host/hv_pv_fakes.o $(addprefix $(B)/host/hypervisor/,pv/guest_entry.o pv/callback.o \
    pv/privop.o pv/debugreg.o pv/msr.o pv/segment.o dom/vcpu.o dom/vcpu_op.o dom/timer.o)
$(B)/tests/host/hv_pv: $(HV_PV_OBJS_HOST)
