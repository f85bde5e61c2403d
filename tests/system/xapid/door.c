/* SPDX-License-Identifier: MIT */
/*
 * door PATH|PORT: in dom0, sends standard input to the API's socket (or port of 127.0.0.1) and
 * prints what comes back, until the other side has ended. For test_xapid*.py, whose XML-RPC client
 * runs outside. Exits 1 when nobody listens.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *where)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(where))};
    int local = where[0] == '/', fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

    port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(path.sun_path, sizeof(path.sun_path), "%s", where);
    if (fd < 0 || (local ? connect(fd, (struct sockaddr *)&path, sizeof(path))
                         : connect(fd, (struct sockaddr *)&port, sizeof(port)))) {
        perror(where);
        exit(1);
    }
    return fd;
}

/* 0 at the end, 1 when `to` takes no more. */
static int copy(int from, int to)
{
    char data[65536];
    ssize_t n;

    while ((n = read(from, data, sizeof(data))) > 0)
        for (ssize_t at = 0; at < n;) {
            ssize_t done = write(to, data + at, (size_t)(n - at));

            if (done < 0)
                return 1;
            at += done;
        }
    return 0;
}

int main(int argc, char **argv)
{
    int fd;

    if (argc != 2)
        return 2;
    signal(SIGPIPE, SIG_IGN); /* what is refused early is answered nevertheless */
    fd = connect_to(argv[1]);
    copy(STDIN_FILENO, fd);
    shutdown(fd, SHUT_WR);
    return copy(fd, STDOUT_FILENO);
}
