/* SPDX-License-Identifier: MIT
 *
 * For the boot code's tests: machine memory is one array, wherever it is reached through.
 */
#pragma once
#include "lib/types.h"

#define PRETEND_MEMORY 0x400000u
extern uint8_t pretend_memory[PRETEND_MEMORY];
#define IMAGE_VIRT ((uint64_t)pretend_memory)

static inline void *maddr_to_va(uint64_t maddr)
{
    return (void *)(IMAGE_VIRT + maddr);
}
static inline uint64_t va_to_maddr(const void *va)
{
    return (uint64_t)va - IMAGE_VIRT;
}
static inline void *low_mem(uint32_t maddr)
{
    return maddr_to_va(maddr);
}
static inline uint64_t image_maddr(const void *p)
{
    return va_to_maddr(p);
}
void *ioremap(uint64_t maddr, uint64_t size, bool cached);
void *hvmap_alloc_large(uint64_t bytes);
void hvmap_free_large(void *p, uint64_t bytes);
