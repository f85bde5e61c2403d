# SPDX-License-Identifier: MIT
# make lint: every check, even if one fails. make loc: sizes. Each check is a program in tests/lint
# that says in its first lines what it holds to; one of them alone: make lint-layers.

LINT_CHECKS = format spdx reading-order headers layers cppcheck

# From the bottom up. On one level: joined by a comma.
export LAYERS = lib x86 mm dom comms,pv,dev hypercall boot
# hypercall handlers, wherever they lie
export LAYER_HANDLERS = dom/domctl*.c dom/sysctl*.c dom/sched_op.c \
    dom/vcpu_op.c dom/scheduler_op.c mm/memory*.c mm/mmu_update.c mm/mmuext.c dev/physdev*.c \
    dev/platform*.c comms/evtchn_op.c comms/grant_op.c pv/callback.c
# data and inline look-ups of domains and vCPUs; what boot found out, read only afterwards
export LAYER_SHARED = dom/domain.h dom/vcpu.h boot/boot.h boot/memory_map.h

# FILE>HEADER or FILE>FUNCTION that may go up, with the reason.
# entries and exceptions end in pv/
LAYER_EXCEPTIONS = x86/entry.S>pv/* x86/entry.S>hypercall_entry x86/traps.c>pv/* x86/traps.c>mm/pt*
# birth and death of domains and vCPUs reach every subsystem that keeps state for them
LAYER_EXCEPTIONS += $(foreach f,domain vcpu teardown,$(foreach l,comms pv dev,dom/$f.c>$l/*))
# a context switch changes what pv/ keeps of a vCPU; the end of polling lies with its hypercall
LAYER_EXCEPTIONS += dom/sched.c>pv/* dom/sched.c>dev/console* dom/vcpu.c>sched_poll_timeout
# locks, log and backtraces know on which CPU they run; a spinning CPU serves TLB
# flushes, or two would wait for ever
LAYER_EXCEPTIONS += lib/spinlock.c>x86/* lib/log.c>x86/percpu.h lib/backtrace.c>x86/*
LAYER_EXCEPTIONS += lib/spinlock.c>mm/tlb* x86/irq.c>mm/tlb*
# the hypervisor's own tables are made of frames; MSI-X tables are not RAM
LAYER_EXCEPTIONS += x86/hvmap.c>mm/* x86/desc.c>mm/* x86/fpu.c>mm/* \
    x86/msi.c>mm/frame.h
# clocks and interrupts of guests
LAYER_EXCEPTIONS += x86/time.c>dom/domain.c x86/time.c>mm/guest_copy* x86/irq.c>dom/domain.c
# which descriptors and device memory are allowed is for pv/ and dev/ to judge; a frame that
# outlives its domain's life holds the struct
LAYER_EXCEPTIONS += mm/frame.c>pv/* mm/baseptr.c>pv/* mm/pt_check.c>dev/* \
    mm/frame.c>domain_put mm/frame_domain.c>domain_hold
# the command line is there from the first minute, and whoever has options asks for them; dom0's
# kernel comes out of its container once; long work asks whether it has run long enough
LAYER_EXCEPTIONS += *>boot/cmdline.c pv/dom0_build.c>boot/unpack.c *>hcall_out_of_budget
export LAYER_EXCEPTIONS

export LAYER_OBJECTS = $(B)/obj/hypervisor

export HEADER_FLAGS_HV = $(or $(HV_CFLAGS),$(CFLAGS_USER) -D__XEN__ -Ihypervisor)
export HEADER_FLAGS_USER = $(CFLAGS_USER) -isystem /usr/include/libxml2 -isystem /usr/include/libnl3
# the hypervisor's core on the pretend machine
export HEADER_FLAGS_HV_HOST = $(HV_HOST_CFLAGS)
export HEADER_ASM =
export HEADER_SKIP =
export CPPCHECK_DIR = $(B)/cppcheck
export LOC_BUDGET = 15000

lint:
	@failed=; for check in $(LINT_CHECKS); do tests/lint/$$check || failed="$$failed $$check"; done; \
	 if [ -n "$$failed" ]; then echo "lint: FAIL:$$failed"; exit 1; else echo "lint: OK"; fi

lint-%:
	@tests/lint/$*

loc:
	@tests/lint/loc

.PHONY: lint loc
