# SPDX-License-Identifier: MIT
# A guest made by the toolstack's library alone; runs in dom0.

$(B)/tests/toollib_boot: $(B)/obj/tests/system/toollib/boot_guest.o $(TOOLLIB_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(TOOLLIB_LIBS)

# every call of the library once
$(B)/tests/toollib_probe: $(B)/obj/tests/system/toollib/probe.o $(TOOLLIB_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(TOOLLIB_LIBS)

# for test_toollib.py
TOOLLIB_TESTS += $(B)/tests/toollib_boot $(B)/tests/toollib_probe
check-reference: $(B)/tests/toollib_boot $(B)/tests/toollib_probe
