/* SPDX-License-Identifier: MIT */
/*
 * Disks; see disk.h. Handing a target to the kernel's block backend is writing its device number to
 * physical-device. The backend opens it on its own time and says so by a file in sysfs; a loop
 * device must be held open until then, for it goes with its last user. bonsai-blkd takes the path
 * itself, and has it open when its state is InitWait.
 */
#include "dom0-tools/lib/disk.h"
#include "dom0-tools/lib/disk_share.h"
#include "dom0-tools/lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_SCRIPT    "/etc/xen/scripts/block" /* what stands in the node; it is not run */
#define BACKEND_MS      10000
#define BACKEND_POLL_MS 10
#define BLKD_LOCK       "/run/bonsai/blkd/lock" /* held by the one that runs */
#define BLKD_MS         3000                    /* it may be starting again */

static int attach_phy(struct store *s, const struct device *device, const struct disk_spec *d,
                      const char *name, struct failure *why);
static int attach_blkd(struct store *s, const struct device *device, const struct disk_spec *d,
                       const char *name, struct failure *why);
static int check_blkd(const struct disk_spec *d, struct failure *why);

/* Backends by the name that backendtype= gives them. kind: of the backend's directory. attach: for
 * a target in this domain; NULL: not served. */
static const struct backend {
    enum disk_backend type;
    const char *name, *kind;
    int (*check)(const struct disk_spec *d, struct failure *why); /* is it there? */
    int (*attach)(struct store *s, const struct device *device, const struct disk_spec *d,
                  const char *name, struct failure *why);
} backends[] = {
    /* a block device, or a raw file by a loop device */
    {DISK_AUTO, "phy", "", NULL, attach_phy},
    {DISK_PHY, "phy", "", NULL, attach_phy},
    /* a block device or a raw file, by bonsai-blkd; also called bonsai */
    {DISK_QDISK, "qdisk", "qdisk", check_blkd, attach_blkd},
    {DISK_TAP, "tap", "", NULL, NULL},
    {DISK_STANDALONE, "standalone", "", NULL, NULL},
};

static const struct backend *backend_of(const struct disk_spec *d)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
        if (backends[i].type == d->backend)
            return &backends[i];
    return NULL;
}

/* Who holds the lock runs. One that was killed a moment ago is started again. */
static int check_blkd(const struct disk_spec *d, struct failure *why)
{
    const struct timespec pause = {.tv_nsec = 50000000};

    for (int waited = 0; waited < BLKD_MS; waited += 50) {
        int fd = open(BLKD_LOCK, O_RDONLY | O_CLOEXEC);
        bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

        if (fd >= 0)
            close(fd);
        if (held)
            return 0;
        nanosleep(&pause, NULL);
    }
    return fail(why, ESRCH,
                "disk %s: its backend, bonsai-blkd, is not running (bonsai-services start)",
                d->vdev);
}

/* Old configurations name devices without /dev. */
int disk_complete(struct disk_spec *d, struct failure *why)
{
    char *path = NULL, *cwd;

    if (d->target == NULL || *d->target == '/')
        return 0;
    if (asprintf(&path, "/dev/%s", d->target) < 0)
        return fail(why, ENOMEM, "out of memory");
    if (access(path, F_OK) != 0) {
        free(path);
        cwd = get_current_dir_name();
        if (cwd == NULL || asprintf(&path, "%s/%s", cwd, d->target) < 0) {
            free(cwd);
            return fail(why, ENOMEM, "out of memory");
        }
        free(cwd);
    }
    free(d->target);
    d->target = path;
    return 0;
}

