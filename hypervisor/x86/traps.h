/* SPDX-License-Identifier: MIT
 *
 * What x86/entry.S calls, each with the frame that the trap left.
 */
#pragma once
#include "x86/regs.h"

void guest_trap(struct regs *r);      /* an exception of the guest, CPL 3 */
void hypervisor_trap(struct regs *r); /* an exception of our own */
void ist_trap(struct regs *r);        /* #DF, NMI, #MC */
void regs_dump(const struct regs *r);
