/* SPDX-License-Identifier: MIT */
/*
 * bonsai-consoled: serves the PV consoles of all guests. Learns of guests by XenStore's
 * @introduceDomain and @releaseDomain, asks the hypervisor which live, and keeps one struct console
 * each. Killed and started again it binds every ring anew; what a guest printed meanwhile waits in
 * its ring, what was printed before and not read is in its log.
 *
 * One thread, one poll loop. The store going away ends the daemon (bonsai-services starts it
 * again).
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "backends/consoled/consoles.h"
#include "backends/consoled/hv_log.h"
#include "backends/lib/daemon.h"
#include "backends/lib/evtchn.h"
#include "backends/lib/gntdev.h"
#include "common/clock.h"
#include "common/folders.h"
#include "dom0-tools/lib/hv.h"
#include "xenstore/client.h"

#define DEFAULT_LOG_FOLDER "/var/log/xen/console"
#define KEPT_FOLDER        "/run/bonsai"
#define PORTS_A_ROUND      64 /* before the others are looked at: terminals, store, signals */

static struct consoles all;
static struct hv_log hv_log = {.file = {.fd = -1}};

static void die(const char *what)
{
    fprintf(stderr, "bonsai-consoled: %s: %s\n", what, strerror(errno));
    consoles_stop(&all);
    log_file_close(&hv_log.file);
    exit(EXIT_FAILURE);
}

static void refresh(void)
{
    if (consoles_refresh(&all))
        die("listing domains");
}

static void handle_ports(void)
{
    uint32_t port;
    int r = 0;

    for (int i = 0; i < PORTS_A_ROUND && (r = evtchn_next(all.shared.evtchn, &port)) > 0; i++) {
        bool again = true;

        if (hv_log.port && port == hv_log.port)
            hv_log_serve(&hv_log, all.shared.now);
        else
            again = consoles_port(&all, port);
        if (again && evtchn_unmask(all.shared.evtchn, port))
            die("unmasking an event channel");
    }
    if (r < 0)
        die("/dev/xen/evtchn");
}

static void handle_store(void)
{
    struct store_event *e;
    bool any = false;
    int r;

    while ((r = store_next_event(all.shared.store, &e)) > 0) {
        free(e);
        any = true;
    }
    if (r < 0)
        die("XenStore");
    if (any)
        refresh();
}

/* Nobody shall look for a terminal that is not there any more. */
static void withdraw_terminals(void)
{
    for (struct console *k = all.first; k; k = k->next)
        if (k->state == CONSOLE_OPEN || k->state == CONSOLE_BROKEN)
            store_writef(all.shared.store, STORE_NO_TX, "", "/local/domain/%u/console/tty",
                         k->domid); /* if that fails, the store is gone as well */
}

static void handle_signal(int fd)
{
    struct signalfd_siginfo s;

    if (read(fd, &s, sizeof(s)) != (ssize_t)sizeof(s))
        return;
    if (s.ssi_signo == SIGHUP) {
        consoles_reopen_logs(&all);
        log_file_reopen(&hv_log.file, all.shared.now);
        return;
    }
    withdraw_terminals();
    consoles_stop(&all);
    log_file_close(&hv_log.file);
    exit(EXIT_SUCCESS);
}

enum { FD_STORE, FD_PORTS, FD_TERMINALS, FD_SIGNALS, FD_CONSOLES };

/* The list of descriptors to poll; *n of them. */
static struct pollfd *descriptors(int signals, size_t *n)
{
    static struct pollfd *fds;
    static size_t room;
    size_t want = FD_CONSOLES;

