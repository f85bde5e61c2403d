/* SPDX-License-Identifier: MIT */
/* Grant mappings by /dev/xen/gntdev: see gntdev.h. */
#include "backends/lib/gntdev.h"

#include <errno.h>
#include <stddef.h>
#include <fcntl.h>
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

static void forget(int fd, uint64_t index)
{
    struct ioctl_gntdev_unmap_grant_ref u = {.index = index, .count = 1};
    int saved = errno;

    (void)ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF,
                &u); /* fails only for an index that is not ours */
    errno = saved;
}

void *gntdev_map(int fd, uint32_t domid, uint32_t ref, uint64_t *index)
{
    struct ioctl_gntdev_map_grant_ref m = {.count = 1, .refs = {{.domid = domid, .ref = ref}}};
    void *page;

    if (ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &m))
        return NULL;
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)m.index);
    if (page == MAP_FAILED) {
        forget(fd, m.index);
        return NULL;
    }
    *index = m.index;
    return page;
}

void gntdev_unmap(int fd, void *page, uint64_t index)
{
    munmap(page, PAGE);
    forget(fd, index);
}
