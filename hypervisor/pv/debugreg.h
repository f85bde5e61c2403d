/* SPDX-License-Identifier: MIT
 *
 * Debug registers and XCR0 at a switch of vCPUs.
 */
#pragma once
#include "lib/types.h"

struct vcpu;

/* from: NULL when none was loaded. Writes the hardware only when one of them has breakpoints
 * enabled. */
void debugregs_switch(const struct vcpu *from, const struct vcpu *to);
void xcr0_load(uint64_t val);