    for (const struct console *k = all.first; k; k = k->next)
        want++;
    if (!fds || want > room) {
        room = want * 2;
        fds = realloc(fds, room * sizeof(*fds));
        if (!fds)
            die("the list of descriptors");
    }
    fds[FD_STORE] = (struct pollfd){.fd = store_fd(all.shared.store), .events = POLLIN};
    fds[FD_PORTS] = (struct pollfd){.fd = all.shared.evtchn, .events = POLLIN};
    fds[FD_TERMINALS] = (struct pollfd){.fd = all.shared.inotify, .events = POLLIN};
    fds[FD_SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
    *n = FD_CONSOLES;
    for (const struct console *k = all.first; k; k = k->next) {
        const short events = console_poll_events(k);

        fds[(*n)++] = (struct pollfd){.fd = events ? k->terminal.master : -1, .events = events};
    }
    return fds;
}

static int timeout(void)
{
    int ms = consoles_timeout(&all);

    return hv_log.file.error && (ms < 0 || ms > (int)LOG_FILE_RETRY_MS) ? (int)LOG_FILE_RETRY_MS
                                                                        : ms;
}

static void __attribute__((noreturn)) serve(int signals)
{
    for (;;) {
        struct pollfd *fds;
        size_t n;

        handle_store(); /* queued events make no descriptor readable */
        fds = descriptors(signals, &n);
        if (poll(fds, n, timeout()) < 0 && errno != EINTR)
            die("poll");
        all.shared.now = now_ms();
        if (fds[FD_SIGNALS].revents)
            handle_signal(signals);
        n = FD_CONSOLES;
        for (struct console *k = all.first; k; k = k->next, n++)
            if (fds[n].revents)
                console_serve(k);
        if (fds[FD_TERMINALS].revents)
            consoles_attached(&all);
        if (fds[FD_PORTS].revents)
            handle_ports();
        log_file_retry(&hv_log.file, all.shared.now);
        if (consoles_tick(&all))
            die("listing domains");
    }
}

static int catch_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -1;
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void usage(FILE *to)
{
    fputs("usage: bonsai-consoled [options]\n"
          "Serves the consoles of all guests; see bonsai-consoled(8).\n"
          "  -i, --interactive     stay in the foreground\n"
          "      --log=WHAT        what to keep in files: guest (default), hv, all or none\n"
          "      --log-dir=FOLDER  where (" DEFAULT_LOG_FOLDER ")\n"
          "      --pid-file=FILE   write the process id there\n"
          "  -h, --help            this text\n",
          to);
}

struct options {
    bool foreground, log_guests, log_hv;
    const char *log_folder, *pid_file;
};

static void parse_log(struct options *o, const char *what)
{
    o->log_guests = !strcmp(what, "guest") || !strcmp(what, "all");
    o->log_hv = !strcmp(what, "hv") || !strcmp(what, "all");
    if (!o->log_guests && !o->log_hv && strcmp(what, "none")) {
        fprintf(stderr, "bonsai-consoled: --log=%s: only guest, hv, all or none\n", what);
        exit(2);
    }
}

static struct options parse(int argc, char **argv)
{
    static const struct option longs[] = {
        {"interactive", no_argument, NULL, 'i'},   {"log", required_argument, NULL, 'l'},
        {"log-dir", required_argument, NULL, 'd'}, {"pid-file", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    struct options o = {.log_guests = true, .log_folder = DEFAULT_LOG_FOLDER};
    int c;

    while ((c = getopt_long(argc, argv, "ih", longs, NULL)) != -1) {
        switch (c) {
        case 'i':
            o.foreground = true;
            break;
        case 'l':
            parse_log(&o, optarg);
            break;
        case 'd':
            o.log_folder = optarg;
            break;
        case 'p':
            o.pid_file = optarg;
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
        fprintf(stderr, "bonsai-consoled: unexpected argument '%s'\n", argv[optind]);
        exit(2);
    }
    return o;
}

/* Opens all that the daemon talks to. */
static void connect_all(const struct options *o)
{
    struct consoled *c = &all.shared;

    c->now = now_ms();
    c->log_folder = o->log_folder;
    c->kept_folder = KEPT_FOLDER;
    c->log_guests = o->log_guests;
    if ((o->log_guests || o->log_hv) && make_folders(o->log_folder))
        die(o->log_folder);
    if (make_folders(KEPT_FOLDER))
        die(KEPT_FOLDER);
    if (!(c->hv = hv_open()))
        die("no hypervisor: /dev/xen/privcmd");
    if ((c->evtchn = evtchn_open()) < 0)
        die("/dev/xen/evtchn");
    if ((c->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) < 0)
        die("watching terminals");
    c->gntdev = gntdev_open();
    if (!(c->store = store_open()))
        die("XenStore cannot be reached");
    if (store_watch(c->store, "@introduceDomain", "in") ||
        store_watch(c->store, "@releaseDomain", "out"))
        die("watching for domains");
    if (o->log_hv && hv_log_open(&hv_log, c->hv, c->evtchn, o->log_folder, c->now))
        die("logging the hypervisor's messages");
}

int main(int argc, char **argv)
{
    struct options o = parse(argc, argv);
    int signals;

    if (daemon_start(o.foreground))
        die("becoming a daemon");
    if ((signals = catch_signals()) < 0)
        die("catching signals");
    connect_all(&o);
    refresh();
    consoles_sweep(&all);
    if (daemon_ready(o.pid_file))
        die(o.pid_file ? o.pid_file : "becoming ready");
    serve(signals);
}
