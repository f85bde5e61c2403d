# SPDX-License-Identifier: MIT
# for test_xapid*.py: a program of dom0 that carries requests

$(B)/tests/xapid_door: $(B)/obj/tests/system/xapid/door.o
	@mkdir -p $(@D)
	$(CC) -o $@ $^

XAPID_TESTS += $(B)/tests/xapid_door
check-reference: $(B)/tests/xapid_door
