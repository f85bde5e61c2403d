/* SPDX-License-Identifier: MIT */
/*
 * Small memory: blocks of 32, 64, ... 2048 bytes cut from pages, a free list a size; what is larger
 * gets whole pages. Before each block stands its header, which says what it is. Pages that were cut
 * stay cut.
 */
#include "frontends/os.h"
#include "guest-abi/kit/internal.h"

#define SMALLEST 32u
#define SIZES    7 /* 32 to 2048 */

struct header {
    uint32_t size;  /* index of a size, or SIZES */
    uint32_t pages; /* of SIZES */
    struct header *next;
};
_Static_assert(sizeof(struct header) == 16, "what follows is aligned for any type");

static struct header *free_blocks[SIZES];

static bool cut_page(unsigned size)
{
    char *page = pages_alloc(1);

    for (unsigned at = 0; page && at < PAGE_SIZE; at += SMALLEST << size) {
        struct header *block = (struct header *)(page + at);

        block->next = free_blocks[size];
        free_blocks[size] = block;
    }
    return page != NULL;
}

void *os_alloc(size_t bytes)
{
    unsigned size = 0;
    struct header *block;

    if (bytes > 1ul << 40)
        return NULL;
    bytes += sizeof(struct header);
    while (size < SIZES && SMALLEST << size < bytes)
        size++;
    if (size == SIZES) {
        unsigned pages = (unsigned)((bytes + PAGE_SIZE - 1) / PAGE_SIZE);

        block = pages_alloc(pages);
        if (!block)
            return NULL;
        block->pages = pages;
    } else {
        if (!free_blocks[size] && !cut_page(size))
            return NULL;
        block = free_blocks[size];
        free_blocks[size] = block->next;
        memset(block, 0, SMALLEST << size);
    }
    block->size = size;
    return block + 1;
}

void os_free(void *memory)
{
    struct header *block;

    if (!memory)
        return;
    block = (struct header *)memory - 1;
    if (block->size > SIZES)
        guest_panic("os_free() of %p, which os_alloc() did not give", memory);
    if (block->size == SIZES) {
        pages_free(block, block->pages);
        return;
    }
    block->next = free_blocks[block->size];
    free_blocks[block->size] = block;
}
