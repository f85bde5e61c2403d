/* SPDX-License-Identifier: MIT */
/* The data path of a disk: see vbd.h. Ring layout: guest-abi io/ring.h, io/blkif.h. */
#include "backends/blkd/vbd_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/lib/evtchn.h"

#define RETRIES_MAX 100u /* of I/O that the kernel asks to be tried again */

void vbd_wake(struct vbd *v)
{
    if (v->awake)
        return;
    v->awake = true;
    v->next_awake = v->host->awake;
    v->host->awake = v;
}

struct vbd *vbd_of_port(const struct vbd_host *host, uint32_t port)
{
    for (struct vbd *v = host->all; v; v = v->next)
        if (v->port == port)
            return v;
    return NULL;
}

bool vbd_is_idle(const struct vbd *v)
{
    return v->in_flight == 0 && !v->finished.first && !v->taken.first;
}

void vbd_drain(struct vbd *v)
{
    if (v->mode == VBD_RUNNING)
        v->mode = VBD_DRAINING;
    vbd_wake(v);
}

/* --- answers --- */

/* All 16 bytes of an answer are ours: what lies between its fields is zero. */
void vbd_put_answer(struct vbd *v, uint32_t index, uint64_t id, uint8_t operation, int16_t status)
{
    blkif_response_t answer;

    memset(&answer, 0, sizeof(answer));
    answer.id = id;
    answer.operation = operation;
    answer.status = status;
    memcpy(RING_GET_RESPONSE(&v->ring, index), &answer, sizeof(answer));
}

static void answer(struct slot *s)
{
    struct vbd *v = s->vbd;
    uint32_t index = v->ring.rsp_prod_pvt;

    if (v->mode == VBD_BROKEN) {
        slots_add(&v->idle, s);
        return;
    }
    journal_answer(s->saved, index, s->job.operation, (int16_t)s->status);
    vbd_put_answer(v, index, s->job.id, s->job.operation, (int16_t)s->status);
    v->ring.rsp_prod_pvt = index + 1;
    slots_add(&v->answered, s);
}

/* The frontend sees what has been answered; then, and only then, the journal forgets it. */
static void publish(struct vbd *v)
{
    struct journal_slot *saved[RING_SLOTS_MAX];
    uint32_t old = v->published, now = v->ring.rsp_prod_pvt;
    struct slot *s;
    size_t n = 0;

    if (now == old || v->mode == VBD_BROKEN)
        return;
    __atomic_store_n(&v->ring.sring->rsp_prod, now, __ATOMIC_RELEASE);
    v->published = now;
    xen_mb();
    if (xen_ring_passes(old, now, __atomic_load_n(&v->ring.sring->rsp_event, __ATOMIC_RELAXED)))
        v->notify = true;
    while ((s = slots_take(&v->answered))) {
        saved[n++] = s->saved;
        slots_add(&v->idle, s);
    }
    journal_published(&v->journal, now, saved, n);
}

static void refuse(struct slot *s, int status, const char *reason)
{
    struct vbd *v = s->vbd;

    if (v->bad++ == 0)
        fprintf(stderr,
                "bonsai-blkd: %s: a bad request (operation %u): %s; answered with an error, more "
                "are only counted\n",
                v->setup.name, s->job.operation, reason);
    s->status = status;
    answer(s);
}

/* --- I/O --- */

/* What is left of the job goes to the kernel. */
static void submit(struct slot *s)
{
    struct vbd *v = s->vbd;
    const struct job *j = &s->job;
    const struct io_file *f = &v->setup.image->file;

    switch (j->kind) {
    case JOB_READ:
        io_read(v->host->io, &s->op, f, s->buffer + s->moved, j->length - s->moved,
                j->offset + s->moved);
        break;
    case JOB_WRITE:
        io_write(v->host->io, &s->op, f, s->buffer + s->moved, j->length - s->moved,
                 j->offset + s->moved, false);
        break;
    case JOB_FLUSH:
        io_flush(v->host->io, &s->op, f);
        break;
    case JOB_FLUSH_WRITE: /* what was written before is durable first, then this is */
        if (!s->flushed)
            io_flush(v->host->io, &s->op, f);
        else
            io_write(v->host->io, &s->op, f, s->buffer + s->moved, j->length - s->moved,
                     j->offset + s->moved, true);
        break;
    case JOB_DISCARD:
        io_discard(v->host->io, &s->op, f, j->offset, j->length);
        break;
    }
}

