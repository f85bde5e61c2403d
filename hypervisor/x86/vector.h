/* SPDX-License-Identifier: MIT
 *
 * Interrupt vectors 0x30 to 0xdf for lines and messages, the same on every CPU. LOCK_PIRQ.
 */
#pragma once

/* n consecutive vectors, aligned to n (a power of two up to 32), all leading to irq, irq + 1, ...;
 * 0: none left. */
uint8_t vector_alloc(unsigned irq, unsigned n);
void vector_free(uint8_t vector);
#define IRQ_NONE (~0u)
unsigned vector_to_irq(uint8_t vector); /* IRQ_NONE: nobody's */
