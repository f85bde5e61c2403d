# SPDX-License-Identifier: MIT
GUEST_OBJS_disk = guest-abi/examples/words.o
