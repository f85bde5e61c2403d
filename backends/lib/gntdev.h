/* SPDX-License-Identifier: MIT */
/*
 * Mapping pages that another domain granted, through Linux's /dev/xen/gntdev (uapi: xen/gntdev.h).
 */
#ifndef BACKENDS_GNTDEV_H
#define BACKENDS_GNTDEV_H

#include <stdint.h>

int gntdev_open(void); /* descriptor, close-on-exec; -1 with errno */
/* One page of `domid`, readable and writable; NULL with errno. *index is what gntdev_unmap() wants
 * back. */
void *gntdev_map(int fd, uint32_t domid, uint32_t ref, uint64_t *index);
void gntdev_unmap(int fd, void *page, uint64_t index);

#endif
