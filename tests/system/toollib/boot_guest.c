/* SPDX-License-Identifier: MIT */
/*
 * toollib_boot: create one PV guest with the toolstack's library alone, show its console, wait
 * until it shuts itself down, destroy it, and look whether the hypervisor has all its memory back.
 *
 *   toollib_boot -k KERNEL [-r RAMDISK] [-a CMDLINE] [-m MIB] [-M MAXMIB] [-v VCPUS] [-t SECONDS]
 *                [-w TEXT] [-q] [-n] [-c TIMES]
 *
 * -w: a text that must appear on the console. -q: its appearance ends the run well. -n: no store
 * (for guests that need none). -c: do it so many times.
 * Exit status: 0 the guest shut down by itself with reason 0 and showed the text, nothing leaked.
 *
 * Speaks to the store by itself (a dozen lines of its wire protocol), so that it needs neither our
 * client library nor a console daemon; the console ring is read through a foreign mapping.
 */
#include "dom0-tools/lib/build.h"
#include "dom0-tools/lib/domain.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/console.h>

enum { XS_INTRODUCE = 8, XS_RELEASE = 9, XS_WRITE = 11, XS_MKDIR = 12, XS_RM = 13, XS_PERMS = 14 };
enum { XS_ERROR = 16 };

#define POOL_PAGES 8u

struct options {
    struct build_params build;
    unsigned seconds;
    const char *text;
    bool no_store, quit;
    unsigned times;
};

struct console {
    struct xencons_interface *ring;
    char seen[4096]; /* the last of what was shown, to search in */
    size_t n_seen;
    bool found;
};

static int store_fd = -1;

