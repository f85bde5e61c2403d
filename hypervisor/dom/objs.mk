# SPDX-License-Identifier: MIT
HV_DOM_OBJS = dom/domain.o dom/teardown.o dom/vcpu.o dom/vcpu_op.o dom/runstate.o dom/sched.o \
              dom/sched_op.o dom/timer.o dom/watchdog.o dom/domctl.o dom/domctl_vcpu.o dom/domctl_mem.o \
              dom/domctl_policy.o dom/bitmap.o dom/sysctl.o dom/cpupool.o
