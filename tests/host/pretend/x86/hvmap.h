/* SPDX-License-Identifier: MIT
 *
 * The pretend machine's memory map: hypervisor/x86/hvmap.h with the direct map, the M2P and the
 * frame table lying in the test process. Guest addresses keep their meaning, so that the checks of
 * the hypervisor's hole are the real ones.
 */
#pragma once
#include "lib/types.h"

extern uint64_t pretend_ram; /* host address of machine address 0 */
extern uint64_t pretend_m2p, pretend_frame_table;

#define HV_FIRST_SLOT        256
#define HV_LAST_SLOT         271
#define HV_VIRT_START        0xffff800000000000ul
#define HV_VIRT_END          0xffff880000000000ul
#define M2P_RO_VIRT          0xffff800000000000ul
#define M2P_RW_VIRT          pretend_m2p
#define PERDOMAIN_SLOT       258
#define PERDOMAIN_VIRT       0xffff810000000000ul
#define PERDOMAIN_VCPU_BYTES 0x40000ul
#define PERDOMAIN_LDT_OFFSET 0x20000ul
#define PERCPU_VIRT          0xffff818000000000ul
#define FRAMETABLE_VIRT      pretend_frame_table
#define DIRECTMAP_VIRT       pretend_ram

static inline void *mfn_to_va(mfn_t m)
{
    return (void *)(DIRECTMAP_VIRT + (m.v << PAGE_SHIFT));
}
static inline void *maddr_to_va(uint64_t maddr)
{
    return (void *)(DIRECTMAP_VIRT + maddr);
}
static inline uint64_t va_to_maddr(const void *va)
{
    return (uint64_t)va - DIRECTMAP_VIRT;
}
static inline mfn_t va_to_mfn(const void *va)
{
    return maddr_to_mfn(va_to_maddr(va));
}
static inline bool va_is_hypervisor(uint64_t va)
{
    return va >= HV_VIRT_START && va < HV_VIRT_END;
}
static inline bool va_is_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

extern uint64_t *idle_l4;

static inline uint64_t *m2p_entry(mfn_t m)
{
    return (uint64_t *)M2P_RW_VIRT + m.v;
}
#define M2P_INVALID (~0ull)
extern uint64_t max_mfn;
mfn_t m2p_chunk_mfn(unsigned n);
