/* SPDX-License-Identifier: MIT */
/*
 * badfront: a block frontend without manners, as a program in dom0, which is its own guest here: it
 * grants pages to its own domain (/dev/xen/gntalloc) and writes the nodes of a backend/qdisk device
 * whose frontend lies where no kernel looks for one. So the real backend with the real grants and
 * events meets requests that no kernel would send.
 *
 *   badfront IMAGE IMAGE         (their content is lost)
 *
 * One line a case, "ok ..." or "FAILED ..."; exit status 1 when one failed. Every bad request must
 * be answered with an error, and afterwards an honest one must still work; a ring that is broken
 * must close that disk and no other.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef uint16_t domid_t; /* the kernel's header wants it */
#include <xen/evtchn.h>
#include <xen/gntalloc.h>

enum { PAGE = 4096, PAGES = 40, SLOTS = 32, OK = 0, ERROR = -1, NOTSUPP = -2 };
enum { READ, WRITE, BARRIER, FLUSH, RESERVED, DISCARD, INDIRECT };

/* The ABI once more, in this program's own words. */
struct segment {
    uint32_t gref;
    uint8_t first, last;
    uint16_t pad;
};
struct request {
    uint8_t operation, n;
    uint16_t handle;
    uint32_t pad;
    uint64_t id, sector;
    struct segment segments[11];
};
struct response {
    uint64_t id;
    uint8_t operation, pad;
    int16_t status;
    uint32_t pad2;
};
struct ring {
    volatile uint32_t req_prod, req_event, rsp_prod, rsp_event;
    uint8_t pad[48];
    union {
        struct request request;
        struct response response;
    } slots[SLOTS];
};
_Static_assert(sizeof(struct request) == 112 && sizeof(struct response) == 16 &&
                   offsetof(struct ring, slots) == 64,
               "the ABI");

struct disk {
    const char *image;
    unsigned int id;
    char back[80], front[80];
    uint8_t *pages; /* page 0 is the ring */
    uint32_t grefs[PAGES];
    uint64_t index;
    int gntalloc, evtchn;
    unsigned int port;
    struct ring *ring;
    uint32_t req_prod, rsp_cons;
};

static const char *current;
static bool failed;

static void __attribute__((format(printf, 2, 3))) check(bool good, const char *fmt, ...)
{
    va_list args;

    if (good)
        return;
    failed = true;
    printf("FAILED %s: ", current);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    printf("FAILED %s: %s: %s\n", current, what, strerror(errno));
    exit(1);
}

static void begin(const char *name)
{
    current = name;
}

static void end(void)
{
    printf("ok %s\n", current);
    fflush(stdout);
}

/* --- store, by its command-line tools --- */

static void __attribute__((format(printf, 1, 2))) run(const char *fmt, ...)
{
    char command[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    need(system(command) == 0, command);
}

static void read_node(const char *directory, const char *key, char *text, size_t size)
{
    char command[256];
    FILE *f;

    snprintf(command, sizeof(command), "xenstore-read %s/%s 2>/dev/null", directory, key);
    f = popen(command, "r");
    need(f != NULL, command);
    if (!fgets(text, (int)size, f))
        text[0] = '\0';
    pclose(f);
    text[strcspn(text, "\n")] = '\0';
}

static int state_of(const struct disk *d)
{
    char text[16];

    read_node(d->back, "state", text, sizeof(text));
    return atoi(text);
}

static void wait_state(const struct disk *d, int want)
{
    for (int i = 0; i < 200; i++) {
        if (state_of(d) == want)
            return;
        usleep(50000);
    }
    check(false, "the backend's state is %d, not %d", state_of(d), want);
}

/* --- the frontend --- */

static void share_pages(struct disk *d)
{
    char room[sizeof(struct ioctl_gntalloc_alloc_gref) + PAGES * sizeof(uint32_t)] = {0};
    struct ioctl_gntalloc_alloc_gref *a = (void *)room;

    d->gntalloc = open("/dev/xen/gntalloc", O_RDWR);
    need(d->gntalloc >= 0, "/dev/xen/gntalloc");
    a->flags = GNTALLOC_FLAG_WRITABLE;
    a->count = PAGES;
    need(ioctl(d->gntalloc, IOCTL_GNTALLOC_ALLOC_GREF, a) == 0, "granting pages");
    d->index = a->index;
    memcpy(d->grefs, a->gref_ids, sizeof(d->grefs));
    d->pages =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, d->gntalloc, (off_t)a->index);
    need(d->pages != MAP_FAILED, "mapping granted pages");
    d->ring = (struct ring *)d->pages;
}

