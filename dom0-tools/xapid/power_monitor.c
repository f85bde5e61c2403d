/* SPDX-License-Identifier: MIT */
/*
 * Leaving monitors behind from a process with threads: this program runs itself as `--monitor
 * DOMID`, which forks the daemon (monitor.h) and is gone again. What it has to say comes over a
 * pipe, and for no longer than power_times says: whoever asked has an answer, and the server ends
 * when it is told to.
 */
#include "dom0-tools/xapid/power.h"
#include "dom0-tools/lib/guest_power.h"
#include "dom0-tools/lib/host_conf.h"
#include "dom0-tools/lib/monitor.h"
#include "dom0-tools/xapid/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 20
#define REAP_MS 5000

/* With the pipe for its output, and no signal blocked that the monitor shall hear. An errno. */
static int spawn(uint32_t domid, int output, pid_t *pid)
{
    char number[12], self[] = "/proc/self/exe", word[] = "--monitor";
    char *argv[] = {self, word, number, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    int err;

    snprintf(number, sizeof(number), "%u", domid);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    err = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (err == 0)
        err = posix_spawn_file_actions_adddup2(&files, output, 1);
    if (err == 0)
        err = posix_spawn_file_actions_adddup2(&files, output, 2);
    if (err == 0)
        err = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (err == 0)
        err = posix_spawnattr_setsigmask(&attributes, &none);
    if (err == 0)
        err = posix_spawn(pid, self, &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return err;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* All it says until it is gone, without the final newline. false: it is not gone in time. */
static bool listen_to(int fd, char *text, size_t size)
{
    struct pollfd word = {.fd = fd, .events = POLLIN};
    const int64_t begin = now_ms();
    size_t len = 0;
    char rest[256];
    ssize_t n = 1;

    while (n != 0 && now_ms() - begin < (power_stopping ? power_times.stop : power_times.leave)) {
        if (poll(&word, 1, STEP_MS) <= 0)
            continue;
        n = len + 1 < size ? read(fd, text + len, size - len - 1) : read(fd, rest, sizeof(rest));
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0 && len + 1 < size)
            len += (size_t)n;
    }
    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return n == 0;
}

/* Its status; -1 for one that does not even die. */
static int reap(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = STEP_MS * 1000000};
    const int64_t begin = now_ms();
    int status;

    do {
        const pid_t got = waitpid(pid, &status, WNOHANG);

        if (got == pid)
            return status;
        if (got < 0 && errno != EINTR)
            break;
        nanosleep(&pause, NULL);
    } while (now_ms() - begin < REAP_MS);
    return -1;
}

int power_leave_monitor(uint32_t domid, struct failure *why)
{
    int ends[2], err, status = -1;
    bool gone = false;
    char said[400];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(why, errno, "cannot leave a monitor behind: %s", strerror(errno));
    err = spawn(domid, ends[1], &pid);
    close(ends[1]);
    if (err == 0) {
        gone = listen_to(ends[0], said, sizeof(said));
        if (!gone)
            kill(pid, SIGKILL);
        status = reap(pid);
    }
    close(ends[0]);
    if (err != 0)
        return fail(why, err, "cannot leave a monitor behind: %s", strerror(err));
    if (!gone)
        return fail(why, ETIMEDOUT,
                    "the guest has no monitor: the program that leaves it behind did not end%s%s",
                    *said != '\0' ? "; it said: " : "", said);
    if (status == 0)
        return 0;
    return fail(why, EIO, "the guest has no monitor: %s",
                *said != '\0' ? said : "the program that leaves it behind died");
}

int vm_monitor_main(const char *text)
{
    struct hv_dominfo info;
    struct host_conf conf;
    struct failure why;
    char *end;
    const unsigned long domid = strtoul(text, &end, 10);
    struct hv *hv = hv_open();
    int rc = -1;

    if (hv == NULL)
        fail(&why, errno, "cannot talk to the hypervisor: %s", strerror(errno));
    else if (*text < '0' || *text > '9' || *end != '\0' || domid == 0 ||
             domid >= HV_DOMID_FIRST_RESERVED ||
             guest_life(hv, (uint32_t)domid, &info) == GUEST_GONE)
        fail(&why, ESRCH, "there is no guest %.32s", text);
    else if (host_conf_read(&conf, &why) == 0)
        rc = monitor_take_over(&info, &conf.host, MONITOR_CLAIM_MS, &why);
    if (rc != 0 && why.error == EBUSY)
        rc = 0; /* it has one */
    if (rc != 0)
        fprintf(stderr, "%s\n", why.text);
    if (hv != NULL)
        hv_close(hv);
    return rc == 0 ? 0 : 1;
}
