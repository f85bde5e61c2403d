/* SPDX-License-Identifier: MIT */
/*
 * http: see http.h. libmicrohttpd calls on_request() once with a request's head, then with pieces
 * of its body, then once at its end; an answer queued at the first of these calls makes it drop the
 * body and close the connection.
 *
 * Clients are in a list under clients_lock, for http_sweep() and http_close().
 */
#include "dom0-tools/xapid/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dom0-tools/xapid/method.h"
#include "dom0-tools/xapid/xmlrpc.h"

#define DRAIN_IDLE_S 10

struct door {
    struct MHD_Daemon *daemon;
    bool local; /* the unix socket */
};

/* A connection. */
struct client {
    int fd;
    /* under clients_lock: */
    struct client *next, *previous;
    enum {
        READING,
        WORKING,
        SENDING
    } state;      /* waiting for or reading a request; in a handler;
                     sending the answer */
    time_t since; /* when this state began */
};

/* A request whose body is being read. */
struct request {
    char *body; /* NULL once the body is too long */
    size_t length, room;
    bool unread; /* answered when only its head was known, so that there is more of it to come */
};

static const char too_long[] = "The request is too long.\n";
static struct door socket_door = {.local = true}, port_door;
static char socket_path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

static pthread_mutex_t clients_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static struct client *clients; /* under clients_lock */
static bool closing;           /* under clients_lock: no more requests */

static time_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void client_came(struct MHD_Connection *connection, void **context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct client *c = info ? calloc(1, sizeof(*c)) : NULL;

    *context = c; /* without memory it is not watched, nor answered */
    if (!c)
        return;
    c->fd = info->connect_fd;
    c->since = now();
    pthread_mutex_lock(&clients_lock);
    c->next = clients;
    if (clients)
        clients->previous = c;
    clients = c;
    pthread_mutex_unlock(&clients_lock);
}

static void client_went(struct client *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&clients_lock);
    if (c->previous)
        c->previous->next = c->next;
    else
        clients = c->next;
    if (c->next)
        c->next->previous = c->previous;
    pthread_cond_signal(&answered);
    pthread_mutex_unlock(&clients_lock);
    free(c);
}

/* Its descriptor is still open in both cases. */
static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    (void)arg;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        client_came(connection, context);
    else
        client_went(*context);
}

static struct client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

/* Whether it may: once the doors close nothing new is begun. */
static bool enter(struct client *c, int state)
{
    bool may;

    pthread_mutex_lock(&clients_lock);
    may = state != WORKING || !closing;
    if (may) {
        c->state = state;
        c->since = now();
        pthread_cond_signal(&answered);
    }
    pthread_mutex_unlock(&clients_lock);
    return may;
}

void http_sweep(void)
{
    time_t limit = now() - HTTP_REQUEST_S;

    pthread_mutex_lock(&clients_lock);
    for (struct client *c = clients; c; c = c->next)
        if (c->state != WORKING && c->since < limit)
            shutdown(c->fd, SHUT_RDWR); /* its thread sees the end of it */
    pthread_mutex_unlock(&clients_lock);
}

/* Under clients_lock. */
static bool anyone_waits(void)
{
    for (struct client *c = clients; c; c = c->next)
        if (c->state != READING)
            return true;
    return false;
}

static void finish_answers(void)
{
    pthread_mutex_lock(&clients_lock);
    closing = true;
    while (anyone_waits())
        pthread_cond_wait(&answered, &clients_lock);
    pthread_mutex_unlock(&clients_lock);
}

/* Sends the text, and frees it. */
static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status,
                                 const char *type, char *text, size_t length)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result r;

    if (!response) {
        free(text);
        return MHD_NO;
    }
    r = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (r == MHD_YES && status == MHD_HTTP_METHOD_NOT_ALLOWED)
        r = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
    if (r == MHD_YES && status != MHD_HTTP_OK) /* whatever else comes is not looked at */
        r = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (r == MHD_YES)
        r = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return r;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status,
                              const char *sentence)
{
    char *text = strdup(sentence);

    return text ? send_text(connection, status, "text/plain", text, strlen(text)) : MHD_NO;
}

