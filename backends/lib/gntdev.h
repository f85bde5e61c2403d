/* SPDX-License-Identifier: MIT */
/*
 * Pages that another domain granted, through Linux's /dev/xen/gntdev (uapi: xen/gntdev.h): mapped,
 * or copied from and to without being mapped. Closing the descriptor forgets what is not mapped in
 * memory any more; a process's end unmaps everything.
 */
#ifndef BACKENDS_GNTDEV_H
#define BACKENDS_GNTDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int gntdev_open(void); /* descriptor, close-on-exec; -1 with errno */
/* One page of `domid`, readable and writable; NULL with errno. *index is what gntdev_unmap() wants
 * back. */
void *gntdev_map(int fd, uint32_t domid, uint32_t ref, uint64_t *index);
void gntdev_unmap(int fd, void *page, uint64_t index);

/* The same for n pages in a row (at most GNTDEV_REFS_MAX): all of them or NULL with errno. */
#define GNTDEV_REFS_MAX 64u
void *gntdev_map_refs(int fd, uint32_t domid, const uint32_t *refs, size_t n, uint64_t *index);
void gntdev_unmap_refs(int fd, void *pages, size_t n, uint64_t index);

/* Bytes between memory of ours and a granted page, which they must not leave. */
struct gntdev_copy {
    void *here;
    uint32_t ref;
    uint16_t domid;
    uint16_t offset, length; /* in the granted page */
    bool to_guest;
    bool failed; /* out: the hypervisor refused this one */
};
/* Does n copies (at most GNTDEV_COPIES_MAX). 0, each with its own failed; -1 with errno when
 * nothing is known of any. */
#define GNTDEV_COPIES_MAX 128u
int gntdev_copy(int fd, struct gntdev_copy *copies, size_t n);

#endif
