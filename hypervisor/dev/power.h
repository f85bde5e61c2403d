/* SPDX-License-Identifier: MIT
 *
 * Power-off and reset (machine_shutdown() is declared in dom/domain.h).
 */
#pragma once

/* Writes the PM1 control registers as dom0's ACPI wants them for sleep; returns when the machine
 * did not sleep. */
void power_write_pm1(uint16_t a, uint16_t b);
