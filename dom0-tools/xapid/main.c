/* SPDX-License-Identifier: MIT */
/*
 * bonsai-xapid: the management API, XML-RPC over HTTP. This file is the start, the end, and the
 * waiting in between; connections have threads of their own (http.h). The daemon holds nothing but
 * sessions: which guests run the hypervisor and the store know, which VMs are defined is in files.
 */
#include <errno.h>
#include <getopt.h>
#include <libxml/parser.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "backends/lib/daemon.h"
#include "common/folders.h"
#include "dom0-tools/xapid/classes.h"
#include "dom0-tools/xapid/http.h"
#include "dom0-tools/xapid/method.h"
#include "dom0-tools/xapid/password.h"
#include "dom0-tools/xapid/session.h"
#include "dom0-tools/xapid/vm.h"

#define DEFAULT_SOCKET "/run/bonsai/xapid.sock"
#define DEFAULT_PORT   9363
#define DEFAULT_STATE  "/var/lib/bonsai"
#define SWEEP_S        5

struct options {
    bool foreground;
    unsigned port; /* 0: none */
    const char *socket, *passwords, *state, *pid_file, *set_password, *monitor;
};

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
    fprintf(stderr, "bonsai-xapid: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void usage(FILE *to)
{
    fputs("usage: bonsai-xapid [options]\n"
          "       bonsai-xapid [--passwords=FILE] --set-password USER\n"
          "Serves the XML-RPC management API; see bonsai-xapid(8).\n"
          "  -i, --interactive     stay in the foreground\n"
          "      --socket=FILE     the unix socket (" DEFAULT_SOCKET ")\n"
          "      --port=N          the port of 127.0.0.1 (9363), or none\n"
          "      --passwords=FILE  who may log in by TCP (" PASSWORD_FILE ")\n"
          "      --state=FOLDER    where defined VMs are kept (" DEFAULT_STATE ")\n"
          "      --pid-file=FILE   write the process id there\n"
          "      --set-password USER\n"
          "                        read a password from the terminal or from standard\n"
          "                        input, and keep its hash\n"
          "  -h, --help            this text\n",
          to);
}

static unsigned parse_port(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (!strcmp(text, "none"))
        return 0;
    if (text[0] < '0' || text[0] > '9' || *end || n == 0 || n > UINT16_MAX) {
        fprintf(stderr, "bonsai-xapid: --port=%s: only 1 to 65535, or none\n", text);
        exit(2);
    }
    return (unsigned)n;
}

static struct options parse(int argc, char **argv)
{
    static const struct option longs[] = {
        {"interactive", no_argument, NULL, 'i'},
        {"socket", required_argument, NULL, 's'},
        {"port", required_argument, NULL, 'p'},
        {"passwords", required_argument, NULL, 'w'},
        {"state", required_argument, NULL, 'd'},
        {"pid-file", required_argument, NULL, 'f'},
        {"set-password", required_argument, NULL, 'u'},
        {"monitor", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options o = {.port = DEFAULT_PORT,
                        .socket = DEFAULT_SOCKET,
                        .passwords = PASSWORD_FILE,
                        .state = DEFAULT_STATE};
    int c;

    while ((c = getopt_long(argc, argv, "ih", longs, NULL)) != -1) {
        switch (c) {
        case 'i':
            o.foreground = true;
            break;
        case 's':
            o.socket = optarg;
            break;
        case 'p':
            o.port = parse_port(optarg);
            break;
        case 'w':
            o.passwords = optarg;
            break;
        case 'd':
            o.state = optarg;
            break;
        case 'f':
            o.pid_file = optarg;
            break;
        case 'u':
            o.set_password = optarg;
            break;
        case 'm': /* how the daemon starts a process without threads; see vm.h */
            o.monitor = optarg;
            break;
        case 'h':
            usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "bonsai-xapid: unexpected argument '%s'\n", argv[optind]);
        exit(2);
    }
    return o;
}

/* A line from standard input without its end; from a terminal without being seen. */
static void read_secret(const char *prompt, char *secret, size_t room)
{
    struct termios was, quiet;
    bool terminal = tcgetattr(STDIN_FILENO, &was) == 0;

    if (terminal) {
        quiet = was;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        fputs(prompt, stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    if (!fgets(secret, (int)room, stdin))
        secret[0] = '\0';
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fputc('\n', stderr);
    }
    secret[strcspn(secret, "\r\n")] = '\0';
}

static int set_password(const struct options *o)
{
    char first[PASSWORD_MAX + 3], second[sizeof(first)];
    struct failure why;
    int r;

    read_secret("New password: ", first, sizeof(first));
    if (isatty(STDIN_FILENO)) {
        read_secret("The same again: ", second, sizeof(second));
        if (strcmp(first, second))
            die(o->set_password, "the two passwords differ, nothing is changed");
    }
    if (make_folders_above(o->passwords))
        die(o->passwords, strerror(errno));
    r = password_set(o->passwords, o->set_password, first, &why);
    explicit_bzero(first, sizeof(first));
    explicit_bzero(second, sizeof(second));
    if (r)
        die(o->set_password, why.text);
    return EXIT_SUCCESS;
}

/* Signals are taken by wait_for_end() alone; threads inherit the mask. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void wait_for_end(const sigset_t *set)
{
    const struct timespec pause = {.tv_sec = SWEEP_S};

    for (;;) {
        int n = sigtimedwait(set, NULL, &pause);

        if (n == SIGTERM || n == SIGINT)
            return;
        http_sweep();
    }
}

static void open_doors(const struct options *o)
{
    struct failure why;

    session_use_passwords(o->passwords);
    if (make_folders_above(o->socket))
        die(o->socket, strerror(errno));
    if (http_open_socket(o->socket, &why))
        die("the API's socket", why.text);
    if (o->port == 0)
        return;
    if (http_open_port((uint16_t)o->port, &why))
        die("the API's port", why.text);
    if (password_file_check(o->passwords, &why))
        fprintf(stderr,
                "bonsai-xapid: nobody can log in by TCP (bonsai-xapid --set-password): %s\n",
                why.text);
}

int main(int argc, char **argv)
{
    struct options o = parse(argc, argv);
    struct failure why;
    sigset_t signals;

    if (o.set_password)
        return set_password(&o);
    if (o.monitor)
        return vm_monitor_main(o.monitor);
    if (daemon_start(o.foreground))
        die("becoming a daemon", strerror(errno));
    block_signals(&signals);
    xmlInitParser();
    if (classes_open(o.state, &why))
        die("the API's classes", why.text);
    method_use_tables(classes);
    open_doors(&o);
    if (daemon_ready(o.pid_file))
        die(o.pid_file ? o.pid_file : "becoming ready", strerror(errno));
    wait_for_end(&signals);
    session_stop();
    classes_stop();
    http_close();
    classes_close();
    if (o.pid_file)
        unlink(o.pid_file);
    return EXIT_SUCCESS;
}
