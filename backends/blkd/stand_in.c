/* SPDX-License-Identifier: MIT */
/*
 * bonsai-no-dm: a device model without devices, for stock xl 4.17. For a PV guest with a qdisk that
 * xl starts a QEMU, which would serve the disk; where bonsai-blkd serves it, this program is what
 * xl may start instead (device_model_override). It says in XenStore that it runs, answers what xl
 * asks on its QMP sockets with "nothing", and ends with its domain. See bonsai-blkd(8).
 *
 * From QEMU's command line it takes: -xen-domid N, and -chardev socket,...,path=P,... for each
 * socket to listen on. QMP here: a greeting, then a line of JSON for a line of JSON; a command's id
 * is given back as it was written.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "xenstore/client.h"

#define SOCKETS 4u
#define PEERS   8u
#define LINE    4096u

static const char greeting[] =
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, "
    "\"major\": 7}, \"package\": \"bonsai\"}, \"capabilities\": []}}\r\n";

struct peer {
    int fd; /* -1: none */
    size_t used;
    char line[LINE];
};

static int listeners[SOCKETS];
static char *paths[SOCKETS];
static size_t n_listeners;
static struct peer peers[PEERS];

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "bonsai-no-dm: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void listen_on(const char *options)
{
    const char *path = strstr(options, "path=");
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n;
    int fd;

    if (strncmp(options, "socket,", 7) != 0 || path == NULL || n_listeners == SOCKETS)
        return;
    path += strlen("path=");
    n = strcspn(path, ",");
    if (n >= sizeof(at.sun_path)) {
        errno = ENAMETOOLONG;
        die(options);
    }
    memcpy(at.sun_path, path, n);
    unlink(at.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 4))
        die(at.sun_path);
    if ((paths[n_listeners] = strdup(at.sun_path)) == NULL)
        die(at.sun_path);
    listeners[n_listeners++] = fd;
}

static void hang_up(struct peer *p)
{
    close(p->fd);
    p->fd = -1;
    p->used = 0;
}

static void say(struct peer *p, const char *text)
{
    if (send(p->fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
        hang_up(p);
}

/* The command's id, a number or text without escapes; "null" when there is none. */
static void find_id(const char *line, char *id, size_t size)
{
    const char *at = strstr(line, "\"id\"");
    size_t n;

    snprintf(id, size, "null");
    if (at == NULL || (at = strchr(at, ':')) == NULL)
        return;
    at += 1 + strspn(at + 1, " \t");
    n = *at == '"' ? 2 + strcspn(at + 1, "\"") : strspn(at, "0123456789-");
    if (n > 0 && n < size)
        snprintf(id, size, "%.*s", (int)n, at);
}

/* What is asked after are lists of things that are not there; commands that change something would
 * be answered too soon, so there are none. */
static void answer(struct peer *p, const char *line)
{
    char id[64], text[256];

    find_id(line, id, sizeof(id));
    if (strstr(line, "\"qmp_capabilities\""))
        snprintf(text, sizeof(text), "{\"return\": {}, \"id\": %s}\r\n", id);
    else if (strstr(line, "\"query-"))
        snprintf(text, sizeof(text), "{\"return\": [], \"id\": %s}\r\n", id);
    else
        snprintf(
            text, sizeof(text),
            "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"there is no device model "
            "here\"}, \"id\": %s}\r\n",
            id);
    say(p, text);
}

static void welcome(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    for (size_t i = 0; fd >= 0 && i < PEERS; i++)
        if (peers[i].fd < 0) {
            peers[i].fd = fd;
            say(&peers[i], greeting);
            return;
        }
    if (fd >= 0)
        close(fd);
}

static void hear(struct peer *p)
{
    ssize_t n = read(p->fd, p->line + p->used, LINE - 1 - p->used);
    char *end;

    if (n <= 0) {
        hang_up(p);
        return;
    }
    p->used += (size_t)n;
    p->line[p->used] = '\0';
    while ((end = strchr(p->line, '\n')) != NULL) {
        *end = '\0';
        answer(p, p->line);
        if (p->fd < 0)
            return; /* it did not listen, and its place is free again */
        p->used -= (size_t)(end + 1 - p->line);
        memmove(p->line, end + 1, p->used + 1);
    }
    if (p->used == LINE - 1)
        hang_up(p); /* no command is that long */
}

/* Has the store something to say, and is our domain among the living? */
static bool still_needed(struct store *s, unsigned int domid)
{
    struct store_event *e;
    char path[48];
    int r;

    while ((r = store_next_event(s, &e)) > 0)
        free(e);
    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    return r == 0 && store_exists(s, STORE_NO_TX, path) == 1;
}

static void serve(struct store *s, unsigned int domid)
{
    while (still_needed(s, domid)) {
        struct pollfd fds[1 + SOCKETS + PEERS];

        fds[0] = (struct pollfd){.fd = store_fd(s), .events = POLLIN};
        for (size_t i = 0; i < SOCKETS; i++)
            fds[1 + i] =
                (struct pollfd){.fd = i < n_listeners ? listeners[i] : -1, .events = POLLIN};
        for (size_t i = 0; i < PEERS; i++)
            fds[1 + SOCKETS + i] = (struct pollfd){.fd = peers[i].fd, .events = POLLIN};
        if (poll(fds, 1 + SOCKETS + PEERS, -1) < 0 && errno != EINTR)
            die("poll");
        for (size_t i = 0; i < n_listeners; i++)
            if (fds[1 + i].revents)
                welcome(listeners[i]);
        for (size_t i = 0; i < PEERS; i++)
            if (peers[i].fd >= 0 && peers[i].fd == fds[1 + SOCKETS + i].fd &&
                fds[1 + SOCKETS + i].revents)
                hear(&peers[i]);
    }
}

int main(int argc, char **argv)
{
    const char *domain = NULL;
    unsigned int domid;
    struct store *s;
    char path[64];

    for (size_t i = 0; i < PEERS; i++)
        peers[i].fd = -1;
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "-xen-domid") == 0)
            domain = argv[i + 1];
        else if (strcmp(argv[i], "-chardev") == 0)
            listen_on(argv[i + 1]);
    }
    if (domain == NULL || sscanf(domain, "%u", &domid) != 1) {
        fputs("bonsai-no-dm: no -xen-domid: this program is started by xl, instead of QEMU, for "
              "device_model_override\n",
              stderr);
        return 2;
    }
    s = store_open();
    if (s == NULL || store_watch(s, "@releaseDomain", "end"))
        die("XenStore");
    snprintf(path, sizeof(path), "/local/domain/0/device-model/%u/state", domid);
    if (store_printf(s, STORE_NO_TX, path, "running"))
        die(path);
    serve(s, domid);
    for (size_t i = 0; i < n_listeners; i++)
        unlink(paths[i]);
    return EXIT_SUCCESS;
}