static void die(const char *what)
{
    fprintf(stderr, "toollib_boot: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the store ---- */

static void store_open(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket"};

    store_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (store_fd < 0 || connect(store_fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        die("cannot reach the store");
}

static void store_read(void *to, size_t size)
{
    for (char *p = to; size;) {
        ssize_t n = read(store_fd, p, size);

        if (n <= 0)
            die("the store hung up");
        p += n;
        size -= (size_t)n;
    }
}

static void store_request(uint32_t type, const void *payload, size_t size)
{
    struct {
        uint32_t type, id, tx, size;
        char data[4096];
    } m = {type, 0, 0, (uint32_t)size, {0}};

    memcpy(m.data, payload, size);
    if (write(store_fd, &m, 16 + size) != (ssize_t)(16 + size))
        die("cannot write to the store");
    store_read(&m, 16);
    store_read(m.data, m.size);
    if (m.type == XS_ERROR) {
        fprintf(stderr, "toollib_boot: store request %u: %.*s\n", type, (int)m.size, m.data);
        exit(1);
    }
}

static void __attribute__((format(printf, 3, 4)))
store_write(uint16_t domid, const char *path, const char *format, ...)
{
    char message[512];
    va_list args;
    int n = snprintf(message, 256, "/local/domain/%u/%s", domid, path) + 1;

    va_start(args, format);
    n += vsnprintf(message + n, 256, format, args);
    va_end(args);
    store_request(XS_WRITE, message, (size_t)n);
}

static void store_introduce(uint16_t domid, const struct build_result *r)
{
    char m[256];
    int n = snprintf(m, sizeof(m), "/local/domain/%u", domid) + 1;

    store_request(XS_MKDIR, m, (size_t)n);
    n += snprintf(m + n, 64, "n0") + 1;
    n += snprintf(m + n, 64, "r%u", domid) + 1;
    store_request(XS_PERMS, m, (size_t)n);
    store_write(domid, "domid", "%u", domid);
    store_write(domid, "name", "toollib-%u", domid);
    n = snprintf(m, sizeof(m), "%u", domid) + 1;
    n += snprintf(m + n, 64, "%llu", (unsigned long long)r->store_mfn) + 1;
    n += snprintf(m + n, 64, "%u", r->store_port) + 1;
    store_request(XS_INTRODUCE, m, (size_t)n);
}

static void store_forget(uint16_t domid)
{
    char m[64];
    int n = snprintf(m, sizeof(m), "%u", domid) + 1;

    store_request(XS_RELEASE, m, (size_t)n);
    n = snprintf(m, sizeof(m), "/local/domain/%u", domid) + 1;
    store_request(XS_RM, m, (size_t)n);
}

/* ---- the console ---- */

static void console_show(struct console *c, const char *text, char byte)
{
    putchar(byte);
    if (c->n_seen == sizeof(c->seen) - 1) {
        memmove(c->seen, c->seen + 2048, c->n_seen - 2048);
        c->n_seen -= 2048;
    }
    c->seen[c->n_seen++] = byte;
    c->seen[c->n_seen] = 0;
    if (text && strstr(c->seen, text))
        c->found = true;
}

static void console_drain(struct console *c, const char *text)
{
    uint32_t prod = __atomic_load_n(&c->ring->out_prod, __ATOMIC_ACQUIRE);
    uint32_t cons = c->ring->out_cons;

    if (prod - cons > sizeof(c->ring->out))
        cons = prod - (uint32_t)sizeof(c->ring->out);
    for (; cons != prod; cons++)
        console_show(c, text, c->ring->out[cons % sizeof(c->ring->out)]);
    __atomic_store_n(&c->ring->out_cons, cons, __ATOMIC_RELEASE);
    fflush(stdout);
}

/* ---- the run ---- */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Returns the shutdown reason, or -1 when time was up. */
static int watch(struct hv *hv, uint16_t domid, struct console *c, const struct options *o)
{
    double end = now() + o->seconds;
    struct hv_dominfo info;

    while (now() < end) {
        usleep(20000);
        if (hv_getdomaininfo(hv, domid, &info) < 0)
            die("cannot read the domain's state");
        console_drain(c, o->text);
        if (o->quit && c->found)
            return 0;
        if (info.shutdown)
            return (int)info.shutdown_reason;
    }
    return -1;
}

static uint64_t free_pages(struct hv *hv)
{
    struct hv_physinfo p;

    if (hv_physinfo(hv, &p) < 0)
        die("physinfo");
    return p.free_pages;
}

/*
 * The domain is gone for good once nobody holds a page of it any more. The hypervisor's own pools
 * may then have grown by a few pages, not more.
 */
static bool all_is_back(struct hv *hv, uint16_t domid, uint64_t before)
{
    struct hv_dominfo info;

    for (int i = 0; i < 100; i++) {
        if (hv_getdomaininfo(hv, domid, &info) < 0 && errno == ESRCH &&
            free_pages(hv) + POOL_PAGES >= before)
            return true;
        usleep(50000);
    }
    fprintf(stderr, "toollib_boot: %llu pages free before, %llu after\n",
            (unsigned long long)before, (unsigned long long)free_pages(hv));
    return false;
}

static int build_and_watch(struct hv *hv, struct build *b, uint16_t domid, const struct options *o,
                           struct failure *why)
{
    struct console c = {0};
    struct build_result r;
    double start = now();
    int reason;

    if (build_run(b, hv, domid, &r, why) < 0)
        return -1;
    printf("toollib_boot: domain %u (%s) built in %.2f s; console %#llx port %u, store %#llx port "
           "%u\n",
           domid, r.guest_os, now() - start, (unsigned long long)r.console_mfn, r.console_port,
           (unsigned long long)r.store_mfn, r.store_port);
    c.ring = hv_map_foreign(hv, domid, PROT_READ | PROT_WRITE, &r.console_mfn, 1, NULL);
    if (!c.ring)
        die("cannot map the console");
    if (!o->no_store)
        store_introduce(domid, &r);
    if (hv_unpausedomain(hv, domid) < 0)
        die("unpause");
    reason = watch(hv, domid, &c, o);
    console_drain(&c, o->text);
    hv_unmap(c.ring, 1);
    if (!o->no_store)
        store_forget(domid);
    printf("\ntoollib_boot: shutdown reason %d, text %s\n", reason,
           !o->text  ? "not asked for"
           : c.found ? "found"
                     : "NOT found");
    if (reason == 0 && (!o->text || c.found))
        return 0;
    return fail(why, EPROTO, "the guest did not do what was expected");
}

static int run(struct hv *hv, const struct options *o, struct failure *why)
{
    struct domain_params d = {
        .uuid = {0x10, 0x20},
        .max_vcpus = o->build.max_vcpus,
        .max_memory_kib = o->build.max_memory_kib,
    };
    struct build *b = build_open(&o->build, why);
    uint64_t before = free_pages(hv);
    struct failure second;
    uint16_t domid;
    int result;

    if (!b)
        return -1;
    if (domain_create(hv, &d, &domid, why) < 0) {
        build_close(b);
        return -1;
    }
    result = build_and_watch(hv, b, domid, o, why);
    build_close(b);
    if (domain_destroy(hv, domid, &second) < 0) {
        fprintf(stderr, "toollib_boot: %s\n", second.text);
        result = -1;
    }
    if (!all_is_back(hv, domid, before))
        return fail(why, EPROTO, "memory leaked");
    return result;
}

static void parse(struct options *o, int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "k:r:a:m:M:v:t:w:c:qn")) != -1) {
        switch (c) {
        case 'k':
            o->build.kernel = optarg;
            break;
        case 'r':
            o->build.ramdisk = optarg;
            break;
        case 'a':
            o->build.cmdline = optarg;
            break;
        case 'm':
            o->build.memory_kib = strtoull(optarg, NULL, 0) << 10;
            break;
        case 'M':
            o->build.max_memory_kib = strtoull(optarg, NULL, 0) << 10;
            break;
        case 'v':
            o->build.max_vcpus = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 't':
            o->seconds = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'w':
            o->text = optarg;
            break;
        case 'c':
            o->times = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'q':
            o->quit = true;
            break;
        case 'n':
            o->no_store = true;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct options o = {
        .build = {.memory_kib = 128 << 10, .max_vcpus = 1}, .seconds = 60, .times = 1};
    struct failure why;
    struct hv *hv;

    parse(&o, argc, argv);
    if (!o.build.kernel || optind != argc) {
        fprintf(stderr, "usage: toollib_boot -k KERNEL [-r RAMDISK] [-a CMDLINE] [-m MIB] "
                        "[-M MAXMIB] [-v VCPUS] [-t SECONDS] [-w TEXT] [-q] [-n] "
                        "[-c TIMES]\n");
        return 2;
    }
    if (o.build.max_memory_kib < o.build.memory_kib)
        o.build.max_memory_kib = o.build.memory_kib;
    hv = hv_open();
    if (!hv)
        die("cannot open the hypervisor");
    if (!o.no_store)
        store_open();
    for (unsigned i = 0; i < o.times; i++) {
        if (run(hv, &o, &why) < 0) {
            fprintf(stderr, "toollib_boot: %s\n", why.text);
            return 1;
        }
    }
    hv_close(hv);
    return 0;
}
