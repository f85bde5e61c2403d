/* SPDX-License-Identifier: MIT */
/*
 * The one thing the daemon waits on: an io_uring that carries disk I/O and tells when a descriptor
 * can be read. What is asked for is only queued; io_turn() hands it all to the kernel and waits, in
 * one system call, then calls done() of whatever has ended.
 *
 * Files in memory are another thing: io_uring would hand each operation to a thread, though it
 * never has to wait. They are read and written at once; io_finish() calls done() of those.
 *
 * An operation belongs to its caller, who keeps it and its memory until done() has been called:
 * operations cannot be taken back. Inside done() new ones may be queued. One thread.
 */
#ifndef BLKD_IO_H
#define BLKD_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io;

struct io_op {
    void (*done)(struct io_op *op, int result); /* bytes, 0 or a negative errno */
    struct io_op *next;                         /* io.c's, with result */
    int result;
};

struct io_file {
    int fd;
    bool in_memory;
};

struct io *io_open(void); /* NULL with errno */
void io_close(struct io *io);

void io_read(struct io *io, struct io_op *op, const struct io_file *f, void *to, size_t n,
             uint64_t offset);
/* durable: on the medium before it is done (RWF_DSYNC) */
void io_write(struct io *io, struct io_op *op, const struct io_file *f, const void *from, size_t n,
              uint64_t offset, bool durable);
void io_flush(struct io *io, struct io_op *op, const struct io_file *f); /* fdatasync */
void io_discard(struct io *io, struct io_op *op, const struct io_file *f, uint64_t offset,
                uint64_t n); /* punch */
/* done(op, >0) once, when fd can be read; queue it again for the next time. */
void io_readable(struct io *io, struct io_op *op, int fd);

/* Calls done() of what was done at once; how many there were. */
unsigned int io_finish(struct io *io);
/* Waits at most timeout_ms (-1: as long as it takes), and not at all before io_finish() has had its
 * turn. 0, or -1 with errno. */
int io_turn(struct io *io, int timeout_ms);

#endif
