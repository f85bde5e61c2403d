/* SPDX-License-Identifier: MIT
 *
 * Pages and small objects of the hypervisor. Small objects of one size share a page that begins
 * with struct slab; a page without objects goes back to the page allocator at once, so that a leak
 * shows in the number of free frames. Objects from 2 KiB up are whole pages; the frame remembers
 * the order. `slab_lock` guards lists and slabs; it is never held while the page allocator runs.
 */
#include "mm/page_alloc.h"
#include "mm/frame.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "x86/hvmap.h"

struct object {
    struct object *next;
};

struct slab {
    struct list link; /* of its class's slabs with a free object; alone when full */
    struct object *free;
    uint16_t used, class;
    uint32_t magic;
    uint64_t pad[4];
};
_Static_assert(sizeof(struct slab) % 16 == 0, "objects are 16-byte aligned");
#define SLAB_MAGIC 0x51ab51abu

static const uint16_t class_size[] = {32, 64, 128, 256, 496, 1008, 2000};
#define NR_CLASSES ARRAY_SIZE(class_size)

/* under slab_lock */
static struct spinlock slab_lock = SPINLOCK(LOCK_HEAP);
static struct list partial[NR_CLASSES];

void *hv_page_alloc(void)
{
    mfn_t m = page_alloc(0, 0);

    if (mfn_eq(m, MFN_NONE))
        return NULL;
    return memset(mfn_to_va(m), 0, PAGE_SIZE);
}

void hv_page_free(void *va)
{
    page_free(va_to_mfn(va), 0);
}

static void *large_alloc(size_t size)
{
    unsigned order = 0;
    mfn_t m;

    while (PAGE_SIZE << order < size)
        if (++order > PAGE_ORDER_MAX)
            return NULL;
    m = page_alloc(order, 0);
    if (mfn_eq(m, MFN_NONE))
        return NULL;
    frame_of(m)->next = order;
    return memset(mfn_to_va(m), 0, PAGE_SIZE << order);
}

static struct slab *slab_create(unsigned class)
{
    struct slab *s = hv_page_alloc();

    if (!s)
        return NULL;
    s->class = (uint16_t) class;
    s->magic = SLAB_MAGIC;
    for (size_t at = sizeof(*s); at + class_size[class] <= PAGE_SIZE; at += class_size[class]) {
        struct object *o = (struct object *)((char *)s + at);

        o->next = s->free;
        s->free = o;
    }
    list_init(&s->link);
    return s;
}

void *hv_alloc(size_t size)
{
    struct slab *s, *fresh = NULL;
    struct object *o;
    unsigned class = 0;

    while (class < NR_CLASSES && class_size[class] < size)
        class ++;
    if (class == NR_CLASSES)
        return large_alloc(size);

    spin_lock(&slab_lock);
    if (!partial[class].next)
        list_init(&partial[class]);
    if (list_empty(&partial[class])) {
        spin_unlock(&slab_lock);
        fresh = slab_create(class);
        if (!fresh)
            return NULL;
        spin_lock(&slab_lock);
        list_append(&partial[class], &fresh->link);
    }
    s = list_entry(partial[class].next, struct slab, link);
    o = s->free;
    s->free = o->next;
    s->used++;
    if (!s->free)
        list_remove(&s->link);
    spin_unlock(&slab_lock);
    return memset(o, 0, class_size[class]);
}

void hv_free(void *p)
{
    struct slab *s = (struct slab *)((uint64_t)p & PAGE_MASK);
    struct object *o = p;

    if (!p)
        return;
    if ((void *)s == p) {
        page_free(va_to_mfn(p), frame_of(va_to_mfn(p))->next);
        return;
    }
    spin_lock(&slab_lock);
    ASSERT(s->magic == SLAB_MAGIC && s->used);
    if (!s->free)
        list_append(&partial[s->class], &s->link);
    o->next = s->free;
    s->free = o;
    if (--s->used == 0) {
        list_remove(&s->link);
        s->magic = 0;
    } else {
        s = NULL;
    }
    spin_unlock(&slab_lock);
    if (s)
        hv_page_free(s);
}
