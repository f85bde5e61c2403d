/* SPDX-License-Identifier: MIT
 *
 * A 16550 serial port. LOCK_CONSOLE is the caller's, except of uart_start_irq().
 */
#pragma once

/* Parses com1= or com2= ("BAUD|auto[,8n1[,PORT[,IRQ]]]") and sets the port up; false when nothing
 * answers there. n: 1 or 2. */
bool uart_init(unsigned n);
/* Bytes taken of n; the rest finds no room now and the caller tries later (uart_drain). */
size_t uart_write(const char *s, size_t n);
/* Sends what is buffered for at most about budget_us; true when nothing is left. */
bool uart_drain(unsigned budget_us);
/* Next received byte, -1: none. */
int uart_read(void);
/* Receive interrupts on, `fn` called by them; false when the port has none and must be polled. */
bool uart_start_irq(void (*fn)(void *data));
bool uart_owns_port(uint16_t port);
