/* SPDX-License-Identifier: MIT */
/*
 * Loop devices by /dev/loop-control and LOOP_CONFIGURE, which sets file and flags in one step; see
 * loop.h. Between asking for a free device and configuring it another process may take it: then ask
 * again.
 */
#include "dom0-tools/lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define LOOP_MAJOR 7
#define TRIES      16

/* Without udev nobody makes the node. */
static int open_device(struct loop *l, int mode)
{
    snprintf(l->path, sizeof(l->path), "/dev/loop%d", l->number);
    l->fd = open(l->path, mode | O_CLOEXEC);
    if (l->fd < 0 && errno == ENOENT &&
        mknod(l->path, S_IFBLK | 0660, makedev(LOOP_MAJOR, (unsigned int)l->number)) == 0)
        l->fd = open(l->path, mode | O_CLOEXEC);
    return l->fd < 0 ? -1 : 0;
}

static int configure(const struct loop *l, int file_fd, const char *file, bool readonly)
{
    struct loop_config config = {.fd = (unsigned int)file_fd};

    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
    if (readonly)
        config.info.lo_flags |= LO_FLAGS_READ_ONLY;
    snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s", file);
    if (ioctl(l->fd, LOOP_CONFIGURE, &config) == 0)
        return 0;
    if (errno != EINVAL)
        return -1;
    config.info.lo_flags &= ~(unsigned int)LO_FLAGS_DIRECT_IO;
    return ioctl(l->fd, LOOP_CONFIGURE, &config);
}

int loop_attach(const char *file, bool readonly, struct loop *out, struct failure *why)
{
    const int mode = readonly ? O_RDONLY : O_RDWR;
    const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    const int file_fd = open(file, mode | O_CLOEXEC);
    int rc = -1;

    if (file_fd < 0) {
        rc = fail(why, errno, "cannot open disk %s: %s", file, strerror(errno));
    } else if (control < 0) {
        rc = fail(why, errno, "cannot open /dev/loop-control: %s; is the loop driver there?",
                  strerror(errno));
    } else {
        for (int i = 0; i < TRIES && rc != 0; i++) {
            out->number = ioctl(control, LOOP_CTL_GET_FREE);
            if (out->number < 0 || open_device(out, mode) != 0)
                break;
            rc = configure(out, file_fd, file, readonly);
            if (rc == 0)
                break;
            if (errno != EBUSY)
                i = TRIES;
            close(out->fd);
        }
        if (rc != 0)
            rc = fail(why, errno, "cannot attach disk %s to a loop device: %s", file,
                      strerror(errno));
    }
    if (file_fd >= 0)
        close(file_fd);
    if (control >= 0)
        close(control);
    return rc;
}

int loop_wait_free(int number, int timeout_ms, struct failure *why)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    char file[64];

    snprintf(file, sizeof(file), "/sys/block/loop%d/loop/backing_file", number);
    for (int waited = 0; waited < timeout_ms; waited += 10) {
        if (access(file, F_OK) != 0)
            return 0;
        nanosleep(&pause, NULL);
    }
    return fail(why, EBUSY, "/dev/loop%d is still in use", number);
}
