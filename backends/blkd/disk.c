/* SPDX-License-Identifier: MIT */
/* Disks on the bus: see disk.h. */
#include "backends/blkd/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/protocols.h>

#include "dom0-tools/lib/spec.h"

#define LOCK_SECONDS 10 /* a new disk's image may be held for so long */

struct disk {
    struct xenbus_device *device;
    struct image *image;
    struct vbd vbd;
    bool started; /* vbd */
    bool offered; /* our nodes are written */
    bool discard, said_waiting;
    time_t waiting; /* for the image's lock since; 0: not */
    char target[512];
};

static struct disk *disk_of(struct xenbus_device *device)
{
    struct disk *d = device->data;
    char vdev[32];

    if (!d) {
        d = calloc(1, sizeof(*d));
        if (!d)
            return NULL;
        device->data = d;
        d->device = device;
        vdev_name(device->id, vdev);
        snprintf(device->name, sizeof(device->name), "domain %u, disk %s", device->domid, vdev);
    }
    return d;
}

/* --- the toolstack's side --- */

/* params: a path, perhaps behind a format. */
static int parse_target(struct disk *d, const char *params, struct failure *why)
{
    static const char *const raw[] = {"aio:", "raw:"};
    const char *path = params;

    for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++)
        if (!strncmp(params, raw[i], strlen(raw[i])))
            path = params + strlen(raw[i]);
    if (*path == '\0')
        return fail(why, EINVAL, "there is no medium, which cannot be served");
    if (*path != '/')
        return fail(why, EINVAL, "%s: only raw images by absolute path can be served", params);
    if (strlen(path) >= sizeof(d->target))
        return fail(why, ENAMETOOLONG, "the path %s is too long", path);
    strcpy(d->target, path);
    return 0;
}

static int open_image(struct disk *d, struct failure *why)
{
    char *params = xenbus_read_back(d->device, "params");
    char *mode = xenbus_read_back(d->device, "mode");
    char *discard = xenbus_read_back(d->device, "discard-enable");
    bool writable = mode && strchr(mode, 'w');
    int rc;

    if (!params || !mode)
        rc = fail(why, errno, "its nodes params and mode cannot be read: %s", strerror(errno));
    else
        rc = parse_target(d, params, why);
    if (rc == 0 && !(d->image = image_open(d->target, writable, why))) {
        rc = -1;
    }
    d->discard = rc == 0 && writable && (!discard || strcmp(discard, "0"));
    free(params);
    free(mode);
    free(discard);
    return rc;
}

static time_t seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1;
}

/* A predecessor's I/O is waited for as long as it takes: it ends with its device's. */
static enum xenbus_step lock_image(struct disk *d, bool resume, struct failure *why)
{
    const time_t now = seconds();
    int rc = image_lock(d->image, why);

    if (rc == 0) {
        d->waiting = 0;
        return XENBUS_DONE;
    }
    if (rc < 0) {
        fail_prefix(why, "%s: ", d->target);
        return XENBUS_FAILED;
    }
    if (!d->waiting)
        d->waiting = now;
    if (now - d->waiting < LOCK_SECONDS)
        return XENBUS_LATER;
    if (!resume) {
        d->waiting = 0; /* a frontend that tries again has its patience anew */
        fail(why, EBUSY, "%s is locked by another program (flock)", d->target);
        return XENBUS_FAILED;
    }
    if (!d->said_waiting)
        fprintf(stderr,
                "bonsai-blkd: %s: %s is still locked, by I/O that does not end or another "
                "program (flock); waiting\n",
                d->device->name, d->target);
    d->said_waiting = true;
    return XENBUS_LATER;
}

static uint32_t info_bits(struct disk *d)
{
    char *type = xenbus_read_back(d->device, "device-type");
    uint32_t bits = d->image->writable ? 0 : VDISK_READONLY;

    if (type && !strcmp(type, "cdrom"))
        bits |= VDISK_CDROM | VDISK_REMOVABLE;
    free(type);
    return bits;
}

/* What a frontend may read once we are in InitWait. */
static int offer(struct disk *d, struct failure *why)
{
    const struct image *i = d->image;
    const struct xenbus_node nodes[] = {
        {"feature-flush-cache", 1},
        {"feature-persistent", 1},
        {"feature-max-indirect-segments", SEGMENTS_MAX},
        {"max-ring-page-order", 2},
        {"feature-discard", d->discard},
        {"discard-granularity", i->discard_bytes},
        {"discard-alignment", 0},
        {"discard-secure", 0},
        {"sectors", i->sectors},
        {"sector-size", i->block_bytes},
        {"physical-sector-size", i->physical_bytes},
        {"info", info_bits(d)},
    };

    _Static_assert(1u << 2 == RING_PAGES_MAX, "max-ring-page-order");
    if (xenbus_write_numbers(d->device, nodes, sizeof(nodes) / sizeof(nodes[0])))
        return fail(why, errno, "cannot write its nodes: %s", strerror(errno));
    d->offered = true;
    return 0;
}

static enum xenbus_step prepare(struct xenbus_device *device, bool resume, struct failure *why)
{
    struct disk *d = disk_of(device);
    enum xenbus_step step;

    if (!d) {
        fail(why, ENOMEM, "out of memory");
        return XENBUS_FAILED;
    }
    if (!d->image && open_image(d, why))
        return XENBUS_FAILED;
    step = lock_image(d, resume, why);
    if (step == XENBUS_DONE && !resume && !d->offered && offer(d, why))
        step = XENBUS_FAILED;
    return step;
}

/* --- the frontend's side --- */

