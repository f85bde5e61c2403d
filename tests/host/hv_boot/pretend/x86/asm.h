/* SPDX-License-Identifier: MIT
 *
 * For the boot code's tests: no machine below. unpack.c prepares a CPU for the libraries; here it
 * is prepared.
 */
#pragma once
#include "lib/types.h"

static inline uint64_t rdmsr(uint32_t msr)
{
    (void)msr;
    return 0;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    (void)msr, (void)v;
}
static inline uint64_t rdtsc(void)
{
    return 12345;
}
static inline uint64_t read_cr0(void)
{
    return 0;
}
static inline void write_cr0(uint64_t v)
{
    (void)v;
}
static inline uint64_t read_cr4(void)
{
    return 0;
}
static inline void write_cr4(uint64_t v)
{
    (void)v;
}
