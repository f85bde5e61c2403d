/* SPDX-License-Identifier: MIT */
/*
 * The daemon killed at any moment: a child serves a ring in shared memory, the parent is the guest,
 * and kills and restarts the child some hundred times. Every request must be answered exactly once,
 * and what is on the disk must always be the last write that was answered, never an older one.
 *
 * Once it is killed whenever it happens to be; once between two chosen instructions of a turn, by
 * stepping it there, since what matters are moments that are a few instructions short.
 */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define KILLS   200
#define STOPS   80
#define STEPS   8000 /* of a turn, about */
#define BLOCKS  32u
#define SECTORS (BLOCKS * 8)
#define DATA    100u

static char folder[] = "/tmp/blkd-kill-XXXXXX";
static struct vbd_setup setup;
static struct front front;
static volatile int *trap; /* shared: the child is to stop before its next turn */

static void __attribute__((noreturn)) child(bool resume, unsigned int seed)
{
    static struct vbd_host host;
    static struct vbd vbd;
    struct failure why;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) {
        dprintf(2, "no ptrace here\n");
        _exit(77);
    }
    srand(seed);
    host.folder = folder;
    stderr = fopen("/dev/null", "w"); /* "taken over", some hundred times */
    if (!stderr || vbd_start(&vbd, &host, &setup, resume, &why)) {
        dprintf(2, "the successor gives up: %s\n", why.text);
        _exit(1);
    }
    for (;;) {
        for (int n = rand() % 6; n > 0 && fake.pending; n--)
            fake_complete((size_t)rand() % fake.pending);
        if (*trap) {
            *trap = 0;
            __asm__ volatile("int3");
        }
        vbd_wake(&vbd);
        vbd_run_all(&host);
    }
}

/* One block a request id: written with a new value, answered, read, compared, and again. */
static struct {
    bool waiting, reading;
    uint32_t value, answered;
} blocks[BLOCKS];

static void send_all(void)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        blkif_request_t r;

        if (blocks[i].waiting || RING_FULL(&front.ring))
            continue;
        if (blocks[i].reading) {
            memset(fake.pages[DATA + i], 0xaa, 4096);
        } else {
            blocks[i].value++;
            for (int k = 0; k < 1024; k++)
                ((uint32_t *)(void *)fake.pages[DATA + i])[k] = blocks[i].value;
        }
        r = front_rw(blocks[i].reading ? BLKIF_OP_READ : BLKIF_OP_WRITE, i, i * 8, DATA + i, 1);
        front_put(&front, &r);
        blocks[i].waiting = true;
    }
    front_push(&front);
}

static void take_all(void)
{
    blkif_response_t a;

    while (front_take(&front, &a)) {
        assert_true(a.id < BLOCKS);
        assert_true(blocks[a.id].waiting); /* else it is answered twice */
        assert_int_equal(a.status, BLKIF_RSP_OKAY);
        assert_int_equal(a.operation, blocks[a.id].reading ? BLKIF_OP_READ : BLKIF_OP_WRITE);
        if (blocks[a.id].reading)
            for (int k = 0; k < 1024; k++)
                assert_int_equal(((uint32_t *)(void *)fake.pages[DATA + a.id])[k],
                                 blocks[a.id].value);
        blocks[a.id].reading = !blocks[a.id].reading;
        blocks[a.id].waiting = false;
        blocks[a.id].answered++;
    }
}

static void play_for(long ns)
{
    struct timespec begin, now;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        send_all();
        take_all();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < ns);
}

static bool all_answered_once_more(const uint32_t *before)
{
    for (uint32_t i = 0; i < BLOCKS; i++)
        if (blocks[i].answered == before[i])
            return false;
    return true;
}

static pid_t start(bool resume)
{
    static unsigned int seed;
    pid_t pid = fork();

    seed++;
    if (pid == 0)
        child(resume, seed);
    assert_true(pid > 0);
    return pid;
}

static void end(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* it did not give up */
}

/* All requests are answered: nothing is stuck, and the last child is well. */
static void expect_progress(void)
{
    uint32_t before[BLOCKS];
    pid_t pid = start(true);

    for (uint32_t i = 0; i < BLOCKS; i++)
        before[i] = blocks[i].answered;
    for (int i = 0; i < 2000 && !all_answered_once_more(before); i++)
        play_for(5000000);
    assert_true(all_answered_once_more(before));
    end(pid);
}

static void killed_at_any_time(void **state)
{
    pid_t pid;

    (void)state;
    for (int i = 0; i < KILLS; i++) {
        pid = start(true);
        play_for(200000 + rand() % 4000000);
        end(pid);
    }
    expect_progress();
}

static void killed_between_two_instructions(void **state)
{
    pid_t pid;
    int status;

    (void)state;
    for (int i = 0; i < STOPS; i++) {
        pid = start(true);
        play_for(rand() % 1000000);
        *trap = 1;
        while (waitpid(pid, &status, WNOHANG) != pid)
            play_for(10000);
        assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
        for (int n = rand() % STEPS; n > 0; n--) {
            assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
        }
        end(pid);
    }
    expect_progress();
}

/* The first of all makes the journal. */
static int first(void **state)
{
    pid_t pid = start(false);

    (void)state;
    play_for(50000000);
    end(pid);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_time),
        cmocka_unit_test(killed_between_two_instructions),
    };
    char command[64];
    int failed;

    if (!mkdtemp(folder))
        return 1;
    trap = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (trap == MAP_FAILED)
        return 1;
    fake_reset();
    front_init(&front, 1);
    memset(fake.access + DATA, FAKE_WRITE, FAKE_PAGES - DATA);
    setup = fake_setup(SECTORS, 1);
    setup.image = fake_image(SECTORS, true);
    setup.persistent = true;
    failed = cmocka_run_group_tests(tests, first, NULL);
    snprintf(command, sizeof(command), "%s/7-51712", folder);
    unlink(command);
    rmdir(folder);
    return failed;
}
