/* SPDX-License-Identifier: MIT */
/* A disk: requests, what the backend says of it, and its handshake. See blkfront.h. */
#include "frontends/blkfront_private.h"

static void unlink_request(struct blkfront *b, struct blk_request *r)
{
    struct blk_request **at = &b->requests;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    if (b->requests_end == &r->next)
        b->requests_end = at;
    if (b->issuing == r)
        b->issuing = r->next;
}

static void finish(struct blkfront *b, struct blk_request *r)
{
    unlink_request(b, r);
    r->next = NULL;
    *b->finished_end = r;
    b->finished_end = &r->next;
}

void blk_answered(struct blkfront *b, struct blk_request *r, uint64_t sectors, int status)
{
    r->answered += sectors;
    if (status != 0)
        r->status = status;
    if (r->answered == blk_total(r))
        finish(b, r);
}

/* Calls back what is finished: last, since a callback may submit or free. */
static void call_back(struct blkfront *b)
{
    while (b->finished != NULL) {
        struct blk_request *r = b->finished;
        b->finished = r->next;
        if (b->finished == NULL)
            b->finished_end = &b->finished;
        r->finished = true;
        if (r->done != NULL)
            r->done(r);
    }
}

static void fail_all(struct blkfront *b)
{
    while (b->requests != NULL) {
        b->requests->status = -XEN_EIO;
        finish(b, b->requests);
    }
}

static int check(const struct blkfront *b, const struct blk_request *r)
{
    const struct blkfront_info *i = &b->info;
    uint32_t unit = i->sector_size / 512;

    switch (r->operation) {
    case BLKIF_OP_FLUSH_DISKCACHE:
        return i->flush ? 0 : -XEN_EOPNOTSUPP;
    case BLKIF_OP_DISCARD:
        if (!i->discard)
            return -XEN_EOPNOTSUPP;
        break;
    case BLKIF_OP_READ:
    case BLKIF_OP_WRITE:
        break;
    default:
        return -XEN_EINVAL;
    }
    if (r->sectors == 0 || r->sector % unit != 0 || r->sectors % unit != 0 ||
        r->sector > i->sectors || r->sectors > i->sectors - r->sector)
        return -XEN_EINVAL;
    return r->operation != BLKIF_OP_READ && i->readonly ? -XEN_EROFS : 0;
}

static int prepare(struct xenbus_device *d)
{
    return blk_ring_prepare(d->driver);
}

static int publish(struct xenbus_device *d, store_tx tx)
{
    struct blkfront *b = d->driver;
    int err = store_printf(d->store, tx, d->path, "ring-ref", "%u", b->ring_page.ref);

    if (err == 0)
        err = store_printf(d->store, tx, d->path, "event-channel", "%u", b->port);
    if (err == 0)
        err = store_printf(d->store, tx, d->path, "protocol", "%s", XEN_IO_PROTO_ABI_NATIVE);
    /* our pages stay granted as long as the connection lasts, whoever the backend is */
    if (err == 0)
        err = store_printf(d->store, tx, d->path, "feature-persistent", "1");
    return err;
}

/* A node that is a number; a node that must be there has no default. */
struct number {
    const char *node;
    bool needed;
    uint64_t value; /* in: the default */
};
enum { SECTORS, SECTOR_SIZE, INFO, FLUSH, DISCARD, SEGMENTS, NUMBERS };

static int judge(struct blkfront *b, const struct number *n)
{
    uint64_t size = n[SECTOR_SIZE].value, segments = n[SEGMENTS].value;

    if (size < 512 || size > OS_PAGE_SIZE || (size & (size - 1)) != 0)
        return xenbus_break(&b->bus, "sectors of %llu bytes", (unsigned long long)size);
    if (n[SECTORS].value == 0 || n[SECTORS].value > UINT64_MAX / 512 ||
        n[SECTORS].value % (size / 512) != 0)
        return xenbus_break(&b->bus, "a disk of %llu sectors",
                            (unsigned long long)n[SECTORS].value);
    if (b->info.sectors != 0 && b->info.sectors != n[SECTORS].value)
        os_log("%s: had %llu sectors, now %llu", b->bus.path, (unsigned long long)b->info.sectors,
               (unsigned long long)n[SECTORS].value);
    if (segments < BLKIF_MAX_SEGMENTS_PER_REQUEST)
        segments = BLKIF_MAX_SEGMENTS_PER_REQUEST;
    b->info = (struct blkfront_info){
        .sectors = n[SECTORS].value,
        .sector_size = (uint32_t)size,
        .readonly = (n[INFO].value & VDISK_READONLY) != 0,
        .cdrom = (n[INFO].value & VDISK_CDROM) != 0,
        .removable = (n[INFO].value & VDISK_REMOVABLE) != 0,
        .flush = n[FLUSH].value != 0,
        .discard = n[DISCARD].value != 0,
        .segments = segments < BLK_SEGMENTS ? (unsigned)segments : BLK_SEGMENTS,
    };
    return 0;
}

