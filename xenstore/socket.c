/* SPDX-License-Identifier: MIT */
/* The listening socket and the connections made to it. */
#include "xenstore/socket.h"
#include "common/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xenstore/conn.h"
#include "xenstore/log.h"
#include "xenstore/loop.h"

struct socket_conn {
    struct conn conn;
    struct watched watched;
    bool waits_for_room; /* EPOLLOUT is asked for */
};

static struct {
    struct watched watched;
    struct storage *st;
    struct sockaddr_un address;
    int spare; /* a descriptor to give up when there are no more */
} listener = {.watched.fd = -1, .spare = -1};

static struct socket_conn *of_conn(struct conn *c)
{
    return (struct socket_conn *)c;
}

static ssize_t socket_read(struct conn *c, void *to, size_t len)
{
    ssize_t n;
    do
        n = recv(of_conn(c)->watched.fd, to, len, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t socket_write(struct conn *c, const void *from, size_t len)
{
    ssize_t n;
    do
        n = send(of_conn(c)->watched.fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

static bool socket_begin(struct conn *c)
{
    (void)c;
    return true;
}

/* While answers do not flow off, nothing more is read: a client that only sends must not keep us
 * spinning. */
static void socket_end(struct conn *c, bool output_waits)
{
    struct socket_conn *s = of_conn(c);
    if (s->waits_for_room == output_waits)
        return;
    s->waits_for_room = output_waits;
    if (loop_change(&s->watched, output_waits ? EPOLLOUT : EPOLLIN) != 0)
        conn_fail(c, XENSTORE_ERROR_COMM, "epoll: %s", strerror(errno));
}

static bool socket_failed(struct conn *c, uint32_t error)
{
    (void)c, (void)error;
    return false;
}

static void socket_close(struct conn *c)
{
    struct socket_conn *s = of_conn(c);
    loop_remove(&s->watched);
    close(s->watched.fd);
    free(s);
}

static const struct transport socket_transport = {
    .read = socket_read,
    .write = socket_write,
    .begin = socket_begin,
    .end = socket_end,
    .failed = socket_failed,
    .close = socket_close,
};

static void on_client(struct watched *w, uint32_t events)
{
    struct socket_conn *s =
        (struct socket_conn *)((char *)w - offsetof(struct socket_conn, watched));
    (void)events;
    conn_ready(&s->conn);
}

/* Out of descriptors: the client must be turned away, else it would be announced for ever. */
static void turn_away(int listening)
{
    log_line("a client cannot connect: too many are connected");
    close(listener.spare);
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    listener.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_connect(struct watched *w, uint32_t events)
{
    int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    (void)events;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
        turn_away(w->fd);
        return;
    }
    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            log_line("a client cannot connect: %s", strerror(errno));
        return;
    }
    struct socket_conn *s = calloc(1, sizeof(*s));
    int err = s == NULL ? ENOMEM : 0;
    if (err == 0) {
        s->watched = (struct watched){.fd = fd, .on = on_client};
        err = loop_add(&s->watched, EPOLLIN) == 0 ? 0 : errno;
    }
    if (err == 0)
        err = conn_open(&s->conn, listener.st, 0, &socket_transport);
    if (err != 0) {
        log_line("a client cannot connect: %s", strerror(err));
        close(fd);
        free(s);
    }
}

/* Another daemon that serves there must stay, and so must what is no socket; one left behind goes.
 */
static int clear_path(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool served = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    if (fd >= 0)
        close(fd);
    if (served) {
        log_line("another daemon serves %s already; stop it first", address->sun_path);
        return -1;
    }
    struct stat st;
    if (lstat(address->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        log_line("%s is no socket: it stays, and nothing is served there", address->sun_path);
        return -1;
    }
    if (unlink(address->sun_path) != 0 && errno != ENOENT) {
        log_line("cannot remove %s: %s", address->sun_path, strerror(errno));
        return -1;
    }
    return 0;
}

int socket_listen(struct storage *st, const char *path)
{
    struct sockaddr_un *address = &listener.address;
    if (strlen(path) >= sizeof(address->sun_path)) {
        log_line("the socket's path is longer than %zu bytes: %s", sizeof(address->sun_path) - 1,
                 path);
        return -1;
    }
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path, path);
    if (make_folders_above(path) != 0) {
        log_line("cannot make the folders of %s: %s", path, strerror(errno));
        return -1;
    }
    if (clear_path(address) != 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)address, sizeof(*address)) == 0;
    umask(mask);
    listener.st = st;
    listener.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    listener.watched = (struct watched){.fd = fd, .on = on_connect};
    if (bound && listen(fd, 128) == 0 && loop_add(&listener.watched, EPOLLIN) == 0)
        return 0;
    log_line("cannot listen at %s: %s", path, strerror(errno));
    return -1;
}

void socket_stop(void)
{
    if (listener.watched.fd < 0)
        return;
    unlink(listener.address.sun_path);
    close(listener.watched.fd);
    close(listener.spare);
    listener.watched.fd = -1;
}
