/* SPDX-License-Identifier: MIT */
/*
 * Waiting and I/O (io.c) on the host's own io_uring: all operations on a file, past the page cache
 * where it can be, and on one in memory; more at a time than the queue has places. Skipped where
 * the host has no io_uring to give.
 */
#include "backends/blkd/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define SECTOR 512u
#define MANY   1000u

static struct io *io;
static struct io_file files[2];
static _Alignas(4096) uint8_t data[MANY][SECTOR], back[MANY][SECTOR];

static struct op {
    struct io_op op;
    int result;
    bool done;
} ops[MANY];

static void done(struct io_op *op, int result)
{
    struct op *o = (struct op *)op;

    assert_false(o->done);
    o->done = true;
    o->result = result;
}

static struct io_op *fresh(size_t i)
{
    ops[i] = (struct op){.op = {.done = done}};
    return &ops[i].op;
}

static void wait_for(size_t n)
{
    for (size_t i = 0; i < n; i++)
        while (!ops[i].done) {
            assert_int_equal(io_turn(io, 5000), 0);
            io_finish(io);
        }
}

static int begin(void **state)
{
    char path[] = "/var/tmp/blkd-io-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    files[0].fd = open(path, O_RDWR | O_DIRECT);
    if (files[0].fd < 0) {
        files[0].fd = fd;
        fd = -1;
    }
    unlink(path);
    if (fd >= 0)
        close(fd);
    files[1] = (struct io_file){.fd = memfd_create("blkd", 0), .in_memory = true};
    io = io_open();
    return files[0].fd < 0 || files[1].fd < 0;
}

static int end(void **state)
{
    (void)state;
    if (io)
        io_close(io);
    close(files[0].fd);
    close(files[1].fd);
    return 0;
}

static void need_io_uring(void)
{
    if (io)
        return;
    print_message("no io_uring here: %s\n", strerror(errno));
    skip();
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    need_io_uring();
    for (int f = 0; f < 2; f++) {
        for (size_t i = 0; i < MANY; i++) {
            memset(data[i], (int)(i * 7 + (size_t)f), SECTOR);
            io_write(io, fresh(i), &files[f], data[i], SECTOR, i * SECTOR, i % 50 == 0);
        }
        wait_for(MANY);
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(ops[i].result, SECTOR);
            io_read(io, fresh(i), &files[f], back[i], SECTOR, i * SECTOR);
        }
        wait_for(MANY);
        assert_memory_equal(data, back, sizeof(data));
        io_flush(io, fresh(0), &files[f]);
        io_discard(io, fresh(1), &files[f], 0, 4096);
        wait_for(2);
        assert_int_equal(ops[0].result, 0);
        io_read(io, fresh(0), &files[f], back, 4096, 0);
        wait_for(1);
        assert_int_equal(back[0][0], ops[1].result == 0 ? 0 : data[0][0]);
    }
}

static void errors_are_results(void **state)
{
    const struct io_file none[2] = {{.fd = 9999}, {.fd = 9999, .in_memory = true}};

    (void)state;
    need_io_uring();
    for (int f = 0; f < 2; f++) {
        io_read(io, fresh(0), &none[f], back, SECTOR, 0);
        wait_for(1);
        assert_int_equal(ops[0].result, -EBADF);
        io_read(io, fresh(0), &files[f], back, SECTOR, 1ull << 40);
        wait_for(1);
        assert_int_equal(ops[0].result, 0);
    }
}

static void a_descriptor_that_can_be_read(void **state)
{
    struct timespec before, after;
    int ends[2];

    (void)state;
    need_io_uring();
    assert_int_equal(pipe(ends), 0);
    io_readable(io, fresh(0), ends[0]);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(io_turn(io, 50), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_false(ops[0].done);
    assert_true(
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 49);
    assert_int_equal(write(ends[1], "x", 1), 1);
    wait_for(1);
    assert_true(ops[0].result > 0);
    io_readable(io, fresh(0), ends[0]); /* still can be: told again at once */
    wait_for(1);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(errors_are_results),
        cmocka_unit_test(a_descriptor_that_can_be_read),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
