/* SPDX-License-Identifier: MIT */
/* fake: see fake.h. */
#include "fake.h"
#include "backends/lib/evtchn.h"

#include <errno.h>
#include <linux/falloc.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct fake fake;
unsigned int fake_broken, fake_idle;
struct failure fake_why;
const char *fake_place = "/tmp";

struct pending {
    struct io_op *op;
    enum { READ, WRITE, FLUSH, DISCARD, READABLE } kind;
    int fd;
    void *buffer;
    size_t n;
    uint64_t offset;
};
static struct pending queue[8192];

static void *shared(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        abort();
    return p;
}

void fake_reset(void)
{
    uint8_t(*pages)[4096] = fake.pages;
    uint8_t *access = fake.access;

    if (!pages) {
        pages = shared(FAKE_PAGES * 4096u);
        access = shared(FAKE_PAGES);
    }
    fake = (struct fake){.pages = pages, .access = access};
    if (madvise(pages, FAKE_PAGES * 4096u, MADV_REMOVE)) /* zero again, and no memory used */
        memset(pages, 0, FAKE_PAGES * 4096u);
    memset(access, FAKE_NONE, FAKE_PAGES);
    fake_broken = fake_idle = 0;
}

/* --- backends/lib/gntdev.h --- */

int gntdev_open(void)
{
    return open("/dev/null", O_RDONLY);
}

/* Pages that follow each other come as they are; others are copied together only in the real
 * thing, so here each mapping is a list of pages in a row or fails. */
void *gntdev_map_refs(int fd, uint32_t domid, const uint32_t *refs, size_t n, uint64_t *index)
{
    (void)fd;
    fake.maps++;
    if (domid != FAKE_DOMID || n == 0)
        abort();
    for (size_t i = 0; i < n; i++)
        if (refs[i] >= FAKE_PAGES || refs[i] != refs[0] + i || fake.access[refs[i]] != FAKE_WRITE) {
            errno = EINVAL;
            return NULL;
        }
    fake.mapped += n;
    *index = refs[0];
    return fake.pages[refs[0]];
}

void gntdev_unmap_refs(int fd, void *pages, size_t n, uint64_t index)
{
    (void)fd;
    if (pages != fake.pages[index] || fake.mapped < n)
        abort();
    fake.mapped -= n;
}

int gntdev_copy(int fd, struct gntdev_copy *copies, size_t n)
{
    (void)fd;
    fake.copies++;
    for (size_t i = 0; i < n; i++) {
        struct gntdev_copy *c = &copies[i];
        uint8_t need = c->to_guest ? FAKE_WRITE : FAKE_READ;

        if (c->domid != FAKE_DOMID || c->offset + c->length > 4096)
            abort();
        c->failed = c->ref >= FAKE_PAGES || fake.access[c->ref] < need;
        if (c->failed)
            continue;
        if (c->to_guest)
            memcpy(fake.pages[c->ref] + c->offset, c->here, c->length);
        else
            memcpy(c->here, fake.pages[c->ref] + c->offset, c->length);
    }
    return 0;
}

/* --- backends/lib/evtchn.h --- */

int evtchn_bind_interdomain(int fd, uint32_t domid, uint32_t remote_port)
{
    (void)fd;
    errno = fake.bind_errno ? fake.bind_errno : EINVAL;
    if (fake.bind_errno || domid != FAKE_DOMID || remote_port != FAKE_PORT)
        return -1;
    fake.bound = true;
    return FAKE_LOCAL;
}

int evtchn_unbind(int fd, uint32_t port)
{
    (void)fd;
    if (port != FAKE_LOCAL || !fake.bound)
        abort();
    fake.bound = false;
    return 0;
}

int evtchn_notify(int fd, uint32_t port)
{
    (void)fd;
    if (port != FAKE_LOCAL || !fake.bound)
        abort();
    fake.notified++;
    return 0;
}

/* --- backends/blkd/io.h --- */

static int perform(const struct pending *p)
{
    size_t n = p->n - fake.short_by;
    ssize_t r = 0;

    if (fake.io_error) {
        r = fake.io_error;
        fake.io_error = 0;
        return (int)r;
    }
    if (p->kind == READ)
        r = pread(p->fd, p->buffer, n, (off_t)p->offset);
    else if (p->kind == WRITE)
        r = pwrite(p->fd, p->buffer, n, (off_t)p->offset);
    else if (p->kind == DISCARD)
        r = fallocate(p->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)p->offset,
                      (off_t)p->n);
    fake.short_by = 0;
    return r < 0 ? -errno : (int)r;
}

