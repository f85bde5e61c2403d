/* SPDX-License-Identifier: MIT
 *
 * Debug registers at a switch of vCPUs.
 */
#pragma once

struct vcpu;

/* from: NULL when none was loaded. Writes the hardware only when one of them has breakpoints
 * enabled. */
void debugregs_switch(const struct vcpu *from, const struct vcpu *to);
