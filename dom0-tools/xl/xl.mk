# SPDX-License-Identifier: MIT
# xl, and the part of the toolstack's library that knows guests: configuration, devices, monitor.

GUEST_OBJS = $(addprefix $(B)/obj/dom0-tools/lib/, \
    cfg.o cfg_lex.o spec_vdev.o spec_disk.o spec_vif.o guest_config.o guest_json.o guest_json_read.o \
    device.o loop.o net_link.o disk.o disk_share.o vif.o \
    host_conf.o guest.o guest_console.o guest_power.o guest_nodes.o guest_create.o guest_destroy.o \
    monitor.o monitor_claim.o monitor_start.o)
GUEST_LIBS = -lyajl

XL_OBJS = $(addprefix $(B)/obj/dom0-tools/xl/, \
    main.o verbs.o console.o format.o list_json.o \
    cmd_create.o cmd_list.o cmd_vm_list.o cmd_info.o cmd_console.o cmd_shutdown.o cmd_destroy.o \
    cmd_pause.o cmd_domid.o cmd_dmesg.o cmd_devices.o cmd_monitor.o)

$(B)/bin/xl: $(XL_OBJS) $(GUEST_OBJS) $(TOOLLIB_OBJS) $(STORE_CLIENT_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(GUEST_LIBS) $(TOOLLIB_LIBS)

all: $(B)/bin/xl
