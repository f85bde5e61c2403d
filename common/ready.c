/* SPDX-License-Identifier: MIT */
/* Telling systemd: see ready.h. */
#include "common/ready.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int tell_systemd(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    socklen_t len;
    ssize_t sent;
    int fd, err;

    if (path == NULL || *path == '\0')
        return 0;
    if (strlen(path) >= sizeof(to.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(to.sun_path, path);
    if (to.sun_path[0] == '@') /* an abstract name begins with a NUL */
        to.sun_path[0] = '\0';
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, len);
    err = errno;
    close(fd);
    errno = err;
    return sent < 0 ? -1 : 0;
}
