/* SPDX-License-Identifier: MIT */
/*
 * Leaving the monitor behind: fork twice, a session of its own, its log for stdout and stderr. The
 * pipe between tells the parent that the daemon stands, or why not. See monitor.h.
 */
#include "dom0-tools/lib/monitor.h"
#include "common/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_DIR  "/var/log/xen"
#define LOG_KEPT 9

/* xl-NAME.log becomes .1, .1 becomes .2 and so on. */
static void rotate(const char *path)
{
    char from[512], to[512];

    for (int i = LOG_KEPT; i >= 0; i--) {
        if (i == 0)
            snprintf(from, sizeof(from), "%s", path);
        else
            snprintf(from, sizeof(from), "%s.%d", path, i);
        snprintf(to, sizeof(to), "%s.%d", path, i + 1);
        if (i == LOG_KEPT)
            unlink(from);
        else
            rename(from, to);
    }
}

static int open_log(const char *name)
{
    char path[sizeof(LOG_DIR) + GUEST_NAME_MAX + 16];

    if (make_folders(LOG_DIR) != 0)
        return -1;
    snprintf(path, sizeof(path), LOG_DIR "/xl-%s.log", name);
    rotate(path);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

#define PIPE_FD  3
#define CLAIM_FD 4

/* Everything of the creator's is closed: its terminal, its handles. 0 with *pipe_fd and *claim
 * moved, or an errno. */
static int detach(const char *name, int *pipe_fd, int *claim)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = open_log(name);

    if (null < 0 || log < 0)
        return errno;
    if (chdir("/") != 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        return errno;
    /* by way of numbers that neither has */
    *pipe_fd = fcntl(*pipe_fd, F_DUPFD_CLOEXEC, CLAIM_FD + 1);
    *claim = fcntl(*claim, F_DUPFD_CLOEXEC, CLAIM_FD + 1);
    if (*pipe_fd < 0 || *claim < 0 || dup2(*pipe_fd, PIPE_FD) < 0 || dup2(*claim, CLAIM_FD) < 0)
        return errno;
    *pipe_fd = PIPE_FD;
    *claim = CLAIM_FD;
    if (close_range(CLAIM_FD + 1, ~0u, 0) != 0)
        return errno;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    return 0;
}

/* The daemon's first steps, in the order that leaves no trace when it cannot be one. An errno. */
static int become(const struct guest_config *g, int wait_ms, int *pipe_fd, int *claim)
{
    int fd = monitor_claim(g->uuid, wait_ms);
    int err;

    if (fd < 0)
        return errno;
    err = detach(g->name, pipe_fd, &fd);
    *claim = fd;
    return err;
}

int monitor_start(struct guest_config *g, const struct guest_host *host, uint32_t domid,
                  int wait_ms, struct failure *why)
{
    int ends[2], answer = EIO, status, claim = -1;
    pid_t child;

    fflush(stdout);
    fflush(stderr);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(why, errno, "cannot leave a monitor behind: %s", strerror(errno));
    child = fork();
    if (child == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        answer = become(g, wait_ms, &ends[1], &claim);
        if (write(ends[1], &answer, sizeof(answer)) != sizeof(answer) || answer != 0)
            _exit(1);
        close(ends[1]);
        status = monitor_run(g, host, domid);
        monitor_release(g->uuid, claim);
        _exit(status);
    }
    close(ends[1]);
    if (child < 0)
        answer = errno;
    else
        waitpid(child, &status, 0);
    if (child > 0 && read(ends[0], &answer, sizeof(answer)) != sizeof(answer))
        answer = EIO;
    close(ends[0]);
    if (answer == EBUSY)
        return fail(why, EBUSY, "guest %s has a monitor already", g->name);
    if (answer != 0)
        return fail(why, answer,
                    "cannot leave a monitor behind (its log is " LOG_DIR "/xl-%s.log): %s", g->name,
                    strerror(answer));
    return 0;
}

int monitor_take_over(const struct hv_dominfo *d, const struct guest_host *host, int wait_ms,
                      struct failure *why)
{
    char *json = guest_load_config(d->domid, d->handle);
    struct guest_config g;
    int rc;

    if (json == NULL)
        return fail(why, errno, "domain %u: no configuration is kept of it: %s", d->domid,
                    strerror(errno));
    rc = guest_config_from_json(json, &g, why);
    free(json);
    if (rc != 0)
        return -1;
    rc = monitor_start(&g, host, d->domid, wait_ms, why);
    guest_config_free(&g);
    return rc;
}
