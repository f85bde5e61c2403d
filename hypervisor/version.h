/* SPDX-License-Identifier: MIT
 *
 * xen_version: one function a sub-op (XENVER_*). a[0] is the sub-op, a[1] the guest's buffer, which
 * the functions fill themselves (rows without a structure), but for get_features' structure.
 */
#pragma once

#define BONSAI_VERSION "0.1"

struct hcall;
long xenver_version(struct hcall *c, void *arg);
long xenver_extraversion(struct hcall *c, void *arg);
long xenver_compile_info(struct hcall *c, void *arg);
long xenver_capabilities(struct hcall *c, void *arg);
long xenver_changeset(struct hcall *c, void *arg);
long xenver_platform_parameters(struct hcall *c, void *arg);
long xenver_get_features(struct hcall *c, void *arg);
long xenver_pagesize(struct hcall *c, void *arg);
long xenver_guest_handle(struct hcall *c, void *arg);
long xenver_commandline(struct hcall *c, void *arg);
long xenver_build_id(struct hcall *c, void *arg);
