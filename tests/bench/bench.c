/* SPDX-License-Identifier: MIT */
/*
 * bench: what one operation costs, in ticks of the TSC. Under QEMU's -icount a tick is an
 * instruction, so the figures are exact and repeatable, and the host's load does not matter.
 *
 * bench cpu: what a kernel costs its processes: calls, faults, processes, pipes.
 * bench store: what a XenStore daemon costs a client of its socket.
 * bench create NAME CONFIG [TEXT]: xl create to the first line of the guest's console, and to TEXT.
 * bench disk DEVICE: O_DIRECT reads and writes; the device's content is lost.
 * bench serve PORT: the other end of 'net'.
 * bench net ADDRESS PORT: TCP out, TCP in, round trips.
 * bench now: the TSC itself: instructions since power-on.
 *
 * Every line is "BENCH name ticks-per-unit". A failed step is a sentence on stderr and exit
 * status 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

enum { PAGE = 4096, KIB = 1024, MIB = 1 << 20 };

static uint64_t begin;

static void start(void)
{
    begin = __rdtsc();
}

static void stop(const char *name, double units)
{
    uint64_t ticks = __rdtsc() - begin;

    printf("BENCH %s %.1f\n", name, (double)ticks / units);
    fflush(stdout);
}

static void need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

/* --- cpu */

static char *poked;

static void on_signal(int number)
{
    (void)number;
}

static void on_fault(int number)
{
    (void)number;
    mprotect(poked, PAGE, PROT_READ | PROT_WRITE);
}

static void bench_entries(void)
{
    enum { CALLS = 20000, SIGNALS = 3000, LOOPS = 1000000 };
    volatile unsigned sum = 0;

    start();
    for (unsigned i = 0; i < LOOPS; i++) {
        sum += i;
    }
    stop("loop", LOOPS);
    start();
    for (int i = 0; i < CALLS; i++) {
        syscall(SYS_getppid);
    }
    stop("syscall", CALLS);
    signal(SIGUSR1, on_signal);
    start();
    for (int i = 0; i < SIGNALS; i++) {
        raise(SIGUSR1);
    }
    stop("signal", SIGNALS);
}

static void bench_memory(void)
{
    enum { PAGES = 2000, FAULTS = 1500 };
    char *area;

    start();
    for (int i = 0; i < PAGES; i++) {
        void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        munmap(p, PAGE);
    }
    stop("mmap+munmap", PAGES);

    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(area != MAP_FAILED, "mmap");
    madvise(area, PAGES * PAGE, MADV_NOHUGEPAGE);
    start();
    for (int i = 0; i < PAGES; i++) {
        area[i * PAGE] = 1;
    }
    stop("page-fault", PAGES);
    start();
    munmap(area, PAGES * PAGE);
    stop("unmap-page", PAGES);

    poked = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGSEGV, on_fault);
    start();
    for (int i = 0; i < FAULTS; i++) {
        *(volatile char *)poked = 1;
        mprotect(poked, PAGE, PROT_NONE);
    }
    stop("protection-fault", FAULTS);
    signal(SIGSEGV, SIG_DFL);
}

static void bench_processes(const char *self)
{
    enum { FORKS = 60, EXECS = 40 };

    start();
    for (int i = 0; i < FORKS; i++) {
        pid_t p = fork();

        if (p == 0) {
            _exit(0);
        }
        waitpid(p, NULL, 0);
    }
    stop("fork", FORKS);
    start();
    for (int i = 0; i < EXECS; i++) {
        pid_t p = fork();

        if (p == 0) {
            execl(self, self, "nothing", (char *)NULL);
            _exit(1);
        }
        waitpid(p, NULL, 0);
    }
    stop("fork+exec", EXECS);
}

/* Both ends of a pipe pair in two processes: two switches a round trip. */
static void bench_switches(void)
{
    enum { TRIPS = 1500, WARM = 20 };
    int there[2], back[2];
    char byte = 0;
    pid_t p;

    need(!pipe(there) && !pipe(back), "pipe");
    p = fork();
    if (p == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) {
        }
        _exit(0);
    }
    for (int i = -WARM; i < TRIPS; i++) {
        if (i == 0) {
            start();
        }
        need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe");
    }
    stop("pipe-round-trip", TRIPS);
    close(there[1]);
    waitpid(p, NULL, 0);
}

static void bench_sockets(void)
{
    enum { CHUNK = 64 * KIB, CHUNKS = 200 };
    static char buffer[CHUNK];
    int s[2];
    pid_t p;

    need(!socketpair(AF_UNIX, SOCK_STREAM, 0, s), "socketpair");
    p = fork();
    if (p == 0) {
        close(s[0]);
        while (read(s[1], buffer, CHUNK) > 0) {
        }
        _exit(0);
    }
    close(s[1]);
    start();
    for (int i = 0; i < CHUNKS; i++) {
        need(write(s[0], buffer, CHUNK) == CHUNK, "write");
    }
    stop("unix-socket/KiB", CHUNKS * CHUNK / KIB);
    close(s[0]);
    waitpid(p, NULL, 0);
}

