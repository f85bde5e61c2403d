/* SPDX-License-Identifier: MIT */
/*
 * THE table of the class VM, and its start and end; see vm.h. The handlers are in vm_read.c,
 * vm_write.c and power.c.
 */
#include "dom0-tools/xapid/vm_methods.h"
#include "dom0-tools/xapid/power.h"
#include "dom0-tools/xapid/vm.h"

#include <errno.h>
#include <stdio.h>

int vm_open(const char *state, struct failure *why)
{
    char folder[512];

    if (snprintf(folder, sizeof(folder), "%s/vms", state) >= (int)sizeof(folder))
        return fail(why, ENAMETOOLONG, "the name of the folder is too long: %.100s...", state);
    return vmfile_open(folder, why);
}

void vm_stop(void)
{
    power_stopping = true;
}

void vm_close(void)
{
    vmfile_close();
}

const struct method vm_methods[] = {
    {"VM.get_all", vm_get_all},
    {"VM.get_all_records", vm_get_all_records},
    {"VM.get_record", vm_get_record, {{"self", PARAM_REF}}},
    {"VM.get_by_uuid", vm_get_by_uuid, {{"uuid", PARAM_STRING}}},
    {"VM.get_by_name_label", vm_get_by_name_label, {{"label", PARAM_STRING}}},
    {"VM.create", vm_create, {{"args", PARAM_STRUCT}}},
    {"VM.destroy", vm_destroy, {{"self", PARAM_REF}}},

    {"VM.start",
     power_call,
     {{"vm", PARAM_REF}, {"start_paused", PARAM_BOOLEAN}, {"force", PARAM_BOOLEAN, true}}},
    {"VM.pause", power_call, {{"vm", PARAM_REF}}},
    {"VM.unpause", power_call, {{"vm", PARAM_REF}}},
    {"VM.clean_shutdown", power_call, {{"vm", PARAM_REF}}},
    {"VM.clean_reboot", power_call, {{"vm", PARAM_REF}}},
    {"VM.hard_shutdown", power_call, {{"vm", PARAM_REF}}},
    {"VM.hard_reboot", power_call, {{"vm", PARAM_REF}}},

    {"VM.get_uuid", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_power_state", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_allowed_operations", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_resident_on", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_domid", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_is_control_domain", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_metrics", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_guest_metrics", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_suspend_VDI", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_security_label", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_consoles", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_VBDs", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_VIFs", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_crash_dumps", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_VTPMs", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_DPCIs", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_DSCSIs", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_DSCSI_HBAs", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_name_label", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_name_description", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_user_version", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_is_a_template", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_auto_power_on", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_memory_static_max", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_memory_dynamic_max", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_memory_dynamic_min", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_memory_static_min", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_VCPUs_params", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_VCPUs_max", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_VCPUs_at_startup", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_actions_after_shutdown", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_actions_after_reboot", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_actions_after_crash", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_PV_bootloader", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_PV_kernel", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_PV_ramdisk", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_PV_args", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_PV_bootloader_args", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_HVM_boot_policy", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_HVM_boot_params", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_platform", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_PCI_bus", vm_get_field, {{"self", PARAM_REF}}},
    {"VM.get_other_config", vm_get_field, {{"self", PARAM_REF}}},

    {"VM.set_name_label", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_name_description", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_user_version", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_is_a_template", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_auto_power_on", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_memory_static_max", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_memory_dynamic_max", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_memory_dynamic_min", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_memory_static_min", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_VCPUs_params", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_VCPUs_max", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_VCPUs_at_startup", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_actions_after_shutdown", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_actions_after_reboot", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_actions_after_crash", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_PV_bootloader", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_PV_kernel", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_PV_ramdisk", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_PV_args", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_PV_bootloader_args", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_HVM_boot_policy", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_HVM_boot_params", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_platform", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_PCI_bus", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_other_config", vm_set_field, {{"self", PARAM_REF}, {"value", PARAM_ANY}}},
    {"VM.set_memory_limits",
     vm_set_fields,
     {{"self", PARAM_REF},
      {"memory_static_min", PARAM_INT},
      {"memory_static_max", PARAM_INT},
      {"memory_dynamic_min", PARAM_INT},
      {"memory_dynamic_max", PARAM_INT}}},
    {"VM.set_memory_dynamic_range",
     vm_set_fields,
     {{"self", PARAM_REF}, {"memory_dynamic_min", PARAM_INT}, {"memory_dynamic_max", PARAM_INT}}},

    {"VM.add_to_VCPUs_params",
     vm_add_to,
     {{"self", PARAM_REF}, {"key", PARAM_STRING}, {"value", PARAM_STRING}}},
    {"VM.remove_from_VCPUs_params", vm_remove_from, {{"self", PARAM_REF}, {"key", PARAM_STRING}}},
    {"VM.add_to_HVM_boot_params",
     vm_add_to,
     {{"self", PARAM_REF}, {"key", PARAM_STRING}, {"value", PARAM_STRING}}},
    {"VM.remove_from_HVM_boot_params",
     vm_remove_from,
     {{"self", PARAM_REF}, {"key", PARAM_STRING}}},
    {"VM.add_to_platform",
     vm_add_to,
     {{"self", PARAM_REF}, {"key", PARAM_STRING}, {"value", PARAM_STRING}}},
    {"VM.remove_from_platform", vm_remove_from, {{"self", PARAM_REF}, {"key", PARAM_STRING}}},
    {"VM.add_to_other_config",
     vm_add_to,
     {{"self", PARAM_REF}, {"key", PARAM_STRING}, {"value", PARAM_STRING}}},
    {"VM.remove_from_other_config", vm_remove_from, {{"self", PARAM_REF}, {"key", PARAM_STRING}}},
    {.name = NULL},
};