/* Text that cannot be read counts as none: it says whose ring it is, and is only compared. */
static void note_identity(struct disk *d, struct journal_ring *ring)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char *vm = store_readf(xenbus_store(d->device->bus), STORE_NO_TX, "/local/domain/%u/vm",
                           d->device->domid);

    if (fd >= 0) {
        if (read(fd, ring->boot, sizeof(ring->boot) - 1) < 0)
            ring->boot[0] = '\0';
        close(fd);
    }
    snprintf(ring->guest, sizeof(ring->guest), "%s", vm ? vm : "");
    free(vm);
    memcpy(ring->target, d->target, sizeof(ring->target));
    ring->domid = d->device->domid;
    ring->vdev = d->device->id;
}

static int bad_node(const char *key, struct failure *why)
{
    return fail(why, errno, "the frontend's node %s: %s", key, strerror(errno));
}

static int read_refs(struct disk *d, struct journal_ring *ring, struct failure *why)
{
    uint64_t order, ref;
    char key[24] = "ring-ref";
    bool single = false;

    if (xenbus_front_number(d->device, "ring-page-order", 2, &order)) {
        if (errno != ENOENT)
            return bad_node("ring-page-order", why);
        order = 0;
    }
    ring->pages = 1u << order;
    if (order == 0)
        single = xenbus_front_number(d->device, key, UINT32_MAX, &ref) == 0 || errno != ENOENT;
    for (uint32_t i = 0; i < ring->pages; i++) {
        if (!single)
            snprintf(key, sizeof(key), "ring-ref%u", i);
        if (xenbus_front_number(d->device, key, UINT32_MAX, &ref))
            return bad_node(key, why);
        ring->refs[i] = (uint32_t)ref;
    }
    return 0;
}

static int read_protocol(struct disk *d, struct failure *why)
{
    char *protocol = xenbus_read_front(d->device, "protocol");
    int rc = 0;

    if (protocol && strcmp(protocol, XEN_IO_PROTO_ABI_NATIVE))
        rc = fail(why, ENOTSUP, "the frontend's protocol is not " XEN_IO_PROTO_ABI_NATIVE);
    free(protocol);
    return rc;
}

static int read_setup(struct disk *d, struct vbd_setup *setup, struct failure *why)
{
    uint64_t port, persistent = 0;

    memset(setup, 0, sizeof(*setup)); /* the ring's identity is compared with its gaps */
    memcpy(setup->name, d->device->name, sizeof(setup->name));
    note_identity(d, &setup->ring);
    if (read_protocol(d, why) || read_refs(d, &setup->ring, why))
        return -1;
    if (xenbus_front_number(d->device, "event-channel", UINT32_MAX, &port))
        return bad_node("event-channel", why);
    setup->ring.port = (uint32_t)port;
    setup->persistent =
        xenbus_front_number(d->device, "feature-persistent", 1, &persistent) == 0 && persistent;
    setup->image = d->image;
    setup->limits = (struct disk_limits){
        .sectors = d->image->sectors,
        .grain = d->image->block_bytes / SECTOR,
        .readonly = !d->image->writable,
        .discard = d->discard,
    };
    return 0;
}

static void broken(void *owner, const struct failure *why)
{
    struct disk *d = owner;

    xenbus_fail(d->device, why);
}

static void idle(void *owner)
{
    struct disk *d = owner;

    xenbus_look_at(d->device);
}

static enum xenbus_step connect_disk(struct xenbus_device *device, bool resume, struct failure *why)
{
    struct disk *d = device->data;
    struct vbd_setup setup;

    if (read_setup(d, &setup, why))
        return XENBUS_FAILED;
    setup.broken = broken;
    setup.idle = idle;
    setup.owner = d;
    if (vbd_start(&d->vbd, xenbus_context(device), &setup, resume, why))
        return XENBUS_FAILED;
    d->started = true;
    return XENBUS_DONE;
}

static bool changed(struct xenbus_device *device)
{
    struct disk *d = device->data;
    struct vbd_setup now;
    struct failure why;

    /* nodes that cannot be read, perhaps for want of a store, are no reason to let go */
    return read_setup(d, &now, &why) == 0 &&
           memcmp(&now.ring, &d->vbd.setup.ring, sizeof(now.ring)) != 0;
}

static bool disconnect(struct xenbus_device *device)
{
    struct disk *d = device->data;

    if (!d->started)
        return true;
    vbd_drain(&d->vbd);
    if (!vbd_is_idle(&d->vbd))
        return false;
    vbd_end(&d->vbd, false);
    d->started = false;
    return true;
}

static void release(struct xenbus_device *device)
{
    const struct vbd_host *host = xenbus_context(device);
    struct disk *d = device->data;

    journal_forget(host->folder, device->domid, device->id);
    if (d && d->image)
        image_close(d->image);
    free(d);
    device->data = NULL;
}

struct xenbus_driver disk_driver(const char *type, struct vbd_host *host)
{
    return (struct xenbus_driver){
        .type = type,
        .program = "bonsai-blkd",
        .context = host,
        .prepare = prepare,
        .connect = connect_disk,
        .changed = changed,
        .disconnect = disconnect,
        .release = release,
    };
}

bool disks_at_rest(struct xenbus *bus)
{
    bool rest = true;

    for (struct xenbus_device *device = xenbus_devices(bus); device; device = device->next) {
        struct disk *d = device->data;

        if (!d || !d->started)
            continue;
        if (d->vbd.mode == VBD_RUNNING)
            vbd_drain(&d->vbd);
        rest = rest && vbd_is_idle(&d->vbd);
    }
    return rest;
}
