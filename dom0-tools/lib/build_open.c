/* SPDX-License-Identifier: MIT */
/* build_open: the first step of a build, files and layout. See build.h. */
#include "dom0-tools/lib/build_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_KERNEL_FILE (1ull << 30)
#define MAX_CMDLINE     1023u

/* Open a regular file that has something in it. */
static int open_file(const char *what, const char *path, uint64_t *size, struct failure *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return fail(why, errno, "cannot open %s '%s': %s", what, path, strerror(errno));
    if (fstat(fd, &st) < 0)
        fail(why, errno, "cannot read %s '%s': %s", what, path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        fail(why, EINVAL, "%s '%s' is not a regular file", what, path);
    else if (st.st_size == 0)
        fail(why, EINVAL, "%s '%s' is empty", what, path);
    else {
        *size = (uint64_t)st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

static int read_file(struct build *b, int fd, struct failure *why)
{
    size_t have = 0;

    b->file = malloc(b->file_size);
    if (!b->file)
        return fail(why, ENOMEM, "no memory here to read kernel '%s' (%zu MiB)", b->kernel,
                    b->file_size >> 20);
    while (have < b->file_size) {
        ssize_t n = read(fd, b->file + have, b->file_size - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(why, errno, "cannot read kernel '%s': %s", b->kernel, strerror(errno));
        if (n == 0)
            return fail(why, EIO, "kernel '%s' became shorter while it was read", b->kernel);
        have += (size_t)n;
    }
    return 0;
}

static int load_kernel_file(struct build *b, struct failure *why)
{
    uint64_t size;
    int fd = open_file("kernel", b->kernel, &size, why), result;

    if (fd < 0)
        return -1;
    b->file_size = size;
    if (size > MAX_KERNEL_FILE)
        result = fail(why, EFBIG, "kernel '%s' has %llu MiB, more than any kernel", b->kernel,
                      (unsigned long long)(size >> 20));
    else
        result = read_file(b, fd, why);
    close(fd);
    return result;
}

/* A kernel cannot unpack to more than the domain's memory and still fit into it. */
static int parse_kernel(struct build *b, struct failure *why)
{
    size_t limit = b->p.memory_kib << 10;

    if (image_open(&b->image, b->file, b->file_size, limit, why) < 0 ||
        elf_open(&b->elf, b->image.elf, b->image.elf_size, why) < 0 ||
        elf_guest_read(&b->guest, &b->elf, why) < 0) {
        fail_prefix(why, "kernel '%s' cannot be used: ", b->kernel);
        return -1;
    }
    if (!b->image.owned) /* the ELF file is the file itself */
        return 0;
    free(b->file);
    b->file = NULL;
    return 0;
}

static int open_ramdisk(struct build *b, struct failure *why)
{
    if (!b->ramdisk)
        return 0;
    b->ramdisk_fd = open_file("ramdisk", b->ramdisk, &b->ramdisk_size, why);
    return b->ramdisk_fd < 0 ? -1 : 0;
}

static int compute_layout(struct build *b, struct failure *why)
{
    uint64_t pages = (b->p.memory_kib + 3) / 4;

    if (layout_compute(&b->layout, &b->guest, pages, b->ramdisk_size, why) == 0)
        return 0;
    if (why->error != ENOMEM)
        fail_prefix(why, "kernel '%s' cannot be used: ", b->kernel);
    return -1;
}

static int copy_params(struct build *b, const struct build_params *p, struct failure *why)
{
    b->p = *p;
    b->ramdisk_fd = -1;
    if (b->p.max_vcpus == 0)
        b->p.max_vcpus = 1;
    if (b->p.max_memory_kib < b->p.memory_kib)
        b->p.max_memory_kib = b->p.memory_kib;
    b->kernel = strdup(p->kernel);
    b->ramdisk = p->ramdisk ? strdup(p->ramdisk) : NULL;
    b->cmdline = strdup(p->cmdline ? p->cmdline : "");
    b->p.kernel = b->p.ramdisk = b->p.cmdline = NULL;
    if (!b->kernel || !b->cmdline || (p->ramdisk && !b->ramdisk))
        return fail(why, ENOMEM, "out of memory");
    if (strlen(b->cmdline) > MAX_CMDLINE)
        return fail(why, E2BIG, "the kernel command line has %zu bytes, at most %u are possible",
                    strlen(b->cmdline), MAX_CMDLINE);
    if (p->memory_kib == 0 || p->memory_kib > UINT64_MAX >> 11)
        return fail(why, EINVAL, "a memory of %llu KiB is impossible",
                    (unsigned long long)p->memory_kib);
    return 0;
}

struct build *build_open(const struct build_params *p, struct failure *why)
{
    struct build *b = calloc(1, sizeof(*b));

    if (!b) {
        fail(why, ENOMEM, "out of memory");
        return NULL;
    }
    if (copy_params(b, p, why) < 0 || load_kernel_file(b, why) < 0 || open_ramdisk(b, why) < 0 ||
        parse_kernel(b, why) < 0 || compute_layout(b, why) < 0) {
        build_close(b);
        return NULL;
    }
    return b;
}

uint64_t build_pages(const struct build *b)
{
    return b->layout.nr_pages;
}

void build_close(struct build *b)
{
    if (!b)
        return;
    if (b->ramdisk_fd >= 0)
        close(b->ramdisk_fd);
    image_close(&b->image);
    free(b->file);
    free(b->kernel);
    free(b->ramdisk);
    free(b->cmdline);
    free(b);
}
