/* SPDX-License-Identifier: MIT */
/*
 * bonsai-consoled: serves the PV consoles of all guests. Learns of guests by XenStore's
 * @introduceDomain and
 * @releaseDomain, asks the hypervisor which live, and keeps one struct console each. When it is
 * killed and started again it binds every ring anew; what a guest printed meanwhile waits in its
 * ring.
 *
 * One thread, one poll loop. The store going away ends the daemon (bonsai-services starts it
 * again).
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/consoled/console.h"
#include "backends/consoled/hv_log.h"
#include "backends/lib/daemon.h"
#include "backends/lib/evtchn.h"
#include "backends/lib/gntdev.h"
#include "common/folders.h"
#include "dom0-tools/lib/hv.h"
#include "xenstore/client.h"

#define DEFAULT_LOG_FOLDER "/var/log/xen/console"
#define RETRY_MS           500
#define LIST_CHUNK         64u

static struct consoled shared;
static struct console *consoles;
static struct hv_log hv_log;

static void die(const char *what)
{
    fprintf(stderr, "bonsai-consoled: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static struct console *find(uint16_t domid)
{
    for (struct console *k = consoles; k; k = k->next)
        if (k->domid == domid)
            return k;
    return NULL;
}

static void meet(const struct hv_dominfo *d, uint64_t mark)
{
    struct console *k = find(d->domid);

    if (d->domid == 0 || d->dying)
        return;
    if (!k) {
        k = console_new(&shared, d->domid);
        if (!k)
            die("a new console");
        k->next = consoles;
        consoles = k;
    }
    k->seen = mark;
    if (!k->open && !k->broken)
        k->broken = console_open(k) < 0;
}

/* Compares the hypervisor's list of domains with ours; what is gone is read to its end first. */
static void refresh(void)
{
    static uint64_t mark;
    struct hv_dominfo list[LIST_CHUNK];
    uint16_t first = 0;
    int n;

    mark++;
    while ((n = hv_getdomaininfolist(shared.hv, first, list, LIST_CHUNK)) > 0) {
        for (int i = 0; i < n; i++)
            meet(&list[i], mark);
        first = (uint16_t)(list[n - 1].domid + 1);
    }
    if (n < 0)
        die("listing domains");
    for (struct console **p = &consoles; *p;) {
        struct console *k = *p;

        if (k->seen == mark) {
            p = &k->next;
            continue;
        }
        console_serve(k);
        *p = k->next;
        console_free(k);
    }
}

static void handle_ports(void)
{
    uint32_t port;
    int r;

    while ((r = evtchn_next(shared.evtchn, &port)) > 0) {
        if (hv_log.port && port == hv_log.port)
            hv_log_serve(&hv_log);
        for (struct console *k = consoles; k; k = k->next)
            if (k->open && k->port == port)
                console_serve(k);
        if (evtchn_unmask(shared.evtchn, port))
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

    while ((r = store_next_event(shared.store, &e)) > 0) {
        free(e);
        any = true;
    }
    if (r < 0)
        die("XenStore");
    if (any)
        refresh();
}

/* Some guest's console is not ready yet. */
static bool anyone_absent(void)
{
    for (struct console *k = consoles; k; k = k->next)
        if (!k->open && !k->broken)
            return true;
    return false;
}

static void __attribute__((noreturn)) serve(void)
{
    struct pollfd *fds = NULL;
    size_t room = 0;

    for (;;) {
        size_t n = 2;

        handle_store(); /* queued events make no descriptor readable */
        for (struct console *k = consoles; k; k = k->next)
            n++;
        if (!fds || n > room) {
            room = n * 2;
            fds = realloc(fds, room * sizeof(*fds));
            if (!fds)
                die("the list of descriptors");
        }
        fds[0] = (struct pollfd){.fd = store_fd(shared.store), .events = POLLIN};
        fds[1] = (struct pollfd){.fd = shared.evtchn, .events = POLLIN};
        n = 2;
        for (struct console *k = consoles; k; k = k->next)
            fds[n++] = (struct pollfd){.fd = k->open ? k->master : -1,
                                       .events = k->open ? console_poll_events(k) : 0};
        if (poll(fds, n, anyone_absent() ? RETRY_MS : -1) < 0 && errno != EINTR)
            die("poll");
        n = 2;
        for (struct console *k = consoles; k; k = k->next, n++)
            if (fds[n].revents)
                console_serve(k);
        if (fds[1].revents)
            handle_ports();
        if (anyone_absent())
            refresh();
    }
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

int main(int argc, char **argv)
{
    struct options o = parse(argc, argv);

    if (daemon_start(o.foreground))
        die("becoming a daemon");
    shared.log_folder = o.log_folder;
    shared.log_guests = o.log_guests;
    if ((o.log_guests || o.log_hv) && make_folders(o.log_folder))
        die(o.log_folder);
    if (!(shared.hv = hv_open()))
        die("no hypervisor: /dev/xen/privcmd");
    if ((shared.evtchn = evtchn_open()) < 0)
        die("/dev/xen/evtchn");
    shared.gntdev = gntdev_open();
    if (!(shared.store = store_open()))
        die("XenStore cannot be reached");
    if (store_watch(shared.store, "@introduceDomain", "in") ||
        store_watch(shared.store, "@releaseDomain", "out"))
        die("watching for domains");
    if (o.log_hv && hv_log_open(&hv_log, shared.hv, shared.evtchn, o.log_folder))
        die("logging the hypervisor's messages");
    refresh();
    if (daemon_ready(o.pid_file))
        die(o.pid_file ? o.pid_file : "becoming ready");
    serve();
}
