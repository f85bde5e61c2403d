# SPDX-License-Identifier: MIT
# Tests of the ABI headers: tests/host/abi/compare (exit status 77: skipped), programs of ABI_TESTS.

ABI_TESTS = $(B)/tests/host/abi_ring

CFLAGS_tests_host_abi_ring_test = -fsanitize=address,undefined -fno-sanitize-recover=undefined
$(B)/tests/host/abi_ring: $(B)/obj/tests/host/abi/ring_test.o
	@mkdir -p $(@D)
	$(CC) -fsanitize=address,undefined -o $@ $^ -lcmocka

check-abi: $(ABI_TESTS)
	$(B)/tests/host/abi_ring
	tests/host/abi/compare || test $$? -eq 77

.PHONY: check-abi
