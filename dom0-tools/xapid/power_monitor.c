/* SPDX-License-Identifier: MIT */
/*
 * Leaving monitors behind from a process with threads: this program runs itself as `--monitor
 * DOMID`, which forks the daemon (monitor.h) and is gone again. What it has to say comes over a
 * pipe.
 */
#include "dom0-tools/xapid/power.h"
#include "dom0-tools/lib/guest_power.h"
#include "dom0-tools/lib/host_conf.h"
#include "dom0-tools/lib/monitor.h"
#include "dom0-tools/xapid/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* All it says until it is gone, without the final newline. */
static void listen_to(int fd, char *text, size_t size)
{
    size_t len = 0;
    char rest[256];
    ssize_t n;

    while ((n = len + 1 < size ? read(fd, text + len, size - len - 1)
                               : read(fd, rest, sizeof(rest))) != 0) {
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0 && len + 1 < size)
            len += (size_t)n;
    }
    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

int power_leave_monitor(uint32_t domid, struct failure *why)
{
    char said[400];
    int ends[2], err, status = -1;
    pid_t pid, got;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(why, errno, "cannot leave a monitor behind: %s", strerror(errno));
    err = spawn(domid, ends[1], &pid);
    close(ends[1]);
    if (err == 0) {
        listen_to(ends[0], said, sizeof(said));
        while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
            ;
        if (got < 0)
            status = -1;
    }
    close(ends[0]);
    if (err != 0)
        return fail(why, err, "cannot leave a monitor behind: %s", strerror(err));
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
