# SPDX-License-Identifier: MIT
# make lint: every check, even if one fails. make loc: sizes. Each check is a program in tests/lint that says in its
# first lines what it holds to; one of them alone: make lint-layers.

LINT_CHECKS = format spdx reading-order headers layers cppcheck

# From the bottom up. On one level: joined by a comma.
export LAYERS = lib x86 mm dom comms,pv,dev hypercall boot
# hypercall handlers, wherever they lie
export LAYER_HANDLERS = dom/domctl*.c dom/sysctl*.c dom/sched_op.c dom/vcpu_op.c dom/scheduler_op.c mm/memory*.c \
    mm/mmu_update.c mm/mmuext.c dev/physdev*.c dev/platform*.c comms/evtchn_op.c comms/grant_op.c pv/callback.c
export LAYER_SHARED = dom/domain.h dom/vcpu.h
# FILE>HEADER or FILE>FUNCTION: entries and exceptions go up into pv/; a domain's birth and death reach every subsystem
export LAYER_EXCEPTIONS = x86/entry.S>pv/* x86/traps.c>pv/* dom/domain.c>*_init dom/teardown.c>*_teardown
export LAYER_OBJECTS = $(B)/obj/hypervisor

export HEADER_FLAGS_HV = $(or $(HV_CFLAGS),$(CFLAGS_USER) -D__XEN__ -Ihypervisor)
export HEADER_FLAGS_USER = $(CFLAGS_USER) -isystem /usr/include/libxml2 -isystem /usr/include/libnl3
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
