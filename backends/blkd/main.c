/* SPDX-License-Identifier: MIT */
/*
 * bonsai-blkd: serves the disks of guests, XenStore's backend/qdisk. One process, one thread, one
 * wait (io.h) for all of them; a turn of the loop handles what has happened, then serves every disk
 * that was woken, then hands the new I/O to the kernel. See docs/blkd.md.
 *
 * It may be killed at any time: a successor goes on from the journals. SIGTERM lets requests in
 * hand end first. One daemon at a time, by a lock on FOLDER/lock, which also tells xl that it runs.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "backends/blkd/disk.h"
#include "backends/lib/daemon.h"
#include "common/clock.h"
#include "common/folders.h"
#include "backends/lib/evtchn.h"

#define DEFAULT_FOLDER "/run/bonsai/blkd"
#define TYPE           "qdisk"
#define PORTS          256u
#define ROUNDS         4
#define PATIENCE_MS    30000 /* for the store, and for another daemon's end */
#define LAST_MS        5000  /* for I/O in hand when told to stop */

static struct vbd_host host;
static struct xenbus *bus;

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "bonsai-blkd: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* --- what is waited for --- */

/* Ports that have fired: they fire again once they have been served and unmasked. */
static struct {
    struct io_op op;
    uint32_t ports[PORTS];
    int n;
} events;

static void ports_fired(struct io_op *op, int result)
{
    int n = result < 0
                ? -1
                : evtchn_take(host.evtchn, events.ports + events.n, PORTS - (size_t)events.n);

    (void)op;
    if (n < 0)
        die("/dev/xen/evtchn");
    for (int i = events.n; i < events.n + n; i++) {
        struct vbd *v = vbd_of_port(&host, events.ports[i]);

        if (v)
            vbd_wake(v);
    }
    events.n += n;
    io_readable(host.io, &events.op, host.evtchn);
}

static void unmask_ports(void)
{
    if (events.n && evtchn_unmask_all(host.evtchn, events.ports, (size_t)events.n))
        die("unmasking event channels");
    events.n = 0;
}

/* The store's descriptor changes with its daemon: each wait is an object of its own. */
struct store_wait {
    struct io_op op;
    int fd;
};
static struct store_wait *store_wait;
static bool store_readable;

static void store_fired(struct io_op *op, int result)
{
    struct store_wait *w = (struct store_wait *)op;

    (void)result; /* an error shows when it is read */
    if (w == store_wait) {
        store_wait = NULL;
        store_readable = true;
    }
    free(w);
}

static void wait_for_store(void)
{
    const int fd = xenbus_fd(bus);

    if (fd < 0 || (store_wait && store_wait->fd == fd))
        return;
    store_wait = calloc(1, sizeof(*store_wait)); /* a former one frees itself */
    if (!store_wait)
        die("waiting for the store");
    *store_wait = (struct store_wait){.op = {.done = store_fired}, .fd = fd};
    io_readable(host.io, &store_wait->op, fd);
}

static bool told_to_stop;

static void signalled(struct io_op *op, int result)
{
    (void)op;
    (void)result;
    told_to_stop = true;
}

static void wait_for_signals(void)
{
    static struct io_op op = {.done = signalled};
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) || (fd = signalfd(-1, &set, SFD_CLOEXEC)) < 0)
        die("waiting for signals");
    io_readable(host.io, &op, fd);
}

/* host.awake after a turn: somebody has more to do than was his share. Disks in memory are done at
 * once, but not over and over while others wait. */
static void turn(int timeout_ms)
{
    if (io_turn(host.io, host.awake ? 0 : timeout_ms))
        die("waiting for I/O");
    for (int i = 0; i < ROUNDS; i++) {
        vbd_run_all(&host);
        if (io_finish(host.io) == 0 && !host.awake)
            break;
    }
    unmask_ports();
}

static void serve(void)
{
    while (!told_to_stop) {
        wait_for_store();
        turn(xenbus_timeout(bus));
        xenbus_serve(bus, store_readable);
        store_readable = false;
    }
}

