/* SPDX-License-Identifier: MIT
 *
 * Symbols of assembly and the linker script.
 */
#pragma once

extern char image_start[], text_end[], image_end[], init_start[], init_end[];
extern char syscall_stub_page[];
struct ex_entry {
    int32_t fault, fixup; /* relative to their own addresses */
};
extern const struct ex_entry ex_table_start[], ex_table_end[];

extern const uint64_t trap_entry_table[256];
extern char guest_iret[]; /* the iretq to a guest, whose fault is the guest's */
/* 0, or -14 when the selector faults (the register holds NUL then). */
int load_ds(unsigned sel);
int load_es(unsigned sel);
int load_fs(unsigned sel);
int load_gs(unsigned sel);

void exit_to_guest(void) __attribute__((noreturn)); /* entry.S: from the frame at the stack's top */
/* Abandons the stack and calls fn on the top of this CPU's. */
void reset_stack_and_call(void (*fn)(void)) __attribute__((noreturn));
