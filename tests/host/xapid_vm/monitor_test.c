/* SPDX-License-Identifier: MIT */
/*
 * Leaving a monitor behind: the program that is to do it succeeds, refuses, dies, babbles or never
 * ends. It is this one, run again as `--monitor CASE`.
 */
#include "tests/host/xl/check.h"

#include "dom0-tools/lib/guest_power.h"
#include "dom0-tools/lib/host_conf.h"
#include "dom0-tools/lib/monitor.h"
#include "dom0-tools/xapid/power.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    GOOD = 1,
    REFUSES,
    SILENT,
    KILLED,
    BABBLES,
    STUCK,
    STUCK_AND_SAYS_WHY,
    LEAVES_THE_PIPE_OPEN
};

struct power_times power_times;
atomic_bool power_stopping;

static int act(int which)
{
    switch (which) {
    case GOOD:
        return 0;
    case REFUSES:
        fputs("there is no store\nand more\n", stderr);
        return 1;
    case SILENT:
        return 7;
    case KILLED:
        raise(SIGKILL);
        return 0;
    case BABBLES:
        for (int i = 0; i < 100000; i++)
            printf("word %d ", i);
        return 1;
    case LEAVES_THE_PIPE_OPEN:
        if (fork() != 0)
            return 0;
        sleep(2);
        return 0;
    case STUCK_AND_SAYS_WHY:
        fputs("waiting for the store\n", stderr);
        /* fall through */
    default:
        for (;;)
            pause();
    }
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* NULL: it works. Nothing is left of it. */
static void expect(int which, int error, const char *text)
{
    struct failure why = {0};
    const int rc = power_leave_monitor((uint32_t)which, &why);

    assert_int_equal(rc, error == 0 ? 0 : -1);
    if (error != 0) {
        assert_int_equal(why.error, error);
        if (strstr(why.text, text) == NULL)
            fail_msg("case %d: %s", which, why.text);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_it_ends(void **state)
{
    (void)state;
    power_times = (struct power_times){.leave = 30000, .stop = 30000};
    expect(GOOD, 0, NULL);
    expect(REFUSES, EIO, "the guest has no monitor: there is no store");
    expect(SILENT, EIO, "the program that leaves it behind died");
    expect(KILLED, EIO, "the program that leaves it behind died");
    expect(BABBLES, EIO, "the guest has no monitor: word 0 word 1 ");
}

static void test_it_does_not_end(void **state)
{
    int64_t begin = now_ms();

    (void)state;
    power_times = (struct power_times){.leave = 700, .stop = 30000};
    expect(STUCK, ETIMEDOUT, "the program that leaves it behind did not end");
    expect(STUCK_AND_SAYS_WHY, ETIMEDOUT, "did not end; it said: waiting for the store");
    expect(LEAVES_THE_PIPE_OPEN, ETIMEDOUT, "did not end");
    assert_in_range(now_ms() - begin, 3 * 700, 20000);
}

/* A server that ends waits less. */
static void test_server_ends(void **state)
{
    const int64_t begin = now_ms();

    (void)state;
    power_times = (struct power_times){.leave = 600000, .stop = 300};
    power_stopping = true;
    expect(STUCK, ETIMEDOUT, "did not end");
    assert_in_range(now_ms() - begin, 300, 20000);
    power_stopping = false;
}

/* --- what vm_monitor_main() needs, which is not run here */

struct hv *hv_open(void)
{
    abort();
}

void hv_close(struct hv *hv)
{
    (void)hv;
    abort();
}

enum guest_life guest_life(struct hv *hv, uint32_t domid, struct hv_dominfo *d)
{
    (void)hv, (void)domid, (void)d;
    abort();
}

int host_conf_read(struct host_conf *c, struct failure *why)
{
    (void)c, (void)why;
    abort();
}

int monitor_take_over(const struct hv_dominfo *d, const struct guest_host *host, int wait_ms,
                      struct failure *why)
{
    (void)d, (void)host, (void)wait_ms, (void)why;
    abort();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_ends),
        cmocka_unit_test(test_it_does_not_end),
        cmocka_unit_test(test_server_ends),
    };

    if (argc == 3 && strcmp(argv[1], "--monitor") == 0)
        return act(atoi(argv[2]));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
