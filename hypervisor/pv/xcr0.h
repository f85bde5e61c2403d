/* SPDX-License-Identifier: MIT
 *
 * XSETBV as a guest may use it (AMD64 APM vol. 2, 11.5.2).
 */
#pragma once
#include "lib/types.h"

struct vcpu;

/* 0, or -EINVAL: #GP. Loads XCR0 when v is the current vCPU. */
int xcr0_set(struct vcpu *v, uint32_t index, uint64_t val);
