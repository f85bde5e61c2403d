/* SPDX-License-Identifier: MIT
 *
 * xen_version: one function a sub-op (XENVER_*). a[0] is the sub-op, a[1] the guest's buffer, which
 * the functions fill themselves (rows without a structure), but for get_features' structure.
 */
#pragma once

#define BONSAI_VERSION "0.1"

hcall_fn xenver_extraversion, xenver_compile_info, xenver_capabilities, xenver_changeset,
    xenver_platform_parameters, xenver_get_features, xenver_guest_handle, xenver_commandline;
