/* SPDX-License-Identifier: MIT */
/* Disk images: see image.h. */
#include "backends/blkd/image.h"
#include "backends/blkd/request.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static struct image *images;

static struct image *find(const struct image *like)
{
    for (struct image *i = images; i; i = i->next)
        if (i->writable == like->writable && i->is_device == like->is_device &&
            i->device == like->device && i->inode == like->inode)
            return i;
    return NULL;
}

static int identify(struct image *image, const char *path, struct failure *why)
{
    struct stat st;

    if (image->file.fd >= 0 ? fstat(image->file.fd, &st) : stat(path, &st))
        return fail(why, errno, "cannot use %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return fail(why, EINVAL, "%s is neither a file nor a block device", path);
    image->is_device = S_ISBLK(st.st_mode);
    image->device = image->is_device ? st.st_rdev : st.st_dev;
    image->inode = image->is_device ? 0 : st.st_ino;
    image->discard_bytes = st.st_blksize > 0 ? (uint32_t)st.st_blksize : SECTOR;
    image->sectors = (uint64_t)st.st_size / SECTOR;
    return 0;
}

static int measure_device(struct image *image, const char *path, struct failure *why)
{
    int logical = 0;
    unsigned int physical = 0;
    uint64_t bytes = 0;

    if (ioctl(image->file.fd, BLKGETSIZE64, &bytes) || ioctl(image->file.fd, BLKSSZGET, &logical) ||
        ioctl(image->file.fd, BLKPBSZGET, &physical))
        return fail(why, errno, "cannot ask %s for its size: %s", path, strerror(errno));
    if (logical < (int)SECTOR || logical > (int)SEGMENT_BYTES_MAX)
        return fail(why, EINVAL, "%s has blocks of %d bytes, which cannot be served", path,
                    logical);
    image->block_bytes = (uint32_t)logical;
    image->physical_bytes = physical >= image->block_bytes ? physical : image->block_bytes;
    image->sectors = bytes / image->block_bytes * (image->block_bytes / SECTOR);
    return 0;
}

/* A file is served in sectors of 512 bytes: direct only where the filesystem takes that. */
static bool file_takes_sectors(int fd)
{
#ifdef STATX_DIOALIGN
    struct statx x;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &x) == 0 && (x.stx_mask & STATX_DIOALIGN))
        return x.stx_dio_offset_align != 0 && x.stx_dio_offset_align <= SECTOR &&
               x.stx_dio_mem_align <= SEGMENT_BYTES_MAX;
#endif
    /* a kernel that cannot tell: a read shows it, and changes nothing */
    void *sector = NULL;
    ssize_t n;

    if (posix_memalign(&sector, SEGMENT_BYTES_MAX, SECTOR))
        return false;
    n = pread(fd, sector, SECTOR, SECTOR);
    free(sector);
    return n >= 0;
}

static int open_file(struct image *image, const char *path, struct failure *why)
{
    const int flags = (image->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC;

    image->file.fd = open(path, flags | O_DIRECT);
    image->direct = image->file.fd >= 0 && (image->is_device || file_takes_sectors(image->file.fd));
    if (image->file.fd >= 0 && !image->direct)
        close(image->file.fd);
    if (!image->direct && (image->file.fd >= 0 || errno == EINVAL))
        image->file.fd = open(path, flags);
    if (image->file.fd < 0)
        return fail(why, errno, "cannot open %s for %s: %s", path,
                    image->writable ? "writing" : "reading", strerror(errno));
    if (!image->direct) {
        struct statfs fs;

        image->file.in_memory = fstatfs(image->file.fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
        fprintf(stderr,
                "bonsai-blkd: %s cannot be opened past the page cache (O_DIRECT): served through "
                "it, %s\n",
                path,
                image->file.in_memory ? "for it lies in memory"
                                      : "and flushed when its guest asks");
    }
    return 0;
}

/* What was looked at by name is looked at again as what was opened. */
static int measure(struct image *image, const char *path, struct failure *why)
{
    if (open_file(image, path, why) || identify(image, path, why))
        return -1;
    image->block_bytes = image->physical_bytes = SECTOR;
    if (image->is_device && measure_device(image, path, why))
        return -1;
    if (image->sectors == 0)
        return fail(why, EINVAL, "%s is too short for a disk", path);
    return 0;
}

struct image *image_open(const char *path, bool writable, struct failure *why)
{
    struct image like = {.writable = writable, .file.fd = -1}, *image;

    if (identify(&like, path, why))
        return NULL;
    image = find(&like);
    if (image) {
        image->users++;
        return image;
    }
    image = malloc(sizeof(*image));
    if (!image) {
        fail(why, ENOMEM, "out of memory");
        return NULL;
    }
    *image = like;
    if (measure(image, path, why)) {
        if (image->file.fd >= 0)
            close(image->file.fd);
        free(image);
        return NULL;
    }
    image->users = 1;
    image->next = images;
    images = image;
    return image;
}

int image_lock(struct image *image, struct failure *why)
{
    if (image->locked || !image->writable)
        return 0;
    if (flock(image->file.fd, LOCK_EX | LOCK_NB)) {
        if (errno == EWOULDBLOCK || errno == EINTR)
            return 1;
        return fail(why, errno, "cannot lock the image: %s", strerror(errno));
    }
    image->locked = true;
    return 0;
}

void image_close(struct image *image)
{
    if (--image->users)
        return;
    for (struct image **p = &images; *p; p = &(*p)->next)
        if (*p == image) {
            *p = image->next;
            break;
        }
    close(image->file.fd);
    free(image);
}
