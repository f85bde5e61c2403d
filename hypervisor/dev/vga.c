/* SPDX-License-Identifier: MIT
 *
 * Text mode 3: 25 rows of 80 cells (character, attribute) at 0xb8000; the CRT controller holds the
 * cursor. Output is on the bottom row, the rest scrolls up.
 */
#include "dev/vga.h"
#include "x86/asm.h"
#include "x86/hvmap.h"

#define COLUMNS 80u
#define ROWS    25u
#define BLANK   0x0720

static uint16_t *screen; /* NULL: no text screen, or not ours any more */
static unsigned column;

static void set_cursor(void)
{
    unsigned at = (ROWS - 1) * COLUMNS + min(column, COLUMNS - 1);

    outb(0x3d4, 14);
    outb(0x3d5, (uint8_t)(at >> 8));
    outb(0x3d4, 15);
    outb(0x3d5, (uint8_t)at);
}

static void new_line(void)
{
    memmove(screen, screen + COLUMNS, (ROWS - 1) * COLUMNS * 2);
    for (unsigned i = 0; i < COLUMNS; i++)
        screen[(ROWS - 1) * COLUMNS + i] = BLANK;
    column = 0;
}

void vga_init(void)
{
    uint8_t mode = *(volatile uint8_t *)low_mem(0x449); /* BIOS data area */

    if (mode != 2 && mode != 3)
        return;
    screen = low_mem(0xb8000);
    new_line();
}

void vga_write(const char *s, size_t n)
{
    if (!screen)
        return;
    for (; n; n--, s++) {
        if (*s == '\n') {
            new_line();
        } else if (*s == '\r') {
            column = 0;
        } else if (*s == '\b') {
            column -= column != 0;
        } else if (*s == '\t') {
            column = (column + 8) & ~7u;
        } else if ((uint8_t)*s >= ' ') {
            if (column >= COLUMNS)
                new_line();
            screen[(ROWS - 1) * COLUMNS + column++] = (uint16_t)(0x0700 | (uint8_t)*s);
        }
    }
    set_cursor();
}

void vga_release(void)
{
    screen = NULL;
}