/* Devices stay Connected, rings and journals as they are: a successor goes on. */
static void rest(void)
{
    const int64_t end = now_ms() + LAST_MS;

    while (!disks_at_rest(bus) && now_ms() < end)
        turn(100);
}

/* --- beginning --- */

/* Held until the process is gone, however it goes. */
static void take_lock(const char *folder)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    const int64_t end = now_ms() + PATIENCE_MS;
    char path[128];
    int fd;

    if (make_folders(folder))
        die(folder);
    if (snprintf(path, sizeof(path), "%s/lock", folder) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        die(folder);
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        die(path);
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK || now_ms() >= end) {
            fprintf(stderr, "bonsai-blkd: %s is locked: another bonsai-blkd is running\n", path);
            exit(EXIT_FAILURE);
        }
        nanosleep(&pause, NULL);
    }
}

static void find_store(const struct xenbus_driver *driver)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    const int64_t end = now_ms() + PATIENCE_MS;
    struct failure why;

    while (!(bus = xenbus_open(driver, &why))) {
        if (now_ms() >= end) {
            fprintf(stderr, "bonsai-blkd: %s\n", why.text);
            exit(EXIT_FAILURE);
        }
        nanosleep(&pause, NULL);
    }
}

static int is_journal(const struct dirent *e)
{
    return isdigit((unsigned char)e->d_name[0]) != 0;
}

/* Journals of devices that are no more, and unfinished ones. */
static void sweep_journals(const char *folder)
{
    struct dirent **list;
    unsigned int domid, id;
    char path[512];
    int n = scandir(folder, &list, is_journal, alphasort), length;

    if (n < 0)
        die(folder);
    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;

        if (sscanf(name, "%u-%u%n", &domid, &id, &length) != 2 || name[length] != '\0' ||
            !xenbus_find(bus, domid, id)) {
            snprintf(path, sizeof(path), "%s/%s", folder, name);
            if (unlink(path))
                fprintf(stderr, "bonsai-blkd: %s: %s\n", path, strerror(errno));
        }
        free(list[i]);
    }
    free(list);
}

static void usage(FILE *to)
{
    fputs("usage: bonsai-blkd [options]\n"
          "Serves the disks of guests (backendtype=bonsai); see bonsai-blkd(8).\n"
          "  -i, --interactive      stay in the foreground\n"
          "      --journals=FOLDER  what a successor needs (" DEFAULT_FOLDER ")\n"
          "      --pid-file=FILE    write the process id there\n"
          "  -h, --help             this text\n",
          to);
}

struct options {
    bool foreground;
    const char *folder, *pid_file;
};

static struct options parse(int argc, char **argv)
{
    static const struct option longs[] = {
        {"interactive", no_argument, NULL, 'i'},
        {"journals", required_argument, NULL, 'j'},
        {"pid-file", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options o = {.folder = DEFAULT_FOLDER};
    int c;

    while ((c = getopt_long(argc, argv, "ih", longs, NULL)) != -1) {
        switch (c) {
        case 'i':
            o.foreground = true;
            break;
        case 'j':
            o.folder = optarg;
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
        fprintf(stderr, "bonsai-blkd: unexpected argument '%s'\n", argv[optind]);
        exit(2);
    }
    return o;
}

int main(int argc, char **argv)
{
    static struct xenbus_driver driver;
    struct options o = parse(argc, argv);

    setvbuf(stderr, NULL, _IOLBF, 0);
    if (daemon_start(o.foreground))
        die("becoming a daemon");
    take_lock(o.folder);
    host.folder = o.folder;
    if ((host.evtchn = evtchn_open()) < 0)
        die("/dev/xen/evtchn");
    if (!(host.io = io_open()))
        die("io_uring");
    wait_for_signals();
    driver = disk_driver(TYPE, &host);
    find_store(&driver);
    sweep_journals(o.folder);
    events.op.done = ports_fired;
    io_readable(host.io, &events.op, host.evtchn);
    xenbus_serve(bus, true);
    if (daemon_ready(o.pid_file))
        die(o.pid_file ? o.pid_file : "becoming ready");
    serve();
    rest();
    return EXIT_SUCCESS;
}
