/* SPDX-License-Identifier: MIT */
/* A machine for the console daemon's tests: see fake.h. */
#include "tests/host/consoled/fake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/lib/evtchn.h"
#include "backends/lib/gntdev.h"
#include "dom0-tools/lib/hv.h"
#include "tests/host/xl/fake_store.h"

struct fake_domain fake_domain[FAKE_DOMAINS];
struct consoles fake;
char fake_folder[64];
struct store *fake_nodes;
void (*fake_on_notify)(unsigned domid);

static char kept_folder[80];
static uint64_t clock_ms;
static int said[2], real_stderr;

/* --- what the daemon calls */

void *gntdev_map(int fd, uint32_t domid, uint32_t ref, uint64_t *index)
{
    (void)fd;
    assert_int_equal(ref, 0);
    if (!fake_domain[domid].exists || fake_domain[domid].dying || fake_domain[domid].no_map) {
        errno = EINVAL;
        return NULL;
    }
    fake_domain[domid].mapped++;
    *index = domid;
    return &fake_domain[domid].page;
}

void gntdev_unmap(int fd, void *page, uint64_t index)
{
    (void)fd;
    assert_ptr_equal(page, &fake_domain[index].page);
    fake_domain[index].mapped--;
}

void *hv_map_foreign(struct hv *hv, uint16_t domid, int prot, const uint64_t *frames, size_t n,
                     int *errs)
{
    (void)hv, (void)domid, (void)prot, (void)frames, (void)n, (void)errs;
    errno = EPERM;
    return NULL;
}

void hv_unmap(void *p, size_t n)
{
    (void)p, (void)n;
    fail();
}

int hv_getdomaininfolist(struct hv *hv, uint16_t first, struct hv_dominfo *d, unsigned n)
{
    unsigned found = 0;

    (void)hv;
    for (unsigned i = first; i < FAKE_DOMAINS && found < n; i++)
        if (fake_domain[i].exists)
            d[found++] = (struct hv_dominfo){.domid = (uint16_t)i,
                                             .dying = fake_domain[i].dying,
                                             .shutdown = fake_domain[i].shutdown,
                                             .shared_info_frame = fake_domain[i].shared_info,
                                             .cpu_time_ns = fake_domain[i].cpu_time,
                                             .handle = {(uint8_t)(i + 1), fake_domain[i].life}};
    return (int)found;
}

int evtchn_bind_interdomain(int fd, uint32_t domid, uint32_t remote_port)
{
    (void)fd;
    assert_int_equal(remote_port, 3);
    if (fake_domain[domid].no_bind) {
        errno = EINVAL;
        return -1;
    }
    fake_domain[domid].bound++;
    return (int)domid + 100;
}

int evtchn_unbind(int fd, uint32_t port)
{
    (void)fd;
    fake_domain[port - 100].bound--;
    return 0;
}

int evtchn_notify(int fd, uint32_t port)
{
    (void)fd;
    fake_domain[port - 100].notified++;
    if (fake_on_notify)
        fake_on_notify(port - 100);
    return 0;
}

int evtchn_unmask(int fd, uint32_t port)
{
    (void)fd;
    fake_domain[port - 100].unmasked++;
    return 0;
}

/* --- what the test calls */

void fake_start(void)
{
    fake = (struct consoles){.shared = {.store = fake_nodes,
                                        .gntdev = 0,
                                        .inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                                        .log_folder = fake_folder,
                                        .kept_folder = kept_folder,
                                        .log_guests = true,
                                        .now = clock_ms}};
    assert_true(fake.shared.inotify >= 0);
    assert_int_equal(consoles_refresh(&fake), 0);
    consoles_sweep(&fake);
}

/* What the kernel does for a process that ends: descriptors are closed, mappings and ports gone;
 * no line of the daemon runs. */
void fake_kill(void)
{
    while (fake.first) {
        struct console *k = fake.first;

        fake.first = k->next;
        if (k->ring)
            fake_domain[k->domid].mapped--;
        if (k->port)
            fake_domain[k->domid].bound--;
        close(k->terminal.master);
        close(k->terminal.slave);
        close(k->log.fd);
        backlog_free(&k->log.unwritten);
        backlog_free(&k->unread);
        kept_close(&k->kept);
        free(k);
    }
    close(fake.shared.inotify);
}

