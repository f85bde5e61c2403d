/* SPDX-License-Identifier: MIT */
/*
 * diskload: writes to a disk and reads it again, and complains about every byte that is not what
 * was written last.
 *
 *   diskload DEVICE SECONDS [PROCESSES]     (its content is lost; 4 MiB a process, 8 of them)
 *
 * Each process has a region of its own and one operation (O_DIRECT) at a time: writes of random
 * place and length (512 bytes to 192 KiB), reads that are compared, now and then a flush. At the
 * end everything is read once more. Every sector says where it belongs and which write it is of.
 * Output: one line with counts and the longest operation. Exit status 1: a difference or an error,
 * told on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECTOR = 512, REGION = 4 << 20, SECTORS = REGION / SECTOR, LONGEST = 192 << 10 };

struct result { /* in memory that all share */
    unsigned long writes, reads, flushes;
    uint64_t longest_us;
};

static int fd;
static off_t base;
static uint32_t versions[SECTORS]; /* 0: what was there before */
static uint64_t *buffer;
static struct result *mine;

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void stop(const char *what, off_t at)
{
    fprintf(stderr, "diskload: %s at byte %lld: %s\n", what, (long long)at, strerror(errno));
    exit(1);
}

static uint64_t word(uint32_t sector, uint32_t version, unsigned int i)
{
    uint64_t x = ((uint64_t)version << 32 | (uint32_t)(base / SECTOR + sector)) + i;

    x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

static void timed(uint64_t since)
{
    uint64_t took = now_us() - since;

    if (took > mine->longest_us)
        mine->longest_us = took;
}

static void put(uint32_t first, uint32_t n)
{
    const size_t bytes = (size_t)n * SECTOR;
    const off_t at = base + (off_t)first * SECTOR;
    uint64_t since;

    for (uint32_t s = 0; s < n; s++) {
        versions[first + s]++;
        for (unsigned int i = 0; i < SECTOR / 8; i++)
            buffer[s * (SECTOR / 8) + i] = word(first + s, versions[first + s], i);
    }
    since = now_us();
    if (pwrite(fd, buffer, bytes, at) != (ssize_t)bytes)
        stop("writing", at);
    timed(since);
    mine->writes++;
}

static void check(uint32_t first, uint32_t n)
{
    const size_t bytes = (size_t)n * SECTOR;
    const off_t at = base + (off_t)first * SECTOR;
    uint64_t since = now_us();

    memset(buffer, 0x5a, bytes);
    if (pread(fd, buffer, bytes, at) != (ssize_t)bytes)
        stop("reading", at);
    timed(since);
    for (uint32_t s = 0; s < n; s++)
        for (unsigned int i = 0; versions[first + s] && i < SECTOR / 8; i++)
            if (buffer[s * (SECTOR / 8) + i] != word(first + s, versions[first + s], i)) {
                fprintf(stderr,
                        "diskload: sector %lld, word %u: %016llx is not version %u's %016llx\n",
                        (long long)(base / SECTOR + first + s), i,
                        (unsigned long long)buffer[s * (SECTOR / 8) + i], versions[first + s],
                        (unsigned long long)word(first + s, versions[first + s], i));
                exit(1);
            }
    mine->reads++;
}

static void load(int seconds)
{
    const uint64_t end = now_us() + (uint64_t)seconds * 1000000;

    while (now_us() < end) {
        uint32_t n = (uint32_t)rand() % (rand() % 2 ? LONGEST / SECTOR : 16) + 1;
        uint32_t first = (uint32_t)rand() % (SECTORS - n);
        int what = rand() % 32;

        if (what == 0) {
            if (fdatasync(fd))
                stop("flushing", base);
            mine->flushes++;
        } else if (what < 20) {
            put(first, n);
        } else {
            check(first, n);
        }
    }
    for (uint32_t s = 0; s < SECTORS; s += 64)
        check(s, 64);
}

static int wait_all(int n)
{
    int status, failed = 0;

    while (n-- > 0) {
        wait(&status);
        failed += status != 0;
    }
    return failed;
}

int main(int argc, char **argv)
{
    const int processes = argc > 3 ? atoi(argv[3]) : 8;
    struct result *results, sum = {0};
    int failed;

    if (argc < 3 || processes < 1 || (fd = open(argv[1], O_RDWR | O_DIRECT)) < 0) {
        fprintf(stderr, "usage: diskload DEVICE SECONDS [PROCESSES]\n");
        return 2;
    }
    results = mmap(NULL, sizeof(*results) * (size_t)processes, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED || posix_memalign((void **)&buffer, 4096, LONGEST))
        stop("memory", 0);
    for (int i = 0; i < processes; i++)
        if (fork() == 0) {
            base = (off_t)i * REGION;
            mine = &results[i];
            srand((unsigned int)i + 1);
            load(atoi(argv[2]));
            exit(0);
        }
    failed = wait_all(processes);
    for (int i = 0; i < processes; i++) {
        sum.writes += results[i].writes;
        sum.reads += results[i].reads;
        sum.flushes += results[i].flushes;
        if (results[i].longest_us > sum.longest_us)
            sum.longest_us = results[i].longest_us;
    }
    printf("diskload: %lu writes, %lu reads, %lu flushes, longest %llu ms, %d of %d failed\n",
           sum.writes, sum.reads, sum.flushes, (unsigned long long)sum.longest_us / 1000, failed,
           processes);
    return failed != 0;
}
