# SPDX-License-Identifier: MIT
# The frontends: portable guest-side drivers over os.h. A guest's makefile compiles these, relative
# to this folder, with its own flags; tests/host/frontends compiles them for the host.

FRONTENDS_OBJS = store.o store_ring.o control.o granted.o xenbus.o console.o blkfront.o blkfront_ring.o \
                 netfront.o netfront_csum.o
