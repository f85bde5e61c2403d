/* SPDX-License-Identifier: MIT
 *
 * The one allocator of machine frames: a buddy allocator over all RAM, orders 0 to 18. Before
 * page_alloc_init() only boot_alloc() works. Frames handed out belong to nobody (owner NULL) until
 * mm/frame.h gives them away. RAM below 1 MiB is never given out: dom0 sees it as device memory.
 * LOCK_HEAP.
 */
#pragma once

#define PAGE_ORDER_MAX 18u

/* Boot: declare usable RAM [start, end) (bytes), then take from it. boot_alloc never fails but by
 * panic; `align` in pages, a power of two. Frames lie below `below` bytes when it is not 0. */
void boot_pages_add(uint64_t start, uint64_t end);
mfn_t boot_alloc(uint64_t pages, uint64_t align, uint64_t below);
/* Gives all that is left to the buddy allocator; needs the frame table. */
void page_alloc_init(void);
/* Gives [start, end) (bytes, RAM in the frame table) to the allocator: boot memory that is done
 * with. */
void page_alloc_add(uint64_t start, uint64_t end);

/* 2^order contiguous, aligned frames with every address below 2^addr_bits (0: anywhere), or
 * MFN_NONE. Contents are whatever was there: who hands a frame to a guest zeroes it first, as
 * domain_page_alloc(), frame_share_alloc(), hv_page_alloc() and hv_alloc() do. */
mfn_t page_alloc(unsigned order, unsigned addr_bits);
void page_free(mfn_t m, unsigned order);
uint64_t page_free_count(void); /* frames free now */
uint64_t page_total_count(void);

/* A hypervisor page: one zeroed frame through the direct map, or NULL. */
void *hv_page_alloc(void);
void hv_page_free(void *va);
/* Objects of the hypervisor, zeroed, 16-byte aligned; from 2 KiB up whole pages, page-aligned. NULL
 * when memory is out. */
void *hv_alloc(size_t size);
void hv_free(void *p); /* NULL is allowed */
