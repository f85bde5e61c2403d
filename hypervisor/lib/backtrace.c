/* SPDX-License-Identifier: MIT
 *
 * Return addresses on a stack, found by their looks: there are no frame pointers, so every word
 * that points into the text is shown, stale ones included. The table of names is made by
 * boot/symbols.sh.
 */
#include "lib/log.h"
#include "x86/percpu.h"
#include "x86/init.h"

struct symbol {
    uint32_t offset, name;
};
extern const struct symbol symbol_table[], symbol_table_end[];
extern const char symbol_names[];

const char *symbol_of(uint64_t addr, char *buf, size_t size)
{
    uint64_t offset = addr - (uint64_t)image_start;
    size_t low = 0, high = (size_t)(symbol_table_end - symbol_table);

    if (addr < (uint64_t)image_start || addr >= (uint64_t)image_end || !high) {
        snprintf(buf, size, "%lx", addr);
        return buf;
    }
    while (high - low > 1) {
        size_t mid = (low + high) / 2;

        if (symbol_table[mid].offset <= offset)
            low = mid;
        else
            high = mid;
    }
    snprintf(buf, size, "%lx %s+0x%lx", addr, symbol_names + symbol_table[low].name,
             offset - symbol_table[low].offset);
    return buf;
}

void backtrace(const uint64_t *sp)
{
    const uint64_t *end = (const uint64_t *)this_cpu();
    char name[128];

    if ((uint64_t)sp & 7 || (uint64_t)end - (uint64_t)sp > PERCPU_DATA)
        return;
    for (int shown = 0; sp < end && shown < 40; sp++)
        if (*sp > (uint64_t)image_start && *sp < (uint64_t)text_end) {
            log_error("  %s", symbol_of(*sp, name, sizeof(name)));
            shown++;
        }
}
