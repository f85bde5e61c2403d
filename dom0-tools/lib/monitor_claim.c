/* SPDX-License-Identifier: MIT */
/*
 * One monitor a guest: a lock on a file named after its UUID, which restarts keep. The file goes
 * when its monitor ends in peace; whoever then locked the file that was, and not the one that is,
 * tries again.
 */
#include "dom0-tools/lib/monitor.h"
#include "common/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RUN_DIR "/run/xen"

static void claim_path(const uint8_t uuid[16], char path[80])
{
    char text[37];

    uuid_format(uuid, text);
    snprintf(path, 80, RUN_DIR "/monitor-%s", text);
}

/* The descriptor, or -1: EBUSY when another holds it, EAGAIN when it changed under us. */
static int try_claim(const char *path)
{
    struct stat mine, there;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int err = EAGAIN;

    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        err = errno == EWOULDBLOCK ? EBUSY : errno;
    else if (fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino)
        return fd;
    close(fd);
    errno = err;
    return -1;
}

int monitor_claim(const uint8_t uuid[16], int wait_ms)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    char path[80];
    int fd;

    if (wait_ms <= 0)
        wait_ms = 1; /* once more: it may have been held for a look (monitor_alive) */
    if (make_folders(RUN_DIR) != 0)
        return -1;
    claim_path(uuid, path);
    while ((fd = try_claim(path)) < 0 && (errno == EAGAIN || (errno == EBUSY && wait_ms > 0))) {
        nanosleep(&pause, NULL);
        wait_ms -= 50;
    }
    return fd;
}

void monitor_release(const uint8_t uuid[16], int fd)
{
    char path[80];

    claim_path(uuid, path);
    unlink(path);
    close(fd);
}

bool monitor_alive(const uint8_t uuid[16])
{
    char path[80];
    bool held;
    int fd;

    claim_path(uuid, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return held;
}