int fake_setup(void **state)
{
    (void)state;
    memset(fake_domain, 0, sizeof(fake_domain));
    fake_on_notify = NULL;
    strcpy(fake_folder, "/tmp/consoled-test-XXXXXX");
    if (!mkdtemp(fake_folder))
        return -1;
    snprintf(kept_folder, sizeof(kept_folder), "%s/kept", fake_folder);
    mkdir(kept_folder, 0700);
    clock_ms = 1000;
    fake_nodes = fake_store();
    assert_int_equal(pipe2(said, O_CLOEXEC | O_NONBLOCK), 0);
    real_stderr = dup(2);
    dup2(said[1], 2);
    fake_start();
    return 0;
}

int fake_teardown(void **state)
{
    char command[100];
    int left = 0;

    (void)state;
    consoles_stop(&fake);
    close(fake.shared.inotify);
    store_close(fake_nodes);
    fflush(stderr);
    dup2(real_stderr, 2);
    close(real_stderr);
    close(said[0]);
    close(said[1]);
    for (unsigned i = 0; i < FAKE_DOMAINS; i++)
        left += fake_domain[i].mapped != 0 || fake_domain[i].bound != 0;
    snprintf(command, sizeof(command), "rm -rf %s", fake_folder);
    return system(command) || left;
}

void fake_create(unsigned domid, const char *name)
{
    fake_domain[domid] = (struct fake_domain){.exists = true};
    store_writef(fake_nodes, STORE_NO_TX, name, "/local/domain/%u/name", domid);
    store_writef(fake_nodes, STORE_NO_TX, "xenconsoled", "/local/domain/%u/console/type", domid);
    store_writef(fake_nodes, STORE_NO_TX, "3", "/local/domain/%u/console/port", domid);
    store_writef(fake_nodes, STORE_NO_TX, "1048576", "/local/domain/%u/console/limit", domid);
    store_writef(fake_nodes, STORE_NO_TX, "", "/local/domain/%u/console/tty", domid);
}

void fake_destroy(unsigned domid)
{
    char home[40];

    fake_domain[domid].exists = false;
    snprintf(home, sizeof(home), "/local/domain/%u", domid);
    store_rm(fake_nodes, STORE_NO_TX, home);
}

size_t fake_print(unsigned domid, const char *text, size_t n)
{
    struct xencons_interface *r = &fake_domain[domid].page;
    size_t done = 0;

    for (; done < n && r->out_prod - r->out_cons < sizeof(r->out); done++)
        r->out[MASK_XENCONS_IDX(r->out_prod++, r->out)] = text[done];
    return done;
}

size_t fake_say(unsigned domid, const char *text)
{
    return fake_print(domid, text, strlen(text));
}

void fake_pass(unsigned ms)
{
    clock_ms += ms;
    fake.shared.now = clock_ms;
    assert_int_equal(consoles_tick(&fake), 0);
}

bool fake_event(unsigned domid)
{
    return consoles_port(&fake, domid + 100);
}

struct console *fake_console(unsigned domid)
{
    for (struct console *k = fake.first; k; k = k->next)
        if (k->domid == domid)
            return k;
    return NULL;
}

char *fake_log(const char *name)
{
    char path[200], *text;
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", fake_folder, name);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return NULL;
    fstat(fd, &st);
    text = calloc(1, (size_t)st.st_size + 1);
    assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
    close(fd);
    return text;
}

int fake_attach(unsigned domid)
{
    char *path = store_readf(fake_nodes, STORE_NO_TX, "/local/domain/%u/console/tty", domid);
    int tty = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);

    assert_true(tty >= 0);
    free(path);
    consoles_attached(&fake);
    return tty;
}

void fake_detach(int tty)
{
    close(tty);
    consoles_attached(&fake);
}

const char *fake_read(int tty)
{
    static char text[1 << 21];
    size_t n = 0;
    ssize_t got;

    /* the kernel hands a terminal's bytes on in the background */
    while (poll(&(struct pollfd){.fd = tty, .events = POLLIN}, 1, 200) > 0 &&
           (got = read(tty, text + n, sizeof(text) - n - 1)) > 0) {
        n += (size_t)got;
        for (struct console *k = fake.first; k; k = k->next)
            console_serve(k);
    }
    text[n] = '\0';
    return text;
}

const char *fake_complaints(void)
{
    static char text[16384];
    ssize_t n;

    fflush(stderr);
    n = read(said[0], text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}