void fake_complete(size_t which)
{
    struct pending p = queue[which];

    if (which >= fake.pending)
        abort();
    fake.pending--;
    memmove(&queue[which], &queue[which + 1], (fake.pending - which) * sizeof(*queue));
    p.op->done(p.op, perform(&p));
}

void fake_complete_all(void)
{
    while (fake.pending)
        fake_complete(0);
}

static void enqueue(struct pending p)
{
    if (fake.pending == sizeof(queue) / sizeof(queue[0]))
        abort();
    queue[fake.pending++] = p;
}

void io_read(struct io *io, struct io_op *op, const struct io_file *f, void *to, size_t n,
             uint64_t offset)
{
    (void)io;
    fake.reads++;
    enqueue((struct pending){op, READ, f->fd, to, n, offset});
}

void io_write(struct io *io, struct io_op *op, const struct io_file *f, const void *from, size_t n,
              uint64_t offset, bool durable)
{
    (void)io;
    (void)durable;
    fake.writes++;
    enqueue((struct pending){op, WRITE, f->fd, (void *)(uintptr_t)from, n, offset});
}

void io_flush(struct io *io, struct io_op *op, const struct io_file *f)
{
    (void)io;
    fake.flushes++;
    enqueue((struct pending){op, FLUSH, f->fd, NULL, 0, 0});
}

void io_discard(struct io *io, struct io_op *op, const struct io_file *f, uint64_t offset,
                uint64_t n)
{
    (void)io;
    fake.discards++;
    enqueue((struct pending){op, DISCARD, f->fd, NULL, n, offset});
}

/* --- the frontend --- */

void front_init(struct front *f, uint32_t n_pages)
{
    f->n_pages = n_pages;
    for (uint32_t i = 1; i <= n_pages; i++)
        fake.access[i] = FAKE_WRITE;
    XEN_FRONT_RING_INIT(&f->ring, (blkif_sring_t *)(void *)fake.pages[1], n_pages * 4096u);
}

void front_put(struct front *f, const void *request)
{
    memcpy(RING_GET_REQUEST(&f->ring, f->ring.req_prod_pvt), request, sizeof(blkif_request_t));
    f->ring.req_prod_pvt++;
}

void front_push(struct front *f)
{
    RING_PUSH_REQUESTS(&f->ring);
}

bool front_take(struct front *f, blkif_response_t *response)
{
    if (__atomic_load_n(&f->ring.sring->rsp_prod, __ATOMIC_ACQUIRE) == f->ring.rsp_cons)
        return false;
    memcpy(response, RING_GET_RESPONSE(&f->ring, f->ring.rsp_cons), sizeof(*response));
    f->ring.rsp_cons++;
    return true;
}

blkif_request_t front_rw(uint8_t operation, uint64_t id, uint64_t sector, uint32_t gref, uint8_t n)
{
    blkif_request_t r;

    memset(&r, 0xee, sizeof(r)); /* nobody clears what he does not use */
    r.operation = operation;
    r.nr_segments = n;
    r.handle = 51712 & 0xffff;
    r.id = id;
    r.sector_number = sector;
    for (uint8_t i = 0; i < n && i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++)
        r.seg[i] =
            (struct blkif_request_segment){.gref = gref + i, .first_sect = 0, .last_sect = 7};
    return r;
}

/* --- the disk --- */

static void broken(void *owner, const struct failure *why)
{
    (void)owner;
    fake_broken++;
    fake_why = *why;
}

static void idle(void *owner)
{
    (void)owner;
    fake_idle++;
}

struct image *fake_image(uint64_t sectors, bool writable)
{
    char path[64];
    struct failure why;
    struct image *image;
    int fd;

    snprintf(path, sizeof(path), "%s/blkd-test-XXXXXX", fake_place);
    fd = mkstemp(path);
    if (fd < 0 || ftruncate(fd, (off_t)(sectors * 512)))
        abort();
    close(fd);
    image = image_open(path, writable, &why);
    if (!image) {
        fprintf(stderr, "%s\n", why.text);
        abort();
    }
    unlink(path);
    return image;
}

struct vbd_setup fake_setup(uint64_t sectors, uint32_t n_pages)
{
    struct vbd_setup s;

    memset(&s, 0, sizeof(s));
    strcpy(s.name, "domain 7, disk xvda");
    strcpy(s.ring.boot, "boot");
    strcpy(s.ring.guest, "/vm/guest");
    s.ring.domid = FAKE_DOMID;
    s.ring.vdev = 51712;
    s.ring.port = FAKE_PORT;
    s.ring.pages = n_pages;
    for (uint32_t i = 0; i < n_pages; i++)
        s.ring.refs[i] = i + 1;
    s.limits = (struct disk_limits){.sectors = sectors, .grain = 1, .discard = true};
    s.broken = broken;
    s.idle = idle;
    return s;
}