static int bench_cpu(const char *self)
{
    bench_entries();
    bench_memory();
    bench_processes(self);
    bench_switches();
    bench_sockets();
    return 0;
}

/* --- store: the wire protocol by hand, so that no client library is measured */

struct message {
    uint32_t type, id, transaction, length;
};
enum { DIRECTORY = 1, READ = 2, WATCH = 4, BEGIN = 6, END = 7, WRITE = 11, RM = 13, EVENT = 15 };

static int store;

static bool get(void *to, size_t n)
{
    char *p = to;

    while (n) {
        ssize_t r = read(store, p, n);

        if (r <= 0) {
            return false;
        }
        p += r;
        n -= (size_t)r;
    }
    return true;
}

static int events; /* that came while an answer was awaited: a store may send them first */

/* Reads up to a message of the type wanted; its payload, NUL-terminated, stays in a static buffer.
 */
static const char *await(uint32_t type)
{
    static char payload[PAGE + 1];
    struct message m;

    if (type == EVENT && events > 0) {
        events--;
        return payload;
    }
    for (;;) {
        need(get(&m, sizeof m) && m.length <= PAGE && get(payload, m.length),
             "answer of the store");
        payload[m.length] = 0;
        if (m.type == type) {
            return payload;
        }
        if (m.type != EVENT) {
            fprintf(stderr, "bench: the store answered %s\n", payload);
            exit(1);
        }
        events++;
    }
}

static const char *ask(uint32_t type, uint32_t transaction, const char *payload, size_t length)
{
    char out[sizeof(struct message) + 256];
    struct message m = {.type = type, .transaction = transaction, .length = (uint32_t)length};

    memcpy(out, &m, sizeof m);
    memcpy(out + sizeof m, payload, length);
    need(write(store, out, sizeof m + length) == (ssize_t)(sizeof m + length),
         "request to the store");
    return await(type);
}

static size_t node(char *to, int i, bool value)
{
    int n = sprintf(to, "/bench/%d/%d", i % 100, i);

    memcpy(to + n + 1, "hello", 5);
    return (size_t)n + 1 + (value ? 5 : 0);
}

static int bench_store(void)
{
    enum { NODES = 2000, LISTS = 200, TRANSACTIONS = 200, EVENTS = 500 };
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket"};
    char text[64];

    store = socket(AF_UNIX, SOCK_STREAM, 0);
    need(!connect(store, (struct sockaddr *)&a, sizeof a), a.sun_path);
    start();
    for (int i = 0; i < NODES; i++) {
        ask(WRITE, 0, text, node(text, i, true));
    }
    stop("store-write", NODES);
    start();
    for (int i = 0; i < NODES; i++) {
        ask(READ, 0, text, node(text, i, false));
    }
    stop("store-read", NODES);
    start();
    for (int i = 0; i < LISTS; i++) {
        ask(DIRECTORY, 0, text, (size_t)sprintf(text, "/bench/%d", i % 100) + 1);
    }
    stop("store-directory", LISTS);
    start();
    for (int i = 0; i < TRANSACTIONS; i++) {
        uint32_t t = (uint32_t)strtoul(ask(BEGIN, 0, "", 1), NULL, 10);

        for (int k = 0; k < 10; k++) {
            ask(WRITE, t, text, node(text, k, true));
        }
        ask(END, t, "T", 2);
    }
    stop("store-transaction-of-10", TRANSACTIONS);
    ask(WATCH, 0, "/bench/w\0token", 15);
    await(EVENT);
    start();
    for (int i = 0; i < EVENTS; i++) {
        ask(WRITE, 0,
            "/bench/w/x\0"
            "1",
            12);
        await(EVENT);
    }
    stop("store-write+event", EVENTS);
    ask(RM, 0, "/bench", 7);
    return 0;
}

/* --- a guest's first words */

/* Waits for a change in the folder of the logs; ends after LIMIT_S. */
static void await_change(int watch)
{
    enum { LIMIT_S = 300 };
    char events[4096];

    need(poll(&(struct pollfd){.fd = watch, .events = POLLIN}, 1, LIMIT_S * 1000) > 0 &&
             read(watch, events, sizeof events) > 0,
         "the guest's log");
}

static void await_text(int watch, const char *log, const char *text)
{
    static char said[256 * KIB];

    for (;;) {
        int fd = open(log, O_RDONLY);
        ssize_t n = fd < 0 ? 0 : read(fd, said, sizeof said - 1);

        close(fd);
        said[n > 0 ? n : 0] = 0;
        if (strstr(said, text)) {
            return;
        }
        await_change(watch);
    }
}