static int check_target(const struct disk_spec *d, const char *path, struct failure *why)
{
    struct stat st;
    int fd;

    if (stat(path, &st) != 0)
        return fail(why, errno, "disk %s: cannot use %s: %s", d->vdev, path, strerror(errno));
    if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
        return fail(why, EINVAL, "disk %s: %s is neither a block device nor a file", d->vdev, path);
    if (S_ISREG(st.st_mode) && st.st_size < 512)
        return fail(why, EINVAL, "disk %s: the file %s is too short for a disk", d->vdev, path);
    /* the kernel gives a block device exclusively only when nothing here has it mounted */
    fd = open(path, (d->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC |
                        (S_ISBLK(st.st_mode) && !d->readonly && !d->shared ? O_EXCL : 0));
    if (fd < 0 && errno == EBUSY)
        return fail(why, EBUSY, "disk %s: %s is in use in this domain (mounted?)", d->vdev, path);
    if (fd < 0)
        return fail(why, errno, "disk %s: cannot open %s for %s: %s", d->vdev, path,
                    d->readonly ? "reading" : "writing", strerror(errno));
    close(fd);
    return 0;
}

int disk_check(struct store *s, const struct disk_spec *d, bool remote, struct failure *why)
{
    const struct backend *backend = backend_of(d);

    if (d->script != NULL && strcmp(d->script, "block") != 0 &&
        strcmp(d->script, BLOCK_SCRIPT) != 0)
        return fail(why, ENOTSUP,
                    "disk %s: script=%s cannot be run here: give a block device or a raw file",
                    d->vdev, d->script);
    if (backend == NULL || backend->attach == NULL)
        return fail(why, ENOTSUP,
                    "disk %s: backendtype=%s is not available here: use phy or bonsai", d->vdev,
                    backend != NULL ? backend->name : "?");
    if (d->format != DISK_FORMAT_RAW)
        return fail(why, ENOTSUP, "disk %s: format %s is not available here: use raw", d->vdev,
                    disk_format_name(d->format));
    if (remote)
        return 0;
    if (check_target(d, d->target, why) != 0 || disk_check_share(s, d, why) != 0)
        return -1;
    return backend->check != NULL ? backend->check(d, why) : 0;
}

/* A target in this domain, ready to be handed over. */
struct opened {
    struct loop loop; /* fd -1: none */
    dev_t number;
    const char *path; /* of the block device */
};

static int open_target(const struct disk_spec *d, struct opened *o, struct failure *why)
{
    struct stat st;

    *o = (struct opened){.loop = {.fd = -1}, .path = d->target};
    if (stat(d->target, &st) != 0)
        return fail(why, errno, "disk %s: cannot use %s: %s", d->vdev, d->target, strerror(errno));
    if (!S_ISBLK(st.st_mode)) {
        if (loop_attach(d->target, d->readonly, &o->loop, why) != 0) {
            o->loop.fd = -1;
            return -1;
        }
        o->path = o->loop.path;
        if (fstat(o->loop.fd, &st) != 0)
            return fail(why, errno, "disk %s: cannot look at %s: %s", d->vdev, o->path,
                        strerror(errno));
    }
    o->number = st.st_rdev;
    return 0;
}

/* Waits for the kernel's backend to have opened the device. */
static int wait_opened(struct store *s, const struct device *device, const struct disk_spec *d,
                       const char *name, struct failure *why)
{
    const struct timespec pause = {.tv_nsec = BACKEND_POLL_MS * 1000000};
    char file[96], back[DEVICE_PATH];

    snprintf(file, sizeof(file), "/sys/bus/xen-backend/devices/vbd-%u-%u/physical_device",
             device->domid, device->id);
    device_backend_path(device, back);
    for (int waited = 0; waited < BACKEND_MS; waited += BACKEND_POLL_MS) {
        if (access(file, F_OK) == 0)
            return 0;
        if (device_connected(s, device, name, why) < 0)
            return -1;
        nanosleep(&pause, NULL);
    }
    return fail(why, ETIMEDOUT, "%s: the block backend did not open %s within %d s", name,
                d->target, BACKEND_MS / 1000);
}

/* o NULL: the backend finds the target itself. */
static int publish(struct store *s, const struct device *device, const struct disk_spec *d,
                   const struct opened *o, struct failure *why)
{
    char virtual_device[16], physical[32] = "";
    const char *file = o != NULL && o->loop.fd >= 0 ? d->target : NULL;

    snprintf(virtual_device, sizeof(virtual_device), "%u", device->id);
    if (o != NULL)
        snprintf(physical, sizeof(physical), "%x:%x", major(o->number), minor(o->number));
    const struct device_node nodes[] = {
        {"params", o != NULL ? o->path : d->target, DEVICE_BACK},
        {DISK_FILE_NODE, file, DEVICE_BACK},
        {"script", *device->backend == '\0' ? BLOCK_SCRIPT : NULL, DEVICE_BACK},
        {"physical-device", o != NULL ? physical : NULL, DEVICE_BACK},
        {"physical-device-path", o != NULL ? o->path : NULL, DEVICE_BACK},
        {"hotplug-status", o != NULL ? "connected" : NULL, DEVICE_BACK},
        {"removable", d->removable ? "1" : "0", DEVICE_BACK},
        {"bootable", "1", DEVICE_BACK},
        {"dev", d->vdev, DEVICE_BACK},
        {"type", *device->backend == '\0' ? "phy" : device->backend, DEVICE_BACK},
        {"mode", d->readonly ? "r" : "w", DEVICE_BACK},
        {"device-type", d->cdrom ? "cdrom" : "disk", DEVICE_BACK},
        {"discard-enable", d->no_discard ? "0" : "1", DEVICE_BACK},
        {"specification", "xen", DEVICE_BACK},
        {"virtual-device", virtual_device, DEVICE_FRONT},
        {"device-type", d->cdrom ? "cdrom" : "disk", DEVICE_FRONT},
        {"trusted", d->untrusted ? "0" : "1", DEVICE_FRONT},
    };

    return device_publish(s, device, nodes, sizeof(nodes) / sizeof(nodes[0]), why);
}

static int attach_phy(struct store *s, const struct device *device, const struct disk_spec *d,
                      const char *name, struct failure *why)
{
    struct opened o;
    int rc = open_target(d, &o, why);

    if (rc == 0)
        rc = publish(s, device, d, &o, why);
    if (rc == 0)
        rc = device_wait_backend(s, device, XENBUS_INIT_WAIT, BACKEND_MS, name, why);
    if (rc == 0)
        rc = wait_opened(s, device, d, name, why);
    if (o.loop.fd >= 0)
        close(o.loop.fd);
    return rc;
}

static int attach_blkd(struct store *s, const struct device *device, const struct disk_spec *d,
                       const char *name, struct failure *why)
{
    if (publish(s, device, d, NULL, why) != 0)
        return -1;
    return device_wait_backend(s, device, XENBUS_INIT_WAIT, BACKEND_MS, name, why);
}

int disk_attach(struct store *s, uint32_t domid, uint32_t backend_domid, const struct disk_spec *d,
                struct device *device, struct failure *why)
{
    const struct backend *backend = backend_of(d);
    struct vdev vdev;
    char name[64];

    vdev_parse(d->vdev, &vdev);
    *device = (struct device){
        .kind = "vbd", .backend_domid = backend_domid, .domid = domid, .id = vdev.number};
    snprintf(device->backend, sizeof(device->backend), "%s", backend->kind);
    snprintf(name, sizeof(name), "disk %.40s", d->vdev);
    if (backend_domid == 0)
        return backend->attach(s, device, d, name, why);
    if (publish(s, device, d, NULL, why) != 0)
        return -1;
    return device_wait_backend(s, device, XENBUS_INIT_WAIT, BACKEND_MS, name, why);
}