static void fresh_ring(struct disk *d)
{
    memset(d->pages, 0, PAGE);
    d->ring->req_event = d->ring->rsp_event = 1;
    d->req_prod = d->rsp_cons = 0;
}

static void new_port(struct disk *d)
{
    struct ioctl_evtchn_bind_unbound_port b = {.remote_domain = 0};
    int port = ioctl(d->evtchn, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &b);

    need(port > 0, "an event channel");
    d->port = (unsigned int)port;
}

static void offer(struct disk *d, bool persistent)
{
    run("xenstore-write %s/ring-ref %u %s/event-channel %u %s/protocol x86_64-abi "
        "%s/feature-persistent %d && xenstore-write %s/state 3",
        d->front, d->grefs[0], d->front, d->port, d->front, d->front, persistent, d->front);
}

static void open_disk(struct disk *d, unsigned int id, const char *image, const char *mode,
                      bool persistent)
{
    *d = (struct disk){.image = image, .id = id};
    snprintf(d->back, sizeof(d->back), "/local/domain/0/backend/qdisk/0/%u", id);
    snprintf(d->front, sizeof(d->front), "/local/domain/0/badfront/%u", id);
    share_pages(d);
    d->evtchn = open("/dev/xen/evtchn", O_RDWR);
    need(d->evtchn >= 0, "/dev/xen/evtchn");
    new_port(d);
    fresh_ring(d);
    run("xenstore-write %s/state 1 %s/backend %s", d->front, d->front, d->back);
    run("xenstore-write %s/frontend %s %s/frontend-id 0 %s/online 1 %s/params %s %s/mode %s "
        "%s/discard-enable 1 %s/state 1",
        d->back, d->front, d->back, d->back, d->back, image, d->back, mode, d->back, d->back);
    wait_state(d, 2);
    offer(d, persistent);
    wait_state(d, 4);
    run("xenstore-write %s/state 4", d->front);
}

static void close_disk(struct disk *d)
{
    struct ioctl_gntalloc_dealloc_gref dealloc = {.index = d->index, .count = PAGES};

    run("xenstore-write %s/online 0 %s/state 5 %s/state 6", d->back, d->back, d->front);
    wait_state(d, 6);
    run("xenstore-rm %s && xenstore-rm %s", d->back, d->front);
    run("xenstore-rm /local/domain/0/error/backend/qdisk/0/%u 2>/dev/null || true", d->id);
    munmap(d->pages, PAGES * PAGE);
    need(ioctl(d->gntalloc, IOCTL_GNTALLOC_DEALLOC_GREF, &dealloc) == 0, "ending grants");
    close(d->gntalloc);
    close(d->evtchn);
}

static struct request rw(const struct disk *d, uint8_t operation, uint64_t sector, int page, int n)
{
    struct request r;

    memset(&r, 0xee, sizeof(r));
    r.operation = operation;
    r.n = (uint8_t)n;
    r.id = 0x1122334455667700u + operation;
    r.sector = sector;
    for (int i = 0; i < n && i < 11; i++)
        r.segments[i] = (struct segment){.gref = d->grefs[page + i], .last = 7};
    return r;
}

static void put(struct disk *d, const void *request)
{
    memcpy(&d->ring->slots[d->req_prod % SLOTS], request, sizeof(struct request));
    __sync_synchronize();
    d->ring->req_prod = ++d->req_prod;
}

static void kick(const struct disk *d)
{
    struct ioctl_evtchn_notify n = {.port = d->port};

    ioctl(d->evtchn, IOCTL_EVTCHN_NOTIFY, &n);
}

static bool take(struct disk *d, struct response *r, int ms)
{
    for (int i = 0; d->ring->rsp_prod == d->rsp_cons; i++) {
        if (i >= ms)
            return false;
        usleep(1000);
    }
    __sync_synchronize();
    memcpy(r, &d->ring->slots[d->rsp_cons++ % SLOTS].response, sizeof(*r));
    return true;
}

static int ask(struct disk *d, const void *request)
{
    struct response r = {.status = 99};

    put(d, request);
    kick(d);
    check(take(d, &r, 10000), "no answer to operation %u", *(const uint8_t *)request);
    return r.status;
}

static void expect(struct disk *d, const void *request, int status)
{
    int got = ask(d, request);

    check(got == status, "operation %u: status %d, not %d", *(const uint8_t *)request, got, status);
}

static uint8_t *page(const struct disk *d, int n)
{
    return d->pages + n * PAGE;
}

