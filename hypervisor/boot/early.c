/* SPDX-License-Identifier: MIT
 *
 * An exception before the real IDT is there (boot/head.S): our own mistake, or the firmware's.
 */
#include "boot/early.h"

void early_trap(uint64_t vector, uint64_t word0, uint64_t word1, uint64_t cr2)
{
    /* with an error code on top, word0 is that and word1 is rip; else word0 is rip */
    panic("exception %lu while booting: %lx %lx, cr2 %lx", vector, word0, word1, cr2);
}
