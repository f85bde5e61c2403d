# SPDX-License-Identifier: MIT
# xapid's classes VM and host, and what is kept of them.

XAPID_VM_OBJS = $(addprefix $(B)/obj/dom0-tools/xapid/, \
    uuid_ref.o vmfile.o vmfile_disk.o vm_record.o vm_config.o vm_look.o vm_fields.o vm_methods.o \
    vm_read.o vm_write.o vm_parts.o vm_metrics.o vm_device.o power.o power_start.o power_wait.o \
    power_claim.o power_monitor.o host.o host_file.o host_parts.o)
XAPID_VM_LIBS = -lyajl -lpthread

# rows leave out what they do not need
$(XAPID_VM_OBJS): CFLAGS_USER += -Wno-missing-field-initializers
