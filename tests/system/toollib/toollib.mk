# SPDX-License-Identifier: MIT
# A guest made by the toolstack's library alone; runs in dom0.

$(B)/tests/toollib_boot: $(B)/obj/tests/system/toollib/boot_guest.o $(TOOLLIB_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(TOOLLIB_LIBS)

# every call of the library once
$(B)/tests/toollib_probe: $(B)/obj/tests/system/toollib/probe.o $(TOOLLIB_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(TOOLLIB_LIBS)