/* Writes a pattern and reads it back into other pages. */
static void honest(struct disk *d, unsigned int seed)
{
    struct request w = rw(d, WRITE, 16, 1, 8), r = rw(d, READ, 16, 10, 8);

    for (int i = 0; i < 8 * PAGE; i++)
        page(d, 1)[i] = (uint8_t)((unsigned int)i * seed >> 3);
    memset(page(d, 10), 0xaa, 8 * PAGE);
    expect(d, &w, OK);
    expect(d, &r, OK);
    check(memcmp(page(d, 1), page(d, 10), 8 * PAGE) == 0, "what was read is not what was written");
}

/* --- cases --- */

static void bad_requests(struct disk *d, uint64_t sectors)
{
    struct request r;

    expect(d, (r = rw(d, READ, sectors - 7, 1, 1), &r), ERROR);
    expect(d, (r = rw(d, WRITE, UINT64_MAX - 7, 1, 1), &r), ERROR);
    expect(d, (r = rw(d, WRITE, UINT64_MAX / 512, 1, 1), &r), ERROR);
    expect(d, (r = rw(d, READ, 0, 1, 0), &r), ERROR);
    expect(d, (r = rw(d, READ, 0, 1, 12), &r), ERROR);
    expect(d, (r = rw(d, READ, 0, 1, 255), &r), ERROR);
    r = rw(d, READ, 0, 1, 2);
    r.segments[1].last = 8;
    expect(d, &r, ERROR);
    r.segments[1].first = 5;
    r.segments[1].last = 4;
    expect(d, &r, ERROR);
    r = rw(d, READ, 0, 1, 2);
    r.segments[1].gref = 0x7fffffff; /* not granted */
    expect(d, &r, ERROR);
    r.operation = WRITE;
    r.segments[1].gref = 1; /* granted to nobody we know */
    expect(d, &r, ERROR);
    for (int op = INDIRECT + 1; op < 256; op += 50)
        expect(d, (r = rw(d, (uint8_t)op, 0, 1, 1), &r), NOTSUPP);
    r = rw(d, INDIRECT, 0, 1, 0); /* its inner operation is n, its segments are in handle */
    r.n = DISCARD;
    expect(d, &r, ERROR);
    r.n = READ;
    r.handle = 33;
    expect(d, &r, ERROR);
    honest(d, 3);
}

static volatile bool racing;

static void *flip(void *arg)
{
    struct disk *d = arg;
    unsigned int seed = 1;

    while (racing) {
        uint8_t *b = (uint8_t *)&d->ring->slots[d->req_prod % SLOTS];

        for (int i = 0; i < 50; i++)
            b[rand_r(&seed) % 112] ^= (uint8_t)rand_r(&seed);
        for (int i = 0; i < 50; i++)
            page(d, 30)[rand_r(&seed) % 256] ^= (uint8_t)rand_r(&seed);
    }
    return NULL;
}

/* Requests, and the segments of indirect ones, that change while they are looked at. So may the
 * answers, which lie in the same place: that each comes is all that can be expected. */
static void changing_requests(struct disk *d)
{
    struct request r;
    struct response a;
    pthread_t other;

    for (int i = 0; i < 4; i++)
        ((struct segment *)(void *)page(d, 30))[i] =
            (struct segment){.gref = d->grefs[1 + i], .last = 7};
    racing = true;
    need(pthread_create(&other, NULL, flip, d) == 0, "a thread");
    for (int i = 0; i < 300; i++) {
        r = rw(d, i % 3 == 2 ? INDIRECT : (uint8_t)(i % 3), 8, 1, 4);
        if (i % 3 == 2) {
            r.n = READ;
            r.handle = 4;
            memcpy((uint8_t *)&r + 28, &d->grefs[30], 4); /* its page of segments */
        }
        put(d, &r);
        kick(d);
        check(take(d, &a, 10000), "no answer while requests change");
    }
    racing = false;
    pthread_join(other, NULL);
    honest(d, 5);
}

static void answers(struct disk *d)
{
    struct request r = rw(d, READ, 0, 1, 1);
    struct response a, want;

    put(d, &r);
    kick(d);
    check(take(d, &a, 10000), "no answer");
    memset(&want, 0, sizeof(want));
    want.id = r.id;
    check(memcmp(&a, &want, sizeof(a)) == 0, "an answer has stray bytes");
}

