/* SPDX-License-Identifier: MIT */
/* Daemons: see daemon.h. */
#include "backends/lib/daemon.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ready.h"

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

int daemon_ready(const char *pid_file)
{
    if (pid_file && write_pid_file(pid_file))
        return -1;
    if (tell_systemd("READY=1"))
        perror("telling systemd that we are ready");
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
