/* SPDX-License-Identifier: MIT */
/*
 * hv: see hv.h. This file: the handle, hypercall buffers, the raw call, foreign mappings.
 */
#include "dom0-tools/lib/hv_private.h"
#include "dom0-tools/lib/privcmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct hv *hv_open(void)
{
    struct hv *hv = calloc(1, sizeof(*hv));

    if (!hv)
        return NULL;
    hv->privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    if (hv->privcmd < 0) {
        free(hv);
        return NULL;
    }
    hv->buffers = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
    hv->owner = getpid();
    return hv;
}

static size_t whole_pages(size_t size)
{
    return (size + HV_PAGE_SIZE - 1) & ~(size_t)(HV_PAGE_SIZE - 1);
}

/* Buffers are not inherited: two processes would write into the same ones. */
static void after_fork(struct hv *hv)
{
    pid_t self = getpid();

    if (hv->owner != self)
        hv->n_spare = 0;
    hv->owner = self;
}

void hv_close(struct hv *hv)
{
    if (!hv)
        return;
    after_fork(hv);
    while (hv->n_spare)
        munmap(hv->spare[--hv->n_spare], HV_PAGE_SIZE);
    if (hv->buffers >= 0)
        close(hv->buffers);
    close(hv->privcmd);
    free(hv);
}

void *hv_buf(struct hv *hv, size_t size)
{
    void *buf;

    after_fork(hv);
    if (size <= HV_PAGE_SIZE && hv->n_spare)
        return memset(hv->spare[--hv->n_spare], 0, HV_PAGE_SIZE);
    if (hv->buffers >= 0)
        buf = mmap(NULL, whole_pages(size), PROT_READ | PROT_WRITE, MAP_SHARED, hv->buffers, 0);
    else
        buf = mmap(NULL, whole_pages(size), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    if (buf == MAP_FAILED)
        return NULL;
    if (madvise(buf, whole_pages(size), MADV_DONTFORK) < 0) {
        hv_unmap(buf, whole_pages(size) / HV_PAGE_SIZE);
        return NULL;
    }
    return buf;
}

void *hv_buf_copy(struct hv *hv, const void *from, size_t size)
{
    void *buf = hv_buf(hv, size);

    return buf ? memcpy(buf, from, size) : NULL;
}

void hv_buf_free(struct hv *hv, void *buf, size_t size)
{
    int saved = errno;

    if (!buf)
        return;
    if (size <= HV_PAGE_SIZE && hv->n_spare < HV_SPARE_PAGES)
        hv->spare[hv->n_spare++] = buf;
    else
        munmap(buf, whole_pages(size));
    errno = saved;
}

/* Not ioctl(): its result is an int, a hypercall's is a long. */
long hv_call(struct hv *hv, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct privcmd_hypercall call = {op, {a, b, c, d, 0}};

    return syscall(SYS_ioctl, hv->privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);
}

long hv_call_arg(struct hv *hv, unsigned op, uint64_t cmd, void *arg, size_t size)
{
    void *buf = hv_buf_copy(hv, arg, size);
    long result;

    if (!buf)
        return -1;
    result = hv_call(hv, op, cmd, (uintptr_t)buf, 0, 0);
    memcpy(arg, buf, size);
    hv_buf_free(hv, buf, size);
    return result;
}

static int first_error(const int *errors, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (errors[i])
            return -errors[i];
    return 0;
}

/* Have the kernel fill the pages at `to`. */
static int map_batch(struct hv *hv, uint16_t domid, void *to, const uint64_t *frames, size_t n,
                     int *errors)
{
    struct privcmd_mmapbatch_v2 batch = {
        .num = (uint32_t)n,
        .dom = domid,
        .addr = (uintptr_t)to,
        .arr = frames,
        .err = errors,
    };

    if (ioctl(hv->privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) == 0)
        return 0;
    return errno == ENOENT && first_error(errors, n) ? 0 : -1;
}

void *hv_map_foreign(struct hv *hv, uint16_t domid, int prot, const uint64_t *frames, size_t n,
                     int *errors)
{
    int *err = errors ? errors : calloc(n, sizeof(*err));
    int problem = 0;
    void *at;

    if (n == 0 || n > UINT32_MAX || !err) {
        errno = err ? EINVAL : ENOMEM;
        at = MAP_FAILED;
    } else {
        at = mmap(NULL, n * HV_PAGE_SIZE, prot, MAP_SHARED, hv->privcmd, 0);
    }
    if (at != MAP_FAILED) {
        memset(err, 0, n * sizeof(*err));
        if (map_batch(hv, domid, at, frames, n, err) < 0)
            problem = errno;
        else if (!errors)
            problem = first_error(err, n);
        if (problem) {
            munmap(at, n * HV_PAGE_SIZE);
            at = MAP_FAILED;
        }
    } else {
        problem = errno;
    }
    if (!errors)
        free(err);
    errno = problem;
    return at == MAP_FAILED ? NULL : at;
}

void hv_unmap(void *address, size_t n)
{
    int saved = errno;

    if (address)
        munmap(address, n * HV_PAGE_SIZE);
    errno = saved;
}