/* New rings again and again, with requests in flight, without a goodbye. */
static void reconnects(struct disk *d)
{
    for (int i = 0; i < 6; i++) {
        struct request r = rw(d, i % 2 ? READ : WRITE, 8, 1, 8);

        for (int k = 0; k < 20; k++)
            put(d, &r);
        kick(d);
        run("xenstore-write %s/state %d", d->front, i % 3 == 0 ? 1 : i % 3 == 1 ? 5 : 6);
        wait_state(d, i % 3 == 0 ? 2 : i % 3 == 1 ? 5 : 6);
        if (i % 3 == 1) {
            run("xenstore-write %s/state 6", d->front);
            wait_state(d, 6);
        }
        run("xenstore-write %s/state 1", d->front);
        wait_state(d, 2);
        fresh_ring(d);
        new_port(d);
        offer(d, i % 2);
        wait_state(d, 4);
        run("xenstore-write %s/state 4", d->front);
        honest(d, 7 + (unsigned int)i);
    }
}

static void broken_ring(struct disk *d, struct disk *other)
{
    char error[256], path[96];

    d->ring->req_prod = d->req_prod + SLOTS + 1;
    kick(d);
    wait_state(d, 5);
    snprintf(path, sizeof(path), "/local/domain/0/error/backend/qdisk/0/%u", d->id);
    read_node(path, "error", error, sizeof(error));
    check(strstr(error, "index") != NULL, "the error node says '%s'", error);
    honest(other, 11);
    run("xenstore-write %s/state 6", d->front);
    wait_state(d, 6);
}

/* Anything anywhere in the ring's page; the other disk goes on meanwhile. */
static void garbage(struct disk *d, struct disk *other)
{
    for (int round = 0; round < 5; round++) {
        run("xenstore-write %s/state 1", d->front);
        wait_state(d, 2);
        fresh_ring(d);
        new_port(d);
        offer(d, round % 2);
        wait_state(d, 4);
        for (int i = 0; i < 200 && (i % 50 || state_of(d) == 4); i++) {
            for (int k = 0; k < 200; k++)
                page(d, 0)[64 + rand() % (PAGE - 64)] = (uint8_t)rand();
            d->ring->req_prod += (uint32_t)rand() % 20;
            kick(d);
        }
        honest(other, 13 + (unsigned int)round);
        d->ring->req_prod += 1000000;
        kick(d);
        wait_state(d, 5);
        run("xenstore-write %s/state 6", d->front);
        wait_state(d, 6);
    }
}

static void readonly(struct disk *d)
{
    struct request r;

    expect(d, (r = rw(d, READ, 0, 1, 1), &r), OK);
    expect(d, (r = rw(d, WRITE, 0, 1, 1), &r), ERROR);
    expect(d, (r = rw(d, FLUSH, 0, 1, 1), &r), ERROR);
    expect(d, (r = rw(d, FLUSH, 0, 0, 0), &r), OK);
    r = rw(d, DISCARD, 0, 1, 1);
    r.n = 0;
    *(uint64_t *)(void *)r.segments = 8;
    check(ask(d, &r) != OK, "a discard on a read-only disk");
}

int main(int argc, char **argv)
{
    struct disk copied, kept, reader;
    uint64_t sectors;
    int fd;

    if (argc != 3 || (fd = open(argv[1], O_RDONLY)) < 0) {
        fprintf(stderr, "usage: badfront IMAGE IMAGE\n");
        return 2;
    }
    sectors = (uint64_t)lseek(fd, 0, SEEK_END) / 512;
    close(fd);
    begin("connecting");
    open_disk(&copied, 51712, argv[1], "w", false);
    open_disk(&kept, 51728, argv[2], "w", true);
    honest(&copied, 1);
    honest(&kept, 2);
    end();
    begin("bad requests");
    bad_requests(&copied, sectors);
    bad_requests(&kept, sectors);
    end();
    begin("requests that change");
    changing_requests(&copied);
    changing_requests(&kept);
    end();
    begin("every byte of an answer");
    answers(&copied);
    end();
    begin("reconnecting with requests in flight");
    reconnects(&copied);
    end();
    begin("a read-only disk");
    open_disk(&reader, 51744, argv[1], "r", false);
    readonly(&reader);
    close_disk(&reader);
    end();
    begin("a broken ring");
    broken_ring(&copied, &kept);
    end();
    begin("garbage");
    garbage(&copied, &kept);
    end();
    begin("ending");
    close_disk(&copied);
    close_disk(&kept);
    run("xenstore-rm /local/domain/0/badfront");
    run("cd /; for p in backend/qdisk/0 backend/qdisk backend error/backend/qdisk/0 "
        "error/backend/qdisk error/backend error; do [ -n \"$(xenstore-list /local/domain/0/$p "
        "2>/dev/null)\" ] || xenstore-rm /local/domain/0/$p 2>/dev/null; done; true");
    end();
    return failed;
}
