# SPDX-License-Identifier: MIT
# The ABI headers need no build. `make check-abi` compares them with Debian's libxen-dev, where that is installed.

check-abi:
	tests/host/abi/compare

.PHONY: check-abi
