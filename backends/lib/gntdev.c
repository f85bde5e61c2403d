/* SPDX-License-Identifier: MIT */
/* Grant mappings by /dev/xen/gntdev: see gntdev.h. */
#include "backends/lib/gntdev.h"

#include <errno.h>
#include <stddef.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/gntdev.h>

#define PAGE 4096u

int gntdev_open(void)
{
    return open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
}

static void forget(int fd, uint64_t index, uint32_t count)
{
    struct ioctl_gntdev_unmap_grant_ref u = {.index = index, .count = count};
    int saved = errno;

    (void)ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF,
                &u); /* fails only for an index that is not ours */
    errno = saved;
}

void *gntdev_map_refs(int fd, uint32_t domid, const uint32_t *refs, size_t n, uint64_t *index)
{
    union {
        struct ioctl_gntdev_map_grant_ref m;
        char room[sizeof(struct ioctl_gntdev_map_grant_ref) +
                  GNTDEV_REFS_MAX * sizeof(struct ioctl_gntdev_grant_ref)];
    } u = {.m = {.count = (uint32_t)n}};
    void *pages;

    if (n == 0 || n > GNTDEV_REFS_MAX) {
        errno = EINVAL;
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        u.m.refs[i] = (struct ioctl_gntdev_grant_ref){.domid = domid, .ref = refs[i]};
    if (ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &u.m))
        return NULL;
    pages = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)u.m.index);
    if (pages == MAP_FAILED) {
        forget(fd, u.m.index, (uint32_t)n);
        return NULL;
    }
    *index = u.m.index;
    return pages;
}

void gntdev_unmap_refs(int fd, void *pages, size_t n, uint64_t index)
{
    munmap(pages, n * PAGE);
    forget(fd, index, (uint32_t)n);
}

void *gntdev_map(int fd, uint32_t domid, uint32_t ref, uint64_t *index)
{
    return gntdev_map_refs(fd, domid, &ref, 1, index);
}

void gntdev_unmap(int fd, void *page, uint64_t index)
{
    gntdev_unmap_refs(fd, page, 1, index);
}

int gntdev_copy(int fd, struct gntdev_copy *copies, size_t n)
{
    struct gntdev_grant_copy_segment segments[GNTDEV_COPIES_MAX];
    struct ioctl_gntdev_grant_copy c = {.count = (unsigned int)n, .segments = segments};

    if (n > GNTDEV_COPIES_MAX) {
        errno = EINVAL;
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        const struct gntdev_copy *from = &copies[i];
        struct gntdev_grant_copy_segment *to = &segments[i];

        memset(to, 0, sizeof(*to));
        to->len = from->length;
        to->flags = from->to_guest ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
        if (from->to_guest) {
            to->source.virt = from->here;
            to->dest.foreign.ref = from->ref;
            to->dest.foreign.offset = from->offset;
            to->dest.foreign.domid = from->domid;
        } else {
            to->dest.virt = from->here;
            to->source.foreign.ref = from->ref;
            to->source.foreign.offset = from->offset;
            to->source.foreign.domid = from->domid;
        }
    }
    if (ioctl(fd, IOCTL_GNTDEV_GRANT_COPY, &c))
        return -1;
    for (size_t i = 0; i < n; i++)
        copies[i].failed = segments[i].status != GNTST_okay;
    return 0;
}