static bool moves_bytes(const struct slot *s)
{
    return s->job.kind == JOB_READ || s->job.kind == JOB_WRITE ||
           (s->job.kind == JOB_FLUSH_WRITE && s->flushed);
}

/* Notes how far the job is: true when there is more to do. */
static bool advance(struct slot *s, int result)
{
    if ((result == -EAGAIN || result == -EINTR) && s->retries++ < RETRIES_MAX)
        return true;
    if (result < 0) {
        s->status = s->job.kind == JOB_DISCARD && result == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP
                                                                        : BLKIF_RSP_ERROR;
        if (s->status == BLKIF_RSP_ERROR && s->vbd->errors++ == 0)
            fprintf(stderr, "bonsai-blkd: %s: %s at byte %llu: %s; more errors are only counted\n",
                    s->vbd->setup.name,
                    s->job.kind == JOB_READ ? "reading" : "writing, flushing or discarding",
                    (unsigned long long)s->job.offset, strerror(-result));
        return false;
    }
    if (!moves_bytes(s)) {
        bool first_half = s->job.kind == JOB_FLUSH_WRITE;

        s->flushed = true;
        return first_half;
    }
    s->moved += (size_t)result;
    if (result == 0 && s->moved < s->job.length) {
        s->status = BLKIF_RSP_ERROR; /* the image has become shorter */
        return false;
    }
    return s->moved < s->job.length;
}

static void give_data(struct slot *s)
{
    uint8_t *from = s->buffer;

    for (uint32_t i = 0; i < s->job.n_segments; i++) {
        const struct segment *segment = &s->job.segments[i];

        guest_memory_copy(&s->vbd->memory, segment, from, true, &s->failed);
        from += segment->length;
    }
}

void vbd_completed(struct io_op *op, int result)
{
    struct slot *s = (struct slot *)op;
    struct vbd *v = s->vbd;

    if (advance(s, result)) {
        submit(s);
        return;
    }
    v->in_flight--;
    if (s->job.kind == JOB_READ && s->status == BLKIF_RSP_OKAY)
        give_data(s);
    slots_add(&v->finished, s);
    vbd_wake(v);
}

/* --- requests --- */

static void break_ring(struct vbd *v, uint32_t prod)
{
    struct failure why;

    fail(&why, EINVAL,
         "its ring's index of requests (%u) makes no sense: %u taken, %u answered, %u slots", prod,
         v->ring.req_cons, v->ring.rsp_prod_pvt, v->ring.nr_ents);
    v->mode = VBD_BROKEN;
    v->setup.broken(v->setup.owner, &why);
}

/* Judges what the slot's copy asks for; an indirect request's segments are fetched meanwhile. */
void vbd_look_at(struct slot *s)
{
    const struct disk_limits *limits = &s->vbd->setup.limits;
    const char *reason = "";

    s->moved = 0;
    s->retries = 0;
    s->failed = s->flushed = false;
    s->status = request_judge(&s->saved->request, limits, &s->job, &reason);
    if (s->status != BLKIF_RSP_OKAY) {
        refuse(s, s->status, reason);
        return;
    }
    if (s->job.indirect) {
        const struct segment page = {
            .gref = s->job.indirect_page,
            .length = (uint16_t)(s->job.n_segments * sizeof(struct blkif_request_segment)),
        };

        guest_memory_keep(&s->vbd->memory, &page, 1);
        guest_memory_copy(&s->vbd->memory, &page, s->buffer, false, &s->failed);
    }
    slots_add(&s->vbd->taken, s);
}

