/* SPDX-License-Identifier: MIT */
/*
 * bonsai-xenstored: start, options, the loop, the end. In the background the daemon's parent stays
 * until the socket answers, so who has started it may use it. Without Xen it serves its socket
 * only.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/ready.h"
#include "xenstore/conn.h"
#include "xenstore/domain.h"
#include "xenstore/log.h"
#include "xenstore/loop.h"
#include "xenstore/socket.h"
#include "xenstore/xen.h"

static struct storage storage;
static struct limits limits;
static const char *pid_file;
static bool stopping;

static const char usage[] =
    "Usage: bonsai-xenstored [options]\n"
    "Keeps the XenStore and serves it to this machine's domains.\n"
    "  -F, --pid-file FILE     write the daemon's process id there\n"
    "  -N, --no-fork           stay in the foreground, messages on stderr\n"
    "  -Q, --quota NAME=N      set a limit on guests; names and values: xenstore-control quota\n"
    "  -T, --trace-file FILE   write every message there\n"
    "  -h, --help              this text\n"
    "The socket is $XENSTORED_PATH, or socket in $XENSTORED_RUNDIR (/run/xenstored).\n";

static void on_signal(struct watched *w, uint32_t events)
{
    struct signalfd_siginfo info;
    (void)events;
    if (read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        stopping = true;
}

static int catch_signals(void)
{
    static struct watched signals;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signals =
        (struct watched){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .on = on_signal};
    return signals.fd < 0 ? -1 : loop_add(&signals, EPOLLIN);
}

static void tell(const char *text)
{
    if (tell_systemd(text) != 0)
        log_line("cannot notify systemd: %s", strerror(errno));
}

/* The daemon leaves the folder it was started in. NULL: no memory, or no such folder. */
static char *absolute(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0), *text = NULL;
    if (path[0] == '/')
        return strdup(path);
    if (here != NULL && asprintf(&text, "%s/%s", here, path) < 0)
        text = NULL;
    free(here);
    return text;
}

static char *socket_path(void)
{
    const char *path = getenv("XENSTORED_PATH"), *dir = getenv("XENSTORED_RUNDIR");
    char *text, *whole;
    if (path != NULL)
        return absolute(path);
    if (asprintf(&text, "%s/socket", dir != NULL ? dir : "/run/xenstored") < 0)
        return NULL;
    whole = absolute(text);
    free(text);
    return whole;
}

static int write_pid_file(void)
{
    FILE *f = pid_file != NULL ? fopen(pid_file, "we") : NULL;
    if (pid_file == NULL)
        return 0;
    if (f == NULL || fprintf(f, "%d\n", getpid()) < 0 || fclose(f) != 0) {
        log_line("cannot write %s: %s", pid_file, strerror(errno));
        return -1;
    }
    return 0;
}

/* Goes to the background: returns in the child, with the end of a pipe on which to say that all is
 * well. */
static int to_background(void)
{
    int pipefd[2];
    char ok;
    if (pipe2(pipefd, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid > 0) {
        close(pipefd[1]);
        _exit(read(pipefd[0], &ok, 1) == 1 ? 0 : 1);
    }
    close(pipefd[0]);
    setsid();
    return pipefd[1];
}

static void ready(int parent)
{
    tell("READY=1");
    if (parent < 0)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    log_to_syslog();
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    if (write(parent, "", 1) != 1)
        log_line("the parent process is gone");
    close(parent);
    if (chdir("/") != 0)
        log_line("cannot leave the folder: %s", strerror(errno));
}

static bool start(void)
{
    struct rlimit files;
    char *path = socket_path();
    bool good = false;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* a client each */
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (path == NULL || storage_init(&storage) != 0)
        log_line("no memory");
    else if (loop_init() != 0 || catch_signals() != 0)
        log_line("cannot wait for events: %s", strerror(errno));
    else
        good = true;
    storage.limits = limits;
    storage.domain_exists = domain_exists;
    storage.wake = conn_wake;
    if (good && socket_listen(&storage, path) != 0)
        good = false;
    if (good && xen_open())
        good = domains_start(&storage);
    else if (good)
        log_line("no Xen here: serving %s only", path);
    free(path);
    return good;
}

static void serve(void)
{
    while (!stopping) {
        if (loop_once(conn_any_ready()) != 0) {
            log_line("cannot wait for events: %s", strerror(errno));
            return;
        }
        conn_run_ready();
        conn_reap();
    }
}

static void stop(void)
{
    tell("STOPPING=1");
    socket_stop();
    conn_close_all();
    domains_stop();
    xen_close();
    storage_free(&storage);
    if (pid_file != NULL)
        unlink(pid_file);
}

/* NAME=N */
static bool set_quota(char *text)
{
    char *value = strchr(text, '=');
    if (value == NULL)
        return false;
    *value = '\0';
    bool good = limit_set(&limits, text, value + 1);
    *value = '='; /* for the message */
    return good;
}

/* What the options say; -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, bool *foreground)
{
    static const struct option options[] = {
        {"pid-file", required_argument, NULL, 'F'}, {"no-fork", no_argument, NULL, 'N'},
        {"quota", required_argument, NULL, 'Q'},    {"trace-file", required_argument, NULL, 'T'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    int opt;
    char *path;
    while ((opt = getopt_long(argc, argv, "F:NQ:T:hH", options, NULL)) != -1)
        switch (opt) {
        case 'F':
            pid_file = absolute(optarg);
            if (pid_file != NULL)
                break;
            log_line("cannot tell where %s is: %s", optarg, strerror(errno));
            return 1;
        case 'N':
            *foreground = true;
            break;
        case 'Q':
            if (set_quota(optarg))
                break;
            log_line("no such quota, or no fitting value: %s", optarg);
            return 1;
        case 'T':
            path = absolute(optarg);
            if (path != NULL && log_trace_file(path) == 0 && log_trace(true) == 0) {
                free(path);
                break;
            }
            log_line("cannot write trace file %s: %s", optarg, strerror(errno));
            return 1;
        case 'h':
        case 'H':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 1;
        }
    if (optind == argc)
        return -1;
    fprintf(stderr, "bonsai-xenstored: unexpected argument '%s'\n%s", argv[optind], usage);
    return 1;
}

int main(int argc, char **argv)
{
    bool foreground = false;
    int parent = -1;
    limits = default_limits;
    int status = read_options(argc, argv, &foreground);
    if (status >= 0)
        return status;
    if (!foreground && (parent = to_background()) < 0) {
        log_line("cannot go to the background: %s", strerror(errno));
        return 1;
    }
    if (!start() || write_pid_file() != 0) {
        socket_stop();
        return 1;
    }
    ready(parent);
    serve();
    stop();
    return 0;
}
