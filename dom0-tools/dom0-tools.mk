# SPDX-License-Identifier: MIT
# dom0's tools: the library first, then what is built on it.

-include dom0-tools/lib/lib.mk
-include dom0-tools/xl/xl.mk
-include dom0-tools/xapid/xapid.mk
