# SPDX-License-Identifier: MIT
# Tests, demo, ISO and benchmarks, all on the rig (tests/rig). 'make deps' installs what they and
# the build need.

# a room's test programs are its variable ROOM_TESTS
-include $(filter-out $(MAKEFILE_LIST),$(wildcard tests/host/*.mk tests/host/*/*.mk \
    tests/lint/lint.mk))
HOST_TESTS = $(foreach v,$(filter %_TESTS,$(filter-out HOST_TESTS,$(.VARIABLES))),$($v))

PYTHON = /usr/bin/python3
export PYTHONDONTWRITEBYTECODE = 1
export BONSAI_BUILD = $(abspath $(B))

# The packages come first: make remakes this file before it does anything else, and starts anew
# after it.
ifneq ($(filter-out clean deps loc,$(or $(MAKECMDGOALS),all)),)
-include $(B)/deps.mk
endif
$(B)/deps.mk: tests/rig/deps
	@tests/rig/deps
	@mkdir -p $(@D)
	@echo "# 'make deps' has been done" >$@

deps:
	@tests/rig/deps

# SYSTEM: arguments for pytest, e.g. SYSTEM='-k crash'; PARTS: some of host abi lint system
check: all $(HOST_TESTS)
	@$(PYTHON) tests/run $(PARTS)

# our tools on stock Xen 4.17, and stock tools on our hypervisor
check-reference: all
	@$(PYTHON) tests/run reference

demo: all
	@tests/rig/demo $(if $(filter-out 0,$(BATCH)),--batch)

iso: $(B)/bonsai.iso
$(B)/bonsai.iso: all tests/rig/iso
	@$(PYTHON) tests/rig/iso $@

# UPDATE=1 puts the table into docs/benchmarks.md
bench: all
	@$(PYTHON) tests/bench/bench $(if $(UPDATE),--update)

.PHONY: deps check check-reference demo iso bench
