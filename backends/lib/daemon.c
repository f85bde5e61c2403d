/* SPDX-License-Identifier: MIT */
/* Daemons: see daemon.h. */
#include "backends/lib/daemon.h"

#include <errno.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int ready_pipe = -1;

int daemon_start(bool foreground)
{
    int fds[2];
    char ok = 0;
    pid_t pid;

    if (foreground)
        return 0;
    if (pipe2(fds, O_CLOEXEC))
        return -1;
    pid = fork();
    if (pid < 0)
        return -1;
    if (pid == 0) {
        close(fds[0]);
        ready_pipe = fds[1];
        return setsid() < 0 ? -1 : 0;
    }
    close(fds[1]);
    _exit(read(fds[0], &ok, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static int write_pid_file(const char *path)
{
    FILE *f = fopen(path, "we");

    if (!f)
        return -1;
    fprintf(f, "%d\n", (int)getpid());
    return fclose(f);
}

/* systemd's readiness protocol: one datagram to $NOTIFY_SOCKET ('@' stands for an abstract name's
 * NUL). */
static void notify_systemd(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    static const char text[] = "READY=1";
    int fd;

    if (!path || strlen(path) >= sizeof(to.sun_path))
        return;
    strcpy(to.sun_path, path);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, text, sizeof(text) - 1, 0, (struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
        perror("telling systemd that we are ready");
    close(fd);
}

int daemon_ready(const char *pid_file)
{
    if (pid_file && write_pid_file(pid_file))
        return -1;
    notify_systemd();
    if (ready_pipe >= 0) {
        int null = open("/dev/null", O_RDWR);

        if (null < 0)
            return -1;
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        if (null > 2)
            close(null);
        if (write(ready_pipe, "", 1) != 1)
            return -1;
        close(ready_pipe);
        ready_pipe = -1;
    }
    return 0;
}

int make_folders(const char *path)
{
    char copy[512];

    if (strlen(path) >= sizeof(copy)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(copy, path);
    for (char *p = copy + 1;; p++) {
        char c = *p;

        if (c && c != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0755) && errno != EEXIST)
            return -1;
        if (!c)
            return 0;
        *p = c;
    }
}
