/* SPDX-License-Identifier: MIT */
/* Waiting and disk I/O by io_uring: see io.h. */
#include "backends/blkd/io.h"

#include <errno.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SUBMISSIONS 256u  /* more go to the kernel earlier */
#define COMPLETIONS 4096u /* more are kept by the kernel until there is room */

struct io {
    struct io_uring ring;
    struct io_op *did, **last_did; /* done at once, done() not yet called */
};

/* The third set is for kernels that know less. */
static int set_up(struct io_uring *ring)
{
    static const unsigned int flags[] = {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                                         IORING_SETUP_COOP_TASKRUN, 0};
    int rc = -EINVAL;

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && rc == -EINVAL; i++) {
        struct io_uring_params p = {.flags = flags[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
                                    .cq_entries = COMPLETIONS};

        rc = io_uring_queue_init_params(SUBMISSIONS, ring, &p);
    }
    return rc;
}

struct io *io_open(void)
{
    struct io *io = calloc(1, sizeof(*io));
    int rc;

    if (!io)
        return NULL;
    io->last_did = &io->did;
    rc = set_up(&io->ring);
    if (rc < 0) {
        free(io);
        errno = -rc;
        return NULL;
    }
    (void)io_uring_register_ring_fd(&io->ring); /* only saves time, where the kernel can */
    return io;
}

void io_close(struct io *io)
{
    io_uring_queue_exit(&io->ring);
    free(io);
}

/* A place in the submission queue. The kernel takes what is queued when there is none; it refuses
 * only when it is out of memory for a moment, and then there is nothing better than trying again.
 */
static struct io_uring_sqe *next(struct io *io)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    struct io_uring_sqe *sqe;

    while (!(sqe = io_uring_get_sqe(&io->ring))) {
        int rc = io_uring_submit(&io->ring);

        if (rc == -EAGAIN || rc == -EBUSY) {
            nanosleep(&pause, NULL);
        } else if (rc < 0 && rc != -EINTR) {
            fprintf(stderr, "bonsai-blkd: handing I/O to the kernel: %s\n", strerror(-rc));
            abort(); /* the successor does what was queued */
        }
    }
    return sqe;
}

/* An operation that has been done already. */
static void did(struct io *io, struct io_op *op, ssize_t result)
{
    op->result = result < 0 ? -errno : (int)result;
    op->next = NULL;
    *io->last_did = op;
    io->last_did = &op->next;
}

unsigned int io_finish(struct io *io)
{
    struct io_op *op, *list = io->did;
    unsigned int n = 0;

    io->did = NULL;
    io->last_did = &io->did;
    for (; (op = list); n++) {
        list = op->next; /* done() may queue it again */
        op->done(op, op->result);
    }
    return n;
}

void io_read(struct io *io, struct io_op *op, const struct io_file *f, void *to, size_t n,
             uint64_t offset)
{
    struct io_uring_sqe *sqe;

    if (f->in_memory) {
        did(io, op, pread(f->fd, to, n, (off_t)offset));
        return;
    }
    sqe = next(io);
    io_uring_prep_read(sqe, f->fd, to, (unsigned int)n, offset);
    io_uring_sqe_set_data(sqe, op);
}

void io_write(struct io *io, struct io_op *op, const struct io_file *f, const void *from, size_t n,
              uint64_t offset, bool durable)
{
    struct io_uring_sqe *sqe;

    if (f->in_memory) {
        did(io, op, pwrite(f->fd, from, n, (off_t)offset));
        return;
    }
    sqe = next(io);
    io_uring_prep_write(sqe, f->fd, from, (unsigned int)n, offset);
    if (durable)
        sqe->rw_flags = RWF_DSYNC;
    io_uring_sqe_set_data(sqe, op);
}

void io_flush(struct io *io, struct io_op *op, const struct io_file *f)
{
    struct io_uring_sqe *sqe;

    if (f->in_memory) {
        did(io, op, 0); /* there is nothing behind it */
        return;
    }
    sqe = next(io);
    io_uring_prep_fsync(sqe, f->fd, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data(sqe, op);
}

void io_discard(struct io *io, struct io_op *op, const struct io_file *f, uint64_t offset,
                uint64_t n)
{
    struct io_uring_sqe *sqe = next(io);

    io_uring_prep_fallocate(sqe, f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                            (off_t)n);
    io_uring_sqe_set_data(sqe, op);
}

void io_readable(struct io *io, struct io_op *op, int fd)
{
    struct io_uring_sqe *sqe = next(io);

    io_uring_prep_poll_add(sqe, fd, POLLIN);
    io_uring_sqe_set_data(sqe, op);
}

static int wait_for_one(struct io_uring *ring, int timeout_ms)
{
    struct __kernel_timespec t = {.tv_sec = timeout_ms / 1000,
                                  .tv_nsec = timeout_ms % 1000 * 1000000ll};
    struct io_uring_cqe *cqe;

    if (timeout_ms < 0)
        return io_uring_submit_and_wait(ring, 1);
    return io_uring_submit_and_wait_timeout(ring, &cqe, 1, &t, NULL);
}

int io_turn(struct io *io, int timeout_ms)
{
    struct io_uring_cqe *cqe;
    int rc = wait_for_one(&io->ring, io->did ? 0 : timeout_ms);

    if (rc < 0 && rc != -ETIME && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY) {
        errno = -rc;
        return -1;
    }
    while (io_uring_peek_cqe(&io->ring, &cqe) == 0) {
        struct io_op *op = io_uring_cqe_get_data(cqe);
        int result = cqe->res;

        io_uring_cqe_seen(&io->ring, cqe);
        op->done(op, result);
    }
    return 0;
}
