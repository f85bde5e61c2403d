# SPDX-License-Identifier: MIT
HV_COMMS_OBJS = comms/evtchn.o comms/evtchn_op.o comms/evtchn_2l.o comms/evtchn_fifo.o comms/grant.o \
                comms/grant_op.o comms/grant_map.o comms/grant_copy.o
