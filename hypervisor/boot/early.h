/* SPDX-License-Identifier: MIT
 *
 * Between boot/head.S and C.
 */
#pragma once

struct pcpu;

/* boot/main.c, called once on the boot stack with what the boot loader left in eax and ebx */
void start_of_day(uint32_t magic, uint64_t info) __attribute__((noreturn));
void early_trap(uint64_t vector, uint64_t word0, uint64_t word1, uint64_t cr2)
    __attribute__((noreturn));
/* Leaves the boot stack for the one of p's region and calls fn there. */
void boot_switch_stack(struct pcpu *p, void (*fn)(void)) __attribute__((noreturn));
