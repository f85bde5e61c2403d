/* SPDX-License-Identifier: MIT
 *
 * Where the hypervisor lives in every address space: L4 slots 256 to 271 (AMD64 APM vol. 2, 5.3).
 *
 *   256  0xffff800000000000  M2P, read-only and visible to guests: 8 bytes a frame
 *   257  0xffff808000000000  the same frames, writable, ours
 *   258  0xffff810000000000  per domain: one 256 KiB window a vCPU, its GDT at +0 (16 pages),
 *                            its LDT at +128 KiB
 *   259  0xffff818000000000  per-CPU regions (x86/percpu.h); ioremap space from +256 GiB
 *   260  0xffff820000000000  frame table: one struct frame a frame
 *   261  0xffff82d080000000  the image (linked here; physical 2 MiB = +0x200000)
 *   262  0xffff830000000000  direct map of all RAM, to the end of slot 271 (5 TiB)
 *
 * The L3 tables of all shared slots exist from boot on and never change, so a guest's L4 gets 16
 * entries copied when it is promoted and stays right for ever; slot 258 is filled per domain.
 */
#pragma once

#define HV_FIRST_SLOT        256
#define HV_LAST_SLOT         271
#define HV_VIRT_START        0xffff800000000000ul
#define HV_VIRT_END          0xffff880000000000ul /* first byte that is the guest's again */
#define M2P_RO_VIRT          0xffff800000000000ul
#define M2P_RW_VIRT          0xffff808000000000ul
#define PERDOMAIN_SLOT       258
#define PERDOMAIN_VIRT       0xffff810000000000ul
#define PERDOMAIN_VCPU_BYTES 0x40000ul
#define PERDOMAIN_LDT_OFFSET 0x20000ul
#define PERCPU_VIRT          0xffff818000000000ul
#define IOREMAP_VIRT         0xffff81c000000000ul
#define FRAMETABLE_VIRT      0xffff820000000000ul
#define IMAGE_VIRT           0xffff82d080000000ul
#define DIRECTMAP_VIRT       0xffff830000000000ul

static inline void *mfn_to_va(mfn_t m)
{
    return (void *)(DIRECTMAP_VIRT + (m.v << PAGE_SHIFT));
}
static inline void *maddr_to_va(uint64_t maddr)
{
    return (void *)(DIRECTMAP_VIRT + maddr);
}
/* The first MiB (BIOS data, VGA text, start-up code of other CPUs), from head.S on and for ever. */
static inline void *low_mem(uint32_t maddr)
{
    return (void *)(IMAGE_VIRT + maddr);
}
/* Only for addresses inside the direct map. */
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

/* The hypervisor's own L4: idle CPUs run on it; the source of slots 256..271 for every guest L4. */
extern uint64_t *idle_l4;

/* The machine-to-physical table; entries of frames that are no RAM read as ~0. Unlocked: only a
 * frame's owner's hypercalls write its entry. */
static inline uint64_t *m2p_entry(mfn_t m)
{
    return (uint64_t *)M2P_RW_VIRT + m.v;
}
#define M2P_INVALID (~0ull)
extern uint64_t max_mfn; /* one past the last frame of RAM */
/* Machine frame of the n'th 2 MiB chunk of the M2P, for XENMEM_machphys_mfn_list; MFN_NONE past the
 * end. */
mfn_t m2p_chunk_mfn(unsigned n);

/* Maps device memory [maddr, maddr + size) uncached (or write-back for ACPI tables); never fails at
 * boot except by panic; lives for ever. */
void *ioremap(uint64_t maddr, uint64_t size, bool cached);
/* Machine address of something in the image. */
static inline uint64_t image_maddr(const void *p)
{
    return (uint64_t)p - IMAGE_VIRT;
}
/* Boot, in this order (boot/main.c): builds idle_l4 with the direct map of every RAM range of the
 * memory map, the M2P and the frame table from boot_alloc() pages, and switches CR3 to it. */
void hvmap_init(void);
/* Maps the region of one CPU and returns it, zeroed, its entry page and stack ready; boot and
 * smp.c. */
struct pcpu *hvmap_percpu(unsigned cpu);
/* Boot: one piece of address space of at least that many bytes, made of 2 MiB pages from anywhere;
 * NULL when memory is out. For large things that live shortly. */
void *hvmap_alloc_large(uint64_t bytes);
void hvmap_free_large(void *p, uint64_t bytes);
/* Boot's code and data are done with: unmaps init_start..init_end; the caller gives the frames
 * back. */
void hvmap_drop_init(void);
