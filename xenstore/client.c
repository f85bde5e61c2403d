/* SPDX-License-Identifier: MIT */
/*
 * The client's connection: one request at a time, its answer awaited, events met on the way queued.
 *
 * The descriptor is non-blocking. Bytes that have come in lie in a buffer of one message; a message
 * that is complete is either the answer awaited or an event. Request ids count up, so an answer to
 * another request than the last is recognised; daemons that echo 0 do not exist. Watch events may
 * also come before the answer. A handle whose stream broke keeps its errno in `broken` and refuses
 * everything.
 */
#include "xenstore/client_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct queued {
    struct queued *next;
    struct store_event *event;
};

struct store {
    int fd, broken;
    bool socket;
    uint32_t req_id;
    struct queued *first, **last;
    size_t have; /* bytes of the message coming in */
    struct xsd_sockmsg header;
    char body[XENSTORE_PAYLOAD_MAX + 1];
};

static int connect_socket(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(to.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(to.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
        return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

struct store *store_open_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return NULL;
    int fd =
        S_ISSOCK(st.st_mode) ? connect_socket(path) : open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    struct store *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        close(fd);
        errno = ENOMEM;
        return NULL;
    }
    s->fd = fd;
    s->socket = S_ISSOCK(st.st_mode);
    s->last = &s->first;
    return s;
}

struct store *store_open(void)
{
    const char *path = getenv("XENSTORED_PATH");
    if (path != NULL)
        return store_open_path(path);
    const char *dir = getenv("XENSTORED_RUNDIR");
    char *sock;
    if (asprintf(&sock, "%s/socket", dir != NULL ? dir : "/run/xenstored") < 0)
        return NULL;
    struct store *s = store_open_path(sock);
    int err = errno;
    free(sock);
    /* named by hand, no other will do; otherwise the daemon may be in another domain */
    if (s == NULL && dir == NULL && (s = store_open_path("/dev/xen/xenbus")) != NULL)
        return s;
    errno = err;
    return s;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    while (s->first != NULL) {
        struct queued *q = s->first;
        s->first = q->next;
        free(q->event);
        free(q);
    }
    close(s->fd);
    free(s);
}

int store_fd(const struct store *s)
{
    return s->fd;
}

static int broke(struct store *s, int err)
{
    s->broken = err;
    errno = err;
    return -1;
}

static int wait_for(struct store *s, short events, int timeout_ms)
{
    struct pollfd p = {.fd = s->fd, .events = events};
    int n;
    do
        n = poll(&p, 1, timeout_ms);
    while (n < 0 && errno == EINTR && timeout_ms < 0);
    return n;
}

/* One message goes out whole: the kernel's device wants header and body of a message in few writes.
 */
static int send_all(struct store *s, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = s->socket ? send(s->fd, data, len, MSG_NOSIGNAL) : write(s->fd, data, len);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            if (wait_for(s, POLLOUT, -1) < 0)
                return broke(s, EIO);
        } else if (n < 0 && errno != EINTR && !s->socket && errno != EIO) {
            return -1; /* the kernel's answer to a watch: it has taken the message, and may not
                          answer else */
        } else if (n < 0 && errno != EINTR) {
            return broke(s, errno == EPIPE || errno == ECONNRESET ? EPIPE : EIO);
        }
    }
    return 0;
}

/* Takes what is there. 1: a whole message is in the buffer; 0: not yet; -1: broken. */
static int receive(struct store *s)
{
    for (;;) {
        size_t head = sizeof(s->header);
        if (s->have >= head && s->header.len > XENSTORE_PAYLOAD_MAX)
            return broke(s, EPROTO);
        size_t want = s->have < head ? head : head + s->header.len;
        if (s->have >= head && s->have == want) {
            s->body[s->header.len] = '\0';
            return 1;
        }
        char *to = s->have < head ? (char *)&s->header + s->have : s->body + (s->have - head);
        ssize_t n = read(s->fd, to, want - s->have);
        if (n > 0)
            s->have += (size_t)n;
        else if (n < 0 && errno == EAGAIN)
            return 0;
        else if (n == 0 || errno != EINTR)
            return broke(s, n == 0 || errno == ECONNRESET ? EPIPE : EIO);
    }
}

/* Moves the event in the buffer to the queue. */
static int queue_event(struct store *s)
{
    size_t len = s->header.len;
    size_t path = strnlen(s->body, len);
    if (path >= len || strnlen(s->body + path + 1, len - path - 1) >= len - path - 1)
        return broke(s, EPROTO);
    struct queued *q = calloc(1, sizeof(*q));
    struct store_event *event = malloc(sizeof(*event) + len);
    if (q == NULL || event == NULL) {
        free(q);
        free(event);
        return broke(s, ENOMEM); /* an event lost would be worse */
    }
    char *text = memcpy((char *)(event + 1), s->body, len);
    *event = (struct store_event){.path = text, .token = text + path + 1};
    q->event = event;
    *s->last = q;
    s->last = &q->next;
    s->have = 0;
    return 0;
}

static int await_answer(struct store *s, uint32_t type)
{
    for (;;) {
        int got = receive(s);
        if (got < 0 || (got == 0 && wait_for(s, POLLIN, -1) < 0))
            return got < 0 ? -1 : broke(s, EIO);
        if (got == 0)
            continue;
        if (s->header.type == XS_WATCH_EVENT) {
            if (queue_event(s) != 0)
                return -1;
            continue;
        }
        s->have = 0;
        if (s->header.req_id != s->req_id || (s->header.type != type && s->header.type != XS_ERROR))
            return broke(s, EPROTO);
        return 0;
    }
}

int client_call(struct store *s, store_tx tx, uint32_t type, const struct client_part *parts,
                unsigned n, const char **answer, size_t *len)
{
    struct {
        struct xsd_sockmsg header;
        char body[XENSTORE_PAYLOAD_MAX];
    } msg;
    size_t total = 0;
    if (s->broken != 0) {
        errno = s->broken;
        return -1;
    }
    for (unsigned i = 0; i < n; i++) {
        if (parts[i].len > XENSTORE_PAYLOAD_MAX - total) {
            errno = E2BIG;
            return -1;
        }
        memcpy(msg.body + total, parts[i].data, parts[i].len);
        total += parts[i].len;
    }
    msg.header = (struct xsd_sockmsg){type, ++s->req_id, tx, (uint32_t)total};
    if (send_all(s, (char *)&msg, sizeof(msg.header) + total) != 0 || await_answer(s, type) != 0)
        return -1;
    if (s->header.type == XS_ERROR) {
        errno = wire_error_number(s->body);
        return -1;
    }
    if (answer != NULL)
        *answer = s->body;
    if (len != NULL)
        *len = s->header.len;
    return 0;
}

int store_next_event(struct store *s, struct store_event **event)
{
    while (s->first == NULL) {
        if (s->broken != 0) {
            errno = s->broken;
            return -1;
        }
        int got = receive(s);
        if (got <= 0)
            return got;
        if (s->header.type != XS_WATCH_EVENT)
            return broke(s, EPROTO);
        if (queue_event(s) != 0)
            return -1;
    }
    struct queued *q = s->first;
    s->first = q->next;
    if (s->first == NULL)
        s->last = &s->first;
    *event = q->event;
    free(q);
    return 1;
}

int store_wait_event(struct store *s, int timeout_ms, struct store_event **event)
{
    int got = store_next_event(s, event);
    while (got == 0) {
        int n = wait_for(s, POLLIN, timeout_ms);
        if (n <= 0)
            return n < 0 && errno != EINTR ? -1 : 0;
        got = store_next_event(s, event);
    }
    return got;
}
