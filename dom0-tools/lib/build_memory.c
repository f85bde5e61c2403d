/* SPDX-License-Identifier: MIT */
/*
 * build_memory: the domain's pages, and writing into them.
 *
 * Pages are asked for 2 MiB at a time where both the guest's numbers and the hypervisor's memory
 * allow, single ones otherwise. Writing goes through windows of at most 4 MiB.
 */
#include "dom0-tools/lib/build_private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BATCH         1024u /* extents in one call */
#define SUPER_ORDER   9u
#define SUPER_PAGES   (1u << SUPER_ORDER)
#define WINDOW_PAGES  1024u
#define PAGES_PER_MIB 256u

int run_failed(struct run *r, const char *what)
{
    int error = errno;

    return fail(r->why, error, "cannot %s domain %u: %s", what, r->domid, strerror(error));
}

static int out_of_memory(struct run *r, uint64_t missing)
{
    const char *more = missing < r->layout->nr_pages ? "more " : "";
    struct hv_physinfo info;

    if (hv_physinfo(r->hv, &info) < 0)
        return run_failed(r, "find memory for");
    return fail(r->why, ENOMEM, "not enough memory for domain %u: %llu MiB %sneeded, %llu MiB free",
                r->domid, (unsigned long long)((missing + PAGES_PER_MIB - 1) / PAGES_PER_MIB), more,
                (unsigned long long)((info.free_pages - info.outstanding_pages) / PAGES_PER_MIB));
}

/* Up to BATCH superpages from *pfn on; moves it behind what was had. */
static long populate_super(struct run *r, uint64_t *pfn)
{
    uint64_t extents[BATCH], left = (r->layout->nr_pages - *pfn) / SUPER_PAGES;
    unsigned n = left < BATCH ? (unsigned)left : BATCH;
    long done;

    if (n == 0)
        return 0;
    for (unsigned i = 0; i < n; i++)
        extents[i] = *pfn + (uint64_t)i * SUPER_PAGES;
    done = hv_populate_physmap(r->hv, r->domid, extents, n, SUPER_ORDER);
    for (long i = 0; i < done; i++)
        for (unsigned j = 0; j < SUPER_PAGES; j++)
            r->p2m[(*pfn)++] = extents[i] + j;
    return done;
}

/* Single pages up to `end` or BATCH. */
static long populate_single(struct run *r, uint64_t *pfn, uint64_t end)
{
    uint64_t left = end - *pfn;
    unsigned n = left < BATCH ? (unsigned)left : BATCH;
    long done;

    for (unsigned i = 0; i < n; i++)
        r->p2m[*pfn + i] = *pfn + i;
    done = hv_populate_physmap(r->hv, r->domid, r->p2m + *pfn, n, 0);
    if (done > 0)
        *pfn += (uint64_t)done;
    return done;
}

static int populate_all(struct run *r)
{
    uint64_t pfn = 0, nr_pages = r->layout->nr_pages;

    while (pfn < nr_pages) {
        uint64_t end = nr_pages;
        long done = 0;

        if (pfn % SUPER_PAGES == 0 && nr_pages - pfn >= SUPER_PAGES) {
            done = populate_super(r, &pfn);
            end = pfn + SUPER_PAGES; /* this one in pieces, if it could not be had whole */
        }
        if (done < 0)
            return run_failed(r, "give memory to");
        if (done > 0)
            continue;
        for (done = 1; pfn < end && pfn < nr_pages && done > 0;)
            done = populate_single(r, &pfn, end < nr_pages ? end : nr_pages);
        if (done < 0)
            return run_failed(r, "give memory to");
        if (done == 0)
            return out_of_memory(r, nr_pages - pfn);
    }
    return 0;
}

/* Claiming first makes too little memory known at once, and two builders not starve each other. */
int run_populate(struct run *r)
{
    bool claimed = hv_claim_pages(r->hv, r->domid, r->layout->nr_pages) == 0;
    int result;

    if (!claimed && errno == ENOMEM)
        return out_of_memory(r, r->layout->nr_pages);
    if (!claimed && errno != ENOSYS && errno != EOPNOTSUPP)
        return run_failed(r, "claim memory for");
    result = populate_all(r);
    if (claimed && hv_claim_pages(r->hv, r->domid, 0) < 0 && result == 0)
        return run_failed(r, "end the claim of memory for");
    return result;
}

/* Part of the guest's memory, as it is seen here. */
struct window {
    uint8_t *data; /* the byte asked for */
    uint64_t size; /* from there on */
    void *mapping;
    size_t pages;
};

/* Map from byte `at` on, as much of `size` as one window takes. */
static int window_open(struct run *r, struct window *w, uint64_t at, uint64_t size)
{
    uint64_t pfn = at / LAYOUT_PAGE_SIZE, offset = at % LAYOUT_PAGE_SIZE;
    uint64_t pages = (offset + size + LAYOUT_PAGE_SIZE - 1) / LAYOUT_PAGE_SIZE;

    w->pages = pages < WINDOW_PAGES ? pages : WINDOW_PAGES;
    w->mapping =
        hv_map_foreign(r->hv, r->domid, PROT_READ | PROT_WRITE, r->p2m + pfn, w->pages, NULL);
    if (!w->mapping)
        return run_failed(r, "map memory of");
    w->data = (uint8_t *)w->mapping + offset;
    w->size = w->pages * LAYOUT_PAGE_SIZE - offset;
    if (w->size > size)
        w->size = size;
    return 0;
}

static void window_close(struct window *w)
{
    hv_unmap(w->mapping, w->pages);
}

int run_write(struct run *r, uint64_t pfn, uint64_t offset, const void *data, uint64_t size,
              uint64_t total)
{
    uint64_t at = pfn * LAYOUT_PAGE_SIZE + offset;
    const uint8_t *from = data;

    while (total) {
        uint64_t copy;
        struct window w;

        if (window_open(r, &w, at, total) < 0)
            return -1;
        copy = size < w.size ? size : w.size;
        if (copy)
            memcpy(w.data, from, copy);
        memset(w.data + copy, 0, w.size - copy);
        from += copy;
        size -= copy;
        at += w.size;
        total -= w.size;
        window_close(&w);
    }
    return 0;
}

static int read_fully(struct run *r, uint8_t *to, uint64_t size, int fd, uint64_t at,
                      const char *name)
{
    while (size) {
        ssize_t n = pread(fd, to, size, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(r->why, errno, "cannot read '%s': %s", name, strerror(errno));
        if (n == 0)
            return fail(r->why, EIO, "'%s' became shorter while it was read", name);
        to += n;
        at += (uint64_t)n;
        size -= (uint64_t)n;
    }
    return 0;
}

int run_write_file(struct run *r, uint64_t pfn, int fd, uint64_t size, const char *name)
{
    uint64_t at = 0, rest;

    while (at < size) {
        struct window w;
        int result;

        if (window_open(r, &w, pfn * LAYOUT_PAGE_SIZE + at, size - at) < 0)
            return -1;
        result = read_fully(r, w.data, w.size, fd, at, name);
        rest = at + w.size == size ? w.pages * LAYOUT_PAGE_SIZE - w.size : 0;
        memset(w.data + w.size, 0, rest);
        at += w.size;
        window_close(&w);
        if (result < 0)
            return -1;
    }
    return 0;
}