/* The XML of the answer to the XML of a call; NULL when memory ran out. */
static char *answer(const struct request *r, bool local, size_t *length)
{
    struct xmlrpc_call call;
    struct failure why;
    struct value *v;
    char *text;
    int fault = xmlrpc_read(r->body ? r->body : "", r->length, &call, &why);

    if (fault)
        return xmlrpc_write_fault(fault, why.text, length);
    v = method_dispatch(call.method, call.params, local);
    xmlrpc_call_free(&call);
    if (!v)
        return xmlrpc_write_fault(XMLRPC_INTERNAL, "out of memory", length);
    text = xmlrpc_write_response(v, length);
    value_free(v);
    return text;
}

static enum MHD_Result serve(struct MHD_Connection *connection, struct request *r, bool local)
{
    struct client *c = client_of(connection);
    size_t length;
    char *text;

    if (!c)
        return MHD_NO;
    if (!enter(c, WORKING))
        return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "The daemon ends.\n");
    text = answer(r, local, &length);
    enter(c, SENDING);
    free(r->body); /* while the answer is being sent it is not needed */
    r->body = NULL;
    if (!text)
        return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "Out of memory.\n");
    return send_text(connection, MHD_HTTP_OK, "text/xml", text, length);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* What the head alone already forbids: a status, or 0. */
static unsigned judge_head(struct MHD_Connection *connection, const char *url, const char *verb,
                           const char **sentence)
{
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *coding = header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING);

    if (strcmp(url, "/RPC2") && strcmp(url, "/") && strcmp(url, "/xmlrpc")) {
        *sentence = "Only /RPC2 is served.\n";
        return MHD_HTTP_NOT_FOUND;
    }
    if (strcmp(verb, MHD_HTTP_METHOD_POST)) {
        *sentence = "Calls are made with POST.\n";
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    if (coding && strcasecmp(coding, "identity")) {
        *sentence = "Compressed requests are not taken.\n";
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    if (length && strtoull(length, NULL, 10) > HTTP_BODY_MAX) {
        *sentence = too_long;
        return MHD_HTTP_CONTENT_TOO_LARGE;
    }
    return 0;
}

/* Takes a piece of the body. Of a body that is too long nothing is kept. */
static bool take(struct request *r, const char *data, size_t n)
{
    size_t room = r->room ? r->room : 4096;
    char *body;

    if (r->length + n > HTTP_BODY_MAX) {
        free(r->body);
        r->body = NULL;
        r->length += n;
        return r->length <= HTTP_DRAIN_MAX;
    }
    while (room < r->length + n)
        room *= 2;
    if (room > r->room) {
        body = realloc(r->body, room);
        if (!body)
            return false;
        r->body = body;
        r->room = room;
    }
    memcpy(r->body + r->length, data, n);
    r->length += n;
    return true;
}

static bool has_body(struct MHD_Connection *connection)
{
    return header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH) ||
           header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* The first call for a request. */
static enum MHD_Result begin(struct MHD_Connection *connection, const char *url, const char *verb,
                             void **state)
{
    struct request *r = calloc(1, sizeof(*r));
    const char *sentence;
    unsigned status;

    *state = r;
    if (!r)
        return MHD_NO;
    status = judge_head(connection, url, verb, &sentence);
    if (!status)
        return MHD_YES;
    r->unread = has_body(connection);
    return refuse(connection, status, sentence);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *verb, const char *version, const char *data,
                                  size_t *length, void **state)
{
    const struct door *door = arg;
    struct request *r = *state;

    (void)version;
    if (!r)
        return begin(connection, url, verb, state);
    if (*length) {
        if (!take(r, data, *length))
            return MHD_NO;
        *length = 0;
        return MHD_YES;
    }
    if (r->length > HTTP_BODY_MAX)
        return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, too_long);
    return serve(connection, r, door->local);
}