/* From the start of xl to the first line that the guest prints; to a text, if one is given. */
static int bench_create(const char *name, const char *config, const char *text)
{
    static const char folder[] = "/var/log/xen/console";
    char log[128], row[64];
    int status, watch = inotify_init1(IN_CLOEXEC);
    pid_t p;

    snprintf(log, sizeof log, "%s/guest-%s.log", folder, name);
    need(inotify_add_watch(watch, folder, IN_CREATE | IN_MODIFY) >= 0, folder);
    need(unlink(log) == 0 || errno == ENOENT, log);
    start();
    p = fork();
    if (p == 0) {
        execlp("xl", "xl", "create", "-q", config, (char *)NULL);
        _exit(127);
    }
    await_text(watch, log, "\n");
    snprintf(row, sizeof row, "create-%s-first-line", name);
    stop(row, 1);
    if (text) {
        await_text(watch, log, text);
        snprintf(row, sizeof row, "create-%s-up", name);
        stop(row, 1);
    }
    waitpid(p, &status, 0);
    need(status == 0, "xl create");
    return 0;
}

/* --- disk and network */

static int bench_disk(const char *path)
{
    static const struct {
        const char *name;
        size_t size;
        int count;
    } runs[] = {{"4k", 4 * KIB, 500}, {"64k", 64 * KIB, 200}, {"1M", MIB, 24}};
    int fd = open(path, O_RDWR | O_DIRECT);
    void *buffer = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(fd >= 0, path);
    memset(buffer, 0x5a, MIB);
    for (int writing = 0; writing < 2; writing++) {
        for (unsigned r = 0; r < 3; r++) {
            char name[32];

            snprintf(name, sizeof name, "disk-%s-%s/KiB", writing ? "write" : "read", runs[r].name);
            start();
            for (int i = 0; i < runs[r].count; i++) {
                off_t at = (off_t)runs[r].size * i;
                ssize_t n = writing ? pwrite(fd, buffer, runs[r].size, at)
                                    : pread(fd, buffer, runs[r].size, at);

                need(n == (ssize_t)runs[r].size, path);
            }
            stop(name, (double)runs[r].size * runs[r].count / KIB);
        }
    }
    return 0;
}

enum { BULK = 16 * MIB, CHUNK = 64 * KIB, TRIPS = 500 };
static char chunk[CHUNK];

static void send_bulk(int fd)
{
    for (int n = 0; n < BULK; n += CHUNK) {
        need(write(fd, chunk, CHUNK) == CHUNK, "send");
    }
}

/* A connection opened by one byte that says what it is for. */
static int dial(const char *address, int port, char mode)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    need(inet_pton(AF_INET, address, &a.sin_addr) == 1 &&
             !connect(fd, (struct sockaddr *)&a, sizeof a),
         address);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    need(write(fd, &mode, 1) == 1, "send");
    return fd;
}

static int bench_net(const char *address, int port)
{
    char byte = 0;
    int fd = dial(address, port, 'o');

    start();
    send_bulk(fd);
    shutdown(fd, SHUT_WR);
    need(read(fd, &byte, 1) == 0, "receive"); /* the other end has read all */
    stop("tcp-out/KiB", BULK / KIB);
    close(fd);

    fd = dial(address, port, 'i');
    start();
    while (read(fd, chunk, CHUNK) > 0) {
    }
    stop("tcp-in/KiB", BULK / KIB);
    close(fd);

    fd = dial(address, port, 'r');
    start();
    for (int i = 0; i < TRIPS; i++) {
        need(write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1, "round trip");
    }
    stop("tcp-round-trip", TRIPS);
    return 0;
}

static _Noreturn void serve(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    need(!bind(s, (struct sockaddr *)&a, sizeof a) && !listen(s, 4), "listen");
    for (;;) {
        char mode = 0;
        int fd = accept(s, NULL, NULL);

        need(fd >= 0, "accept");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (read(fd, &mode, 1) == 1 && mode == 'i') {
            send_bulk(fd);
        }
        while (mode == 'o' && read(fd, chunk, CHUNK) > 0) {
        }
        while (mode == 'r' && read(fd, chunk, 1) == 1 && write(fd, chunk, 1) == 1) {
        }
        close(fd);
    }
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (argc == 2 && !strcmp(verb, "nothing")) {
        return 0;
    }
    if (argc == 2 && !strcmp(verb, "now")) {
        printf("BENCH power-on %llu\n", __rdtsc());
        return 0;
    }
    if (argc == 2 && !strcmp(verb, "cpu")) {
        return bench_cpu(argv[0]);
    }
    if (argc == 2 && !strcmp(verb, "store")) {
        return bench_store();
    }
    if ((argc == 4 || argc == 5) && !strcmp(verb, "create")) {
        return bench_create(argv[2], argv[3], argv[4]);
    }
    if (argc == 3 && !strcmp(verb, "disk")) {
        return bench_disk(argv[2]);
    }
    if (argc == 3 && !strcmp(verb, "serve")) {
        serve(atoi(argv[2]));
    }
    if (argc == 4 && !strcmp(verb, "net")) {
        return bench_net(argv[2], atoi(argv[3]));
    }
    fprintf(stderr,
            "usage: bench cpu | store | create NAME CONFIG [TEXT] | disk DEVICE | serve PORT | "
            "net ADDRESS PORT | now\n");
    return 2;
}
