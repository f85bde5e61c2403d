/* SPDX-License-Identifier: MIT */
/* A disk's journal: see journal.h. */
#include "backends/blkd/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC   0x6c6e6a64626b6c62ull
#define VERSION 1u

struct journal_file {
    uint64_t magic;
    uint32_t version, n_slots;
    struct journal_ring ring;
    uint32_t checksum;        /* of all above */
    uint32_t taken, answered; /* indices of the next request, of the next answer */
    struct journal_slot slots[];
};

/* Fletcher's, to tell a damaged head from a whole one; nobody is to be kept out by it. */
static uint32_t checksum(const struct journal_file *f)
{
    const uint8_t *p = (const uint8_t *)f;
    uint32_t a = 1, b = 0;

    for (size_t i = 0; i < offsetof(struct journal_file, checksum); i++) {
        a = (a + p[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static uint32_t slots_of(const struct journal_ring *ring)
{
    return (uint32_t)__CONST_RING_SIZE(blkif, ring->pages * 4096u);
}

static size_t size_of(uint32_t n_slots)
{
    return sizeof(struct journal_file) + n_slots * sizeof(struct journal_slot);
}

static int name(struct journal *j, const char *folder, const struct journal_ring *ring,
                struct failure *why)
{
    *j = (struct journal){0};
    if (ring->pages == 0 || ring->pages > RING_PAGES_MAX)
        return fail(why, EINVAL, "a ring of %u pages", ring->pages);
    j->n_slots = slots_of(ring);
    if (snprintf(j->path, sizeof(j->path), "%s/%u-%u", folder, ring->domid, ring->vdev) >=
        (int)sizeof(j->path) - 4)
        return fail(why, ENAMETOOLONG, "the name %s is too long for a folder of journals", folder);
    return 0;
}

static int map(struct journal *j, int fd, struct failure *why)
{
    void *p =
        mmap(NULL, size_of(j->n_slots), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);

    if (p == MAP_FAILED)
        return fail(why, errno, "cannot map %s: %s", j->path, strerror(errno));
    j->file = p;
    j->slots = j->file->slots;
    return 0;
}

/* Made under another name, so that what has the right name is whole; and with all its memory, or a
 * full filesystem would be found out by a signal later. */
int journal_create(struct journal *j, const char *folder, const struct journal_ring *ring,
                   struct failure *why)
{
    char new[sizeof(j->path)];
    int fd, rc, error;

    if (name(j, folder, ring, why))
        return -1;
    snprintf(new, sizeof(new), "%.*s.new", (int)sizeof(new) - 5, j->path);
    fd = open(new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(why, errno, "cannot make %s: %s", new, strerror(errno));
    error = posix_fallocate(fd, 0, (off_t)size_of(j->n_slots));
    rc = error ? fail(why, error, "no room for %s: %s", new, strerror(error)) : map(j, fd, why);
    close(fd);
    if (rc == 0) {
        j->file->magic = MAGIC;
        j->file->version = VERSION;
        j->file->n_slots = j->n_slots;
        j->file->ring = *ring;
        j->file->checksum = checksum(j->file);
        if (rename(new, j->path)) {
            rc = fail(why, errno, "cannot make %s: %s", j->path, strerror(errno));
            journal_close(j);
        }
    }
    if (rc)
        unlink(new);
    return rc;
}

static int check(const struct journal *j, const struct journal_ring *ring, struct failure *why)
{
    const struct journal_file *f = j->file;

    if (f->magic != MAGIC || f->version != VERSION || f->n_slots != j->n_slots ||
        f->checksum != checksum(f))
        return fail(why, EINVAL, "the journal %s is damaged", j->path);
    if (memcmp(&f->ring, ring, sizeof(*ring)))
        return fail(why, EINVAL, "the journal %s is another ring's", j->path);
    return 0;
}

int journal_open(struct journal *j, const char *folder, const struct journal_ring *ring,
                 struct failure *why)
{
    struct stat st;
    int fd, rc;

    if (name(j, folder, ring, why))
        return -1;
    fd = open(j->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail(why, errno, "the journal %s cannot be opened: %s", j->path, strerror(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (size_t)st.st_size != size_of(j->n_slots))
        rc = fail(why, EINVAL, "the journal %s has a wrong size", j->path);
    else
        rc = map(j, fd, why);
    close(fd);
    if (rc == 0 && (rc = check(j, ring, why)) != 0)
        journal_close(j);
    return rc;
}

void journal_close(struct journal *j)
{
    if (j->file)
        munmap(j->file, size_of(j->n_slots));
    j->file = NULL;
    j->slots = NULL;
}

void journal_remove(struct journal *j)
{
    if (!j->file)
        return;
    if (unlink(j->path) && errno != ENOENT)
        fprintf(stderr, "bonsai-blkd: cannot remove %s: %s\n", j->path, strerror(errno));
    journal_close(j);
}

void journal_forget(const char *folder, uint32_t domid, uint32_t vdev)
{
    char path[sizeof(((struct journal *)0)->path)];

    if (snprintf(path, sizeof(path), "%s/%u-%u", folder, domid, vdev) < (int)sizeof(path) &&
        unlink(path) && errno != ENOENT)
        fprintf(stderr, "bonsai-blkd: cannot remove %s: %s\n", path, strerror(errno));
}

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* Slots that do not count become FREE; how many of each other state are left. false: nonsense. */
static bool sweep(struct journal *j, uint32_t rsp_prod, uint32_t *n_taken, uint32_t *n_answered)
{
    *n_taken = *n_answered = 0;
    for (uint32_t i = 0; i < j->n_slots; i++) {
        struct journal_slot *s = &j->slots[i];

        if ((s->state == JOURNAL_TAKEN && !before(s->index, j->file->taken)) ||
            (s->state == JOURNAL_ANSWERED && before(s->index, rsp_prod)))
            s->state = JOURNAL_FREE;
        if (s->state > JOURNAL_ANSWERED)
            return false;
        *n_taken += s->state == JOURNAL_TAKEN;
        *n_answered += s->state == JOURNAL_ANSWERED;
    }
    return true;
}

/* Whether the answers not yet published are those from rsp_prod on, each once. */
static bool in_a_row(const struct journal *j, uint32_t rsp_prod, uint32_t n_answered)
{
    bool seen[RING_SLOTS_MAX] = {false};

    for (uint32_t i = 0; i < j->n_slots; i++) {
        uint32_t at = j->slots[i].index - rsp_prod;

        if (j->slots[i].state != JOURNAL_ANSWERED)
            continue;
        if (at >= n_answered || seen[at])
            return false;
        seen[at] = true;
    }
    return true;
}

int journal_recover(struct journal *j, uint32_t rsp_prod, uint32_t *taken, uint32_t *answered,
                    struct failure *why)
{
    struct journal_file *f = j->file;
    uint32_t n_taken, n_answered, outstanding = f->taken - rsp_prod;

    if (!sweep(j, rsp_prod, &n_taken, &n_answered) || !in_a_row(j, rsp_prod, n_answered) ||
        rsp_prod - f->answered > j->n_slots || n_taken + n_answered != outstanding)
        return fail(why, EINVAL,
                    "the journal %s and the ring do not add up (%u requests taken, %u answered, of "
                    "which the journal knew %u)",
                    j->path, f->taken, rsp_prod, f->answered);
    f->answered = rsp_prod;
    *taken = f->taken;
    *answered = rsp_prod;
    return 0;
}

void journal_take(struct journal *j, struct journal_slot *s, uint32_t index,
                  const blkif_request_t *request)
{
    s->request = *request;
    s->index = index;
    __atomic_store_n(&s->state, JOURNAL_TAKEN, __ATOMIC_RELEASE);
    __atomic_store_n(&j->file->taken, index + 1, __ATOMIC_RELEASE);
}

void journal_answer(struct journal_slot *s, uint32_t index, uint8_t operation, int16_t status)
{
    /* TAKEN with the answer's index would be lost to a successor: both change in one store */
    const struct journal_slot next = {.state = JOURNAL_ANSWERED, .index = index};

    s->status = status;
    s->operation = operation;
    __atomic_store_n(&s->both, next.both, __ATOMIC_RELEASE);
}

_Static_assert(sizeof(struct journal_slot) % 8 == 0 &&
                   offsetof(struct journal_file, slots) % 8 == 0,
               "state and index of a slot are one aligned word");

void journal_published(struct journal *j, uint32_t index, struct journal_slot *const *slots,
                       size_t n)
{
    __atomic_store_n(&j->file->answered, index, __ATOMIC_RELEASE);
    for (size_t i = 0; i < n; i++)
        __atomic_store_n(&slots[i]->state, JOURNAL_FREE, __ATOMIC_RELEASE);
}
