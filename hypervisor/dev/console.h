/* SPDX-License-Identifier: MIT
 *
 * The hypervisor's console: serial and VGA text, a ring of what was printed (xl dmesg), input with
 * a switch between dom0 and the debug keys (Ctrl-A three times). LOCK_CONSOLE, a leaf.
 */
#pragma once

/* Boot: console=, com1=, loglvl=, guest_loglvl= of the command line, which is there already; output
 * only, and waiting for the line. */
void console_init_early(void);
void console_init_irq(void); /* input, and output that does not wait; needs irq_init() and timers */
void console_release_vga(void); /* dom0 runs: the screen is its */
void console_write(const char *s, size_t n);
void console_write_guest(struct hcall *c, const char *s, size_t n); /* dom0's text, as is */
size_t console_ring_read(char *buf, size_t size, uint32_t *index, bool clear, bool incremental);
hcall_fn consoleio_write, consoleio_read;
void console_add_own_keys(void);
void console_run_key(char key); /* debug key, also by sysctl debug_keys */
/* Other rooms add theirs at boot: key, one-line description, function. */
void console_add_key(char key, const char *what, void (*fn)(void));
/* SOFTIRQ_CONSOLE: sends on what the UART had no room for. */
void console_softirq(void);
/* On panic: stop being polite about locks and buffers. */
void console_panic_mode(void);
