/* SPDX-License-Identifier: MIT */
/*
 * http: the API's two doors, a unix socket and a TCP port of 127.0.0.1, over libmicrohttpd.
 *
 * A thread a connection, and a bound on connections for each door: a call that takes long or a
 * client that is slow holds up nobody else, and strangers on the port never keep root from the
 * socket. A request is read into memory up to HTTP_BODY_MAX; what is longer is answered with 413,
 * and what still comes of it is read (up to HTTP_DRAIN_MAX) and thrown away, or clients that send
 * everything before they look would never see the answer. A client has HTTP_REQUEST_S from
 * connecting, or from its last answer, to send a whole request, however it drips; http_sweep() ends
 * the connections that took longer.
 */
#ifndef XAPID_HTTP_H
#define XAPID_HTTP_H

#include <stdint.h>

#include "dom0-tools/lib/failure.h"

#define HTTP_BODY_MAX        (1024 * 1024)
#define HTTP_DRAIN_MAX       (256 * 1024 * 1024)
#define HTTP_CONNECTIONS_MAX 32 /* at each door */
#ifndef HTTP_REQUEST_S          /* a test has less patience */
#define HTTP_IDLE_S    20
#define HTTP_REQUEST_S 60
#endif

/* Each: 0, or -1 with a sentence. The socket gets mode 0600; a dead one in its place is replaced, a
 * live one is not. port: not 0. */
int http_open_socket(const char *path, struct failure *why);
int http_open_port(uint16_t port, struct failure *why);

/* Ends connections that are over their time; to be called every few seconds. */
void http_sweep(void);

/* Accepts nothing new, waits for the calls that run, and removes the socket. */
void http_close(void);

#endif