/* Reads what a refused client still sends: closing at once would make its kernel throw away the
 * answer. The sending half is closed already. */
static void drain(int fd)
{
    struct timeval limit = {.tv_sec = DRAIN_IDLE_S};
    char bin[16384];
    size_t sum = 0;
    ssize_t n = 1;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
        return;
    while (n > 0 && sum < HTTP_DRAIN_MAX) {
        n = recv(fd, bin, sizeof(bin), 0);
        if (n > 0)
            sum += (size_t)n;
    }
}

static void on_request_end(void *arg, struct MHD_Connection *connection, void **state,
                           enum MHD_RequestTerminationCode how)
{
    struct request *r = *state;
    struct client *c = client_of(connection);

    (void)arg;
    if (c && r && r->unread && how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        drain(c->fd); /* http_sweep() ends this too */
    if (c)
        enter(c, READING);
    if (r)
        free(r->body);
    free(r);
    *state = NULL;
}

static int open_door(struct door *door, int fd, struct failure *why)
{
    door->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
            MHD_USE_ITC,
        0, NULL, NULL, on_request, door, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
        MHD_OPTION_NOTIFY_COMPLETED, on_request_end, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, NULL, MHD_OPTION_END);
    if (door->daemon)
        return 0;
    close(fd);
    return fail(why, EIO, "the HTTP server cannot be started");
}

/* Whether somebody answers at that socket. */
static bool alive(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

    if (fd >= 0)
        close(fd);
    return yes;
}

/* A dead daemon's socket goes; whatever else has that name stays. */
static int clear_place(const struct sockaddr_un *at, struct failure *why)
{
    struct stat st;

    if (lstat(at->sun_path, &st))
        return 0; /* bind() says what is wrong */
    if (!S_ISSOCK(st.st_mode))
        return fail(why, EEXIST, "%s: there is something else of that name", at->sun_path);
    if (alive(at))
        return fail(why, EADDRINUSE, "%s: another daemon answers there", at->sun_path);
    if (unlink(at->sun_path))
        return fail(why, errno, "%s: %s", at->sun_path, strerror(errno));
    return 0;
}

int http_open_socket(const char *path, struct failure *why)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    mode_t mask;
    int fd, r;

    if (strlen(path) >= sizeof(at.sun_path))
        return fail(why, ENAMETOOLONG, "%.60s...: a socket's name has at most %zu bytes", path,
                    sizeof(at.sun_path) - 1);
    strcpy(at.sun_path, path);
    if (clear_place(&at, why))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(why, errno, "a socket: %s", strerror(errno));
    mask = umask(0177); /* before there are threads */
    r = bind(fd, (const struct sockaddr *)&at, sizeof(at));
    umask(mask);
    if (r || listen(fd, SOMAXCONN)) {
        fail(why, errno, "%s: %s", path, strerror(errno));
        close(fd);
        return -1;
    }
    strcpy(socket_path, path);
    return open_door(&socket_door, fd, why);
}

int http_open_port(uint16_t port, struct failure *why)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        return fail(why, errno, "a socket: %s", strerror(errno));
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) || /* before lo is up */
        bind(fd, (const struct sockaddr *)&at, sizeof(at)) || listen(fd, SOMAXCONN)) {
        fail(why, errno, "port %u of 127.0.0.1: %s", port, strerror(errno));
        close(fd);
        return -1;
    }
    return open_door(&port_door, fd, why);
}

static void stop(struct MHD_Daemon *daemon, int listening)
{
    if (daemon)
        MHD_stop_daemon(daemon);
    if (listening >= 0)
        close(listening);
}

void http_close(void)
{
    int port = port_door.daemon ? MHD_quiesce_daemon(port_door.daemon) : -1;
    int local = socket_door.daemon ? MHD_quiesce_daemon(socket_door.daemon) : -1;

    finish_answers(); /* libmicrohttpd's end would cut them off */
    stop(port_door.daemon, port);
    stop(socket_door.daemon, local);
    if (socket_path[0])
        unlink(socket_path);
}