/* Requests that the disk, as it now is, cannot take. */
static void recheck(struct blkfront *b)
{
    struct blk_request *next;

    for (struct blk_request *r = b->requests; r != NULL; r = next) {
        next = r->next;
        if (check(b, r) == 0)
            continue;
        r->status = -XEN_EIO;
        finish(b, r);
    }
}

static int connect(struct xenbus_device *d)
{
    struct blkfront *b = d->driver;
    struct number numbers[NUMBERS] = {
        [SECTORS] = {"sectors", true, 0},
        [SECTOR_SIZE] = {"sector-size", false, 512},
        [INFO] = {"info", false, 0},
        [FLUSH] = {"feature-flush-cache", false, 0},
        [DISCARD] = {"feature-discard", false, 0},
        [SEGMENTS] = {"feature-max-indirect-segments", false, 0},
    };

    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t missing = numbers[i].value;
        int err = xenbus_backend_u64(d, numbers[i].node, missing, &numbers[i].value);
        if (err == -XEN_EINVAL)
            return xenbus_break(d, "its node %s is no number", numbers[i].node);
        if (err != 0)
            return err;
    }
    int err = judge(b, numbers);
    if (err != 0)
        return err;
    recheck(b);
    b->running = true;
    return 0;
}

/* Everything that is not finished is to be asked again. */
static void drop(struct xenbus_device *d)
{
    struct blkfront *b = d->driver;

    blk_ring_drop(b);
    for (struct blk_request *r = b->requests; r != NULL; r = r->next) {
        r->issued = r->answered = 0;
        r->status = 0;
    }
    b->issuing = b->requests;
}

static const struct xenbus_ops ops = {XenbusStateInitialised, prepare, publish, connect, drop};

int blkfront_open(struct blkfront **out, struct store *s, const char *path)
{
    struct blkfront *b = os_alloc(sizeof(*b));
    uint64_t device;

    if (b == NULL)
        return -XEN_ENOMEM;
    b->requests_end = &b->requests;
    b->finished_end = &b->finished;
    int err = store_read_u64(s, STORE_NO_TX, path, "virtual-device", &device);
    if (err == 0) {
        b->handle = (uint16_t)device; /* a number over 65535 has no place in the message */
        err = xenbus_open(&b->bus, s, path, &ops, b);
    }
    if (err != 0) {
        os_free(b);
        return err;
    }
    *out = b;
    return 0;
}

int blkfront_wait(struct blkfront *b, uint64_t deadline)
{
    return xenbus_wait(&b->bus, deadline);
}

void blkfront_close(struct blkfront *b)
{
    xenbus_close(&b->bus);
    fail_all(b);
    call_back(b);
    graveyard_sweep(&b->graves);
    if (b->graves.pages != 0)
        os_log("%s: the backend keeps %u pages, which are lost", b->bus.path, b->graves.pages);
    os_free(b);
}

const struct blkfront_info *blkfront_info(const struct blkfront *b)
{
    return &b->info;
}

int blkfront_submit(struct blkfront *b, struct blk_request *r)
{
    if (b->bus.phase == XENBUS_GONE)
        return -XEN_EIO;
    if (b->info.sectors == 0)
        return -XEN_EAGAIN;
    int err = check(b, r);
    if (err != 0)
        return err;
    r->finished = false;
    r->status = 0;
    r->issued = r->answered = 0;
    r->next = NULL;
    *b->requests_end = r;
    b->requests_end = &r->next;
    if (b->issuing == NULL)
        b->issuing = r;
    if (b->running)
        blk_ring_send(b);
    return 0;
}

void blkfront_poll(struct blkfront *b)
{
    if (b->graves.graves != NULL)
        graveyard_sweep(&b->graves);
    xenbus_poll(&b->bus);
    if (b->running)
        blk_ring_take(b);
    if (b->running)
        blk_ring_send(b);
    if (b->graves.pages > BLK_GRAVES)
        xenbus_break(&b->bus, "it keeps %u pages", b->graves.pages);
    if (b->bus.phase == XENBUS_GONE)
        fail_all(b);
    call_back(b);
}

int blkfront_do(struct blkfront *b, uint8_t operation, uint64_t sector, void *buffer,
                uint64_t sectors)
{
    struct blk_request r = {
        .operation = operation, .sector = sector, .buffer = buffer, .sectors = sectors};
    int err = blkfront_submit(b, &r);

    if (err != 0)
        return err;
    for (;;) {
        blkfront_poll(b);
        if (r.finished)
            return r.status;
        os_wait(OS_NEVER);
    }
}
