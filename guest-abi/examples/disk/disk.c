/* SPDX-License-Identifier: MIT */
/*
 * A guest that looks at its disks: for each its size and the SHA-256 of all its bytes; then it
 * waits for xl shutdown. Words of the command line:
 *   write      overwrites each writable disk with a pattern, reads it back, says whether it is the
 *              same, and hashes once more
 *   rounds=N   hashes N times (1), so that there is I/O to be disturbed
 */
#include "frontends/blkfront.h"
#include "frontends/control.h"
#include "frontends/xenbus.h"
#include "guest-abi/examples/disk/sha256.h"
#include "guest-abi/examples/words.h"
#include "guest-abi/kit/kit.h"

#include <xen/sched.h>

#define SECOND  1000000000ull
#define WINDOW  4u   /* requests on their way */
#define SECTORS 256u /* in each */
#define DISKS   16u  /* that are looked at */

struct disk {
    struct blkfront *front;
    const char *name;
    struct blk_request requests[WINDOW];
    uint64_t sectors, next; /* of the disk; what is to be asked next */
};

static struct control control;
static int shutdown_asked;

/* Whether the toolstack has asked; it may while we work. */
static bool asked(void)
{
    if (shutdown_asked <= 0)
        shutdown_asked = control_poll(&control);
    return shutdown_asked > 0;
}

static int ask_next(struct disk *d, struct blk_request *r, uint8_t operation)
{
    uint64_t left = d->sectors - d->next;

    r->operation = operation;
    r->sector = d->next;
    r->sectors = left < SECTORS ? left : SECTORS;
    d->next += r->sectors;
    return blkfront_submit(d->front, r);
}

/* Reads the disk from its begin to its end, WINDOW requests at a time; each part goes to use(). */
static int read_all(struct disk *d, void (*use)(const struct blk_request *r, void *context),
                    void *context)
{
    unsigned asked_for = 0, taken = 0;
    int err = 0;

    d->next = 0;
    while ((err == 0 && d->next < d->sectors) || taken < asked_for) {
        if (err == 0 && d->next < d->sectors && asked_for - taken < WINDOW) {
            err = ask_next(d, &d->requests[asked_for % WINDOW], BLKIF_OP_READ);
            asked_for += err == 0;
            continue;
        }
        struct blk_request *r = &d->requests[taken % WINDOW];
        blkfront_poll(d->front);
        if (!r->finished) {
            os_wait(OS_NEVER);
            continue;
        }
        taken++;
        if (err == 0)
            err = r->status;
        if (err == 0)
            use(r, context);
    }
    return err;
}

static void hash_part(const struct blk_request *r, void *context)
{
    sha256_add(context, r->buffer, r->sectors * 512);
}

static void hash(struct disk *d)
{
    struct sha256 s;
    char hex[65];

    sha256_start(&s);
    int err = read_all(d, hash_part, &s);
    sha256_end(&s, hex);
    if (err == 0)
        printf("%s: sha256 %s\n", d->name, hex);
    else
        printf("%s: cannot be read: error %d\n", d->name, -err);
}

/* What the write check puts into each 8 bytes: where they are, mixed. */
static void pattern(uint64_t *words, uint64_t sector, uint64_t sectors)
{
    for (uint64_t i = 0; i < sectors * 64; i++)
        words[i] = (sector * 64 + i) * 0x9e3779b97f4a7c15ull;
}

static void compare_part(const struct blk_request *r, void *context)
{
    const uint64_t *words = r->buffer;
    uint64_t *wrong = context;

    for (uint64_t i = 0; i < r->sectors * 64; i++)
        *wrong += words[i] != (r->sector * 64 + i) * 0x9e3779b97f4a7c15ull;
}

static void write_check(struct disk *d)
{
    struct blk_request *r = &d->requests[0];
    uint64_t wrong = 0;
    int err = 0;

    for (uint64_t at = 0; at < d->sectors && err == 0; at += r->sectors) {
        r->sectors = d->sectors - at < SECTORS ? d->sectors - at : SECTORS;
        pattern(r->buffer, at, r->sectors);
        err = blkfront_do(d->front, BLKIF_OP_WRITE, at, r->buffer, r->sectors);
    }
    if (err == 0 && blkfront_info(d->front)->flush)
        err = blkfront_do(d->front, BLKIF_OP_FLUSH_DISKCACHE, 0, NULL, 0);
    if (err == 0)
        err = read_all(d, compare_part, &wrong);
    if (err != 0)
        printf("%s: write check failed: error %d\n", d->name, -err);
    else
        printf("%s: write check: %s (%lu words differ)\n", d->name, wrong == 0 ? "good" : "BAD",
               wrong);
}

static void examine(struct disk *d)
{
    const struct blkfront_info *info = blkfront_info(d->front);

    d->sectors = info->sectors;
    printf("%s: %lu bytes, sectors of %u, %s%s%s%s, %u segments\n", d->name, info->sectors * 512,
           info->sector_size, info->readonly ? "read-only" : "read-write",
           info->flush ? ", flush" : "", info->discard ? ", discard" : "",
           info->cdrom ? ", cdrom" : "", info->segments);
    uint64_t rounds = word_number("rounds", 1, 1000000);
    for (uint64_t i = 0; i < rounds && !asked(); i++)
        hash(d);
    if (!word_given("write"))
        return;
    if (info->readonly) {
        int err = blkfront_do(d->front, BLKIF_OP_WRITE, 0, d->requests[0].buffer, 8);
        printf("%s: a write is refused with error %d\n", d->name, -err);
        return;
    }
    write_check(d);
    hash(d);
}

static void use_disk(struct disk *d)
{
    static char buffers[WINDOW][SECTORS * 512];

    for (unsigned i = 0; i < WINDOW; i++)
        d->requests[i].buffer = buffers[i];
    int err = blkfront_wait(d->front, time_now() + 60 * SECOND);
    if (err == 0)
        examine(d);
    else
        printf("%s: the backend is not there: error %d\n", d->name, -err);
}

/* All disks, connected or on their way there, in the order of their numbers. */
static unsigned open_disks(struct store *store, struct disk *disks)
{
    static char paths[DISKS][XENBUS_PATH];
    unsigned count = 0;

    for (unsigned n = 0; count < DISKS && xenbus_nth(store, "vbd", n, paths[count]) == 0; n++) {
        int err = blkfront_open(&disks[count].front, store, paths[count]);
        if (err != 0) {
            printf("%s: cannot be opened: error %d\n", paths[count], -err);
            continue;
        }
        disks[count].name = paths[count];
        count++;
    }
    return count;
}

int guest_main(void)
{
    static struct disk disks[DISKS];
    struct store *store;

    if (store_open(&store) != 0 || control_open(&control, store) != 0)
        guest_panic("no store to hear from the toolstack");
    unsigned count = open_disks(store, disks);
    for (unsigned n = 0; n < count && !asked(); n++)
        use_disk(&disks[n]);
    printf("disk: %u disks seen; waiting for xl shutdown\n", count);
    while (!asked()) {
        os_wait(OS_NEVER);
        for (unsigned n = 0; n < count; n++)
            blkfront_poll(disks[n].front);
    }
    for (unsigned n = 0; n < count; n++)
        blkfront_close(disks[n].front);
    printf("disk: asked to %s\n", shutdown_asked == CONTROL_REBOOT ? "reboot" : "power off");
    return shutdown_asked == CONTROL_REBOOT ? SHUTDOWN_reboot : SHUTDOWN_poweroff;
}
