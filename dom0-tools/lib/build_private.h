/* SPDX-License-Identifier: MIT */
/*
 * build_private: what the build_*.c files share; nobody else includes it.
 */
#ifndef BONSAI_BUILD_PRIVATE_H
#define BONSAI_BUILD_PRIVATE_H

#include "dom0-tools/lib/build.h"
#include "dom0-tools/lib/build_layout.h"
#include "dom0-tools/lib/image.h"

/* From build_open() to build_close(). */
struct build {
    struct build_params p;
    char *kernel, *ramdisk, *cmdline; /* copies; p's pointers are not used */
    uint8_t *file;                    /* the kernel file */
    size_t file_size;
    struct image image; /* into file, or unpacked */
    struct elf elf;     /* into image */
    struct elf_guest guest;
    struct layout layout;
    int ramdisk_fd; /* -1: none */
    uint64_t ramdisk_size;
};

/* One build_run(). */
struct run {
    struct hv *hv;
    uint16_t domid;
    const struct layout *layout;
    uint64_t *p2m; /* frame of each of the domain's pages */
    struct failure *why;
};

/* Say that `what` failed for this domain, with errno's text. Returns -1. */
int run_failed(struct run *r, const char *what);

/* build_memory.c: give the domain its pages and fill p2m. */
int run_populate(struct run *r);
/* Copy size bytes into the guest from address pfn * 4096 + offset on, then zeroes up to total. */
int run_write(struct run *r, uint64_t pfn, uint64_t offset, const void *data, uint64_t size,
              uint64_t total);
/* Copy a whole file there. */
int run_write_file(struct run *r, uint64_t pfn, int fd, uint64_t size, const char *name);

#endif