/* false: refused. */
static bool look_at_segments(struct slot *s)
{
    struct blkif_request_segment raw[SEGMENTS_MAX];
    const char *reason = "its page of segments cannot be read";
    int status = BLKIF_RSP_ERROR;

    if (!s->job.indirect)
        return true;
    if (!s->failed) {
        memcpy(raw, s->buffer, s->job.n_segments * sizeof(raw[0]));
        status = request_judge_indirect(&s->job, raw, &s->vbd->setup.limits, &reason);
    }
    if (status != BLKIF_RSP_OKAY)
        refuse(s, status, reason);
    return status == BLKIF_RSP_OKAY;
}

static void fetch_data(struct slot *s)
{
    uint8_t *to = s->buffer;

    guest_memory_keep(&s->vbd->memory, s->job.segments, s->job.n_segments);
    if (s->job.kind != JOB_WRITE && s->job.kind != JOB_FLUSH_WRITE)
        return;
    for (uint32_t i = 0; i < s->job.n_segments; i++) {
        guest_memory_copy(&s->vbd->memory, &s->job.segments[i], to, false, &s->failed);
        to += s->job.segments[i].length;
    }
}

/* The requests just taken, stage by stage, to the kernel. */
void vbd_start_taken(struct vbd *v)
{
    struct slot_list ready;
    struct slot *s;

    slots_clear(&ready);
    guest_memory_flush(&v->memory);
    while ((s = slots_take(&v->taken)))
        if (look_at_segments(s)) {
            fetch_data(s);
            slots_add(&ready, s);
        }
    guest_memory_flush(&v->memory);
    while ((s = slots_take(&ready))) {
        if (s->failed) {
            refuse(s, BLKIF_RSP_ERROR, "its pages cannot be read");
            continue;
        }
        v->in_flight++;
        submit(s);
    }
}

/* Copies requests off the ring, at most limit. How many; 0 too when the ring is broken. */
static unsigned int take_requests(struct vbd *v, unsigned int limit)
{
    const uint32_t prod = __atomic_load_n(&v->ring.sring->req_prod, __ATOMIC_ACQUIRE);
    const uint32_t room = v->ring.nr_ents - (v->ring.req_cons - v->ring.rsp_prod_pvt);
    unsigned int n = 0;

    if (prod - v->ring.req_cons > room) { /* one that goes back too */
        break_ring(v, prod);
        return 0;
    }
    for (; v->ring.req_cons != prod && n < limit; n++) {
        blkif_request_t request;
        struct slot *s;

        if (!v->idle.first)
            publish(v); /* answered slots become idle */
        s = slots_take(&v->idle);
        assert(s); /* fewer are taken and unanswered than there are slots: see the check above */
        RING_COPY_REQUEST(&v->ring, v->ring.req_cons, &request);
        journal_take(&v->journal, s->saved, v->ring.req_cons, &request);
        v->ring.req_cons++;
        vbd_look_at(s);
    }
    return n;
}

/* Takes what there is, but not more than fits the ring twice: others wait, too. */
static void take_all(struct vbd *v)
{
    unsigned int n = 0, got;
    int more;

    do {
        got = take_requests(v, v->ring.nr_ents);
        vbd_start_taken(v);
        n += got;
        if (v->mode != VBD_RUNNING)
            return;
        RING_FINAL_CHECK_FOR_REQUESTS(&v->ring, more);
    } while (more && n < 2 * v->ring.nr_ents);
    if (more)
        vbd_wake(v);
}

static void run(struct vbd *v)
{
    struct slot *s;

    guest_memory_flush(&v->memory); /* data of reads */
    while ((s = slots_take(&v->finished))) {
        if (s->failed)
            refuse(s, BLKIF_RSP_ERROR, "its pages cannot be written");
        else
            answer(s);
    }
    if (v->mode == VBD_RUNNING)
        take_all(v);
    publish(v);
    if (v->notify) /* a guest that has closed its end is on its way out */
        (void)evtchn_notify(v->host->evtchn, v->port);
    v->notify = false;
    if (v->mode != VBD_RUNNING && vbd_is_idle(v))
        v->setup.idle(v->setup.owner);
}

void vbd_run_all(struct vbd_host *host)
{
    struct vbd *list = host->awake, *v;

    host->awake = NULL; /* what wakes up meanwhile is for the next turn */
    while ((v = list)) {
        list = v->next_awake;
        v->awake = false;
        run(v);
    }
}
