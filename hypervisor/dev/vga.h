/* SPDX-License-Identifier: MIT
 *
 * The VGA text screen, 80x25, until dom0 takes it. LOCK_CONSOLE.
 */
#pragma once

void vga_init(void); /* does nothing when the screen is not in text mode */
void vga_write(const char *s, size_t n);
void vga_release(void); /* the screen is dom0's */
