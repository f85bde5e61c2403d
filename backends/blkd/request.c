/* SPDX-License-Identifier: MIT */
/* Judging requests: see request.h. */
#include "backends/blkd/request.h"

#include <string.h>

_Static_assert(SEGMENTS_MAX * sizeof(struct blkif_request_segment) <= SEGMENT_BYTES_MAX,
               "all segments of an indirect request lie in its first page");
_Static_assert(offsetof(struct blkif_request, id) == offsetof(struct blkif_request_discard, id) &&
                   offsetof(struct blkif_request, id) ==
                       offsetof(struct blkif_request_indirect, id),
               "every kind of request has its id in the same place");

static int bad(const char **reason, const char *what)
{
    *reason = what;
    return BLKIF_RSP_ERROR;
}

static int unsupported(const char **reason, const char *what)
{
    *reason = what;
    return BLKIF_RSP_EOPNOTSUPP;
}

/* n sectors from first on: whole grains inside the disk? */
static bool inside(uint64_t first, uint64_t n, const struct disk_limits *limits)
{
    return first <= limits->sectors && n <= limits->sectors - first && first % limits->grain == 0 &&
           n % limits->grain == 0;
}

/* Segments to job->segments, their sum to job->length; the place on the disk is checked last. */
static int take_segments(struct job *job, const struct blkif_request_segment *raw, uint32_t n,
                         const struct disk_limits *limits, const char **reason)
{
    uint64_t sectors = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct blkif_request_segment *s = &raw[i];

        if (s->first_sect > s->last_sect || s->last_sect >= SEGMENT_BYTES_MAX / SECTOR)
            return bad(reason, "a segment's sectors do not lie in its page");
        job->segments[i] = (struct segment){
            .gref = s->gref,
            .offset = (uint16_t)(s->first_sect * SECTOR),
            .length = (uint16_t)((s->last_sect - s->first_sect + 1u) * SECTOR),
        };
        sectors += s->last_sect - s->first_sect + 1u;
    }
    job->n_segments = n;
    job->length = sectors * SECTOR;
    if (!inside(job->offset, sectors, limits))
        return bad(reason, "it reaches past the end of the disk or into a sector's middle");
    job->offset *= SECTOR;
    return BLKIF_RSP_OKAY;
}

static int judge_direction(struct job *job, uint8_t operation, const struct disk_limits *limits,
                           const char **reason)
{
    job->kind = operation == BLKIF_OP_READ ? JOB_READ : JOB_WRITE;
    if (job->kind == JOB_WRITE && limits->readonly)
        return bad(reason, "it writes to a disk that is read-only");
    return BLKIF_RSP_OKAY;
}

static int judge_direct(const blkif_request_t *r, const struct disk_limits *limits, struct job *job,
                        const char **reason)
{
    int status = judge_direction(job, r->operation, limits, reason);

    if (status != BLKIF_RSP_OKAY)
        return status;
    if (r->nr_segments == 0 || r->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
        return bad(reason, "it has no segments or too many");
    job->offset = r->sector_number;
    return take_segments(job, r->seg, r->nr_segments, limits, reason);
}

static int judge_flush(const blkif_request_t *r, const struct disk_limits *limits, struct job *job,
                       const char **reason)
{
    job->kind = JOB_FLUSH;
    if (r->nr_segments == 0)
        return BLKIF_RSP_OKAY;
    if (r->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
        return bad(reason, "it has too many segments");
    if (limits->readonly)
        return bad(reason, "it writes to a disk that is read-only");
    job->kind = JOB_FLUSH_WRITE;
    job->offset = r->sector_number;
    return take_segments(job, r->seg, r->nr_segments, limits, reason);
}

static int judge_discard(const blkif_request_t *request, const struct disk_limits *limits,
                         struct job *job, const char **reason)
{
    struct blkif_request_discard r;

    memcpy(&r, request, sizeof(r));
    job->kind = JOB_DISCARD;
    if (!limits->discard || (r.flag & BLKIF_DISCARD_SECURE) != 0)
        return unsupported(reason, "this kind of discard is not offered");
    if (limits->readonly)
        return bad(reason, "it discards on a disk that is read-only");
    if (r.nr_sectors == 0 || !inside(r.sector_number, r.nr_sectors, limits))
        return bad(reason, "it reaches past the end of the disk or into a sector's middle");
    job->offset = r.sector_number * SECTOR;
    job->length = r.nr_sectors * SECTOR;
    return BLKIF_RSP_OKAY;
}

static int judge_indirect(const blkif_request_t *request, const struct disk_limits *limits,
                          struct job *job, const char **reason)
{
    struct blkif_request_indirect r;

    memcpy(&r, request, sizeof(r));
    job->operation = r.indirect_op;
    if (r.indirect_op != BLKIF_OP_READ && r.indirect_op != BLKIF_OP_WRITE)
        return bad(reason, "an indirect request can only read or write");
    if (r.nr_segments == 0 || r.nr_segments > SEGMENTS_MAX)
        return bad(reason, "it has no segments or more than were offered");
    job->indirect = true;
    job->indirect_page = r.indirect_grefs[0];
    job->n_segments = r.nr_segments;
    job->offset = r.sector_number;
    return judge_direction(job, r.indirect_op, limits, reason);
}

int request_judge(const blkif_request_t *request, const struct disk_limits *limits, struct job *job,
                  const char **reason)
{
    job->operation = request->operation;
    job->id = request->id;
    job->indirect = false;
    job->offset = job->length = 0;
    job->n_segments = 0;
    switch (request->operation) {
    case BLKIF_OP_READ:
    case BLKIF_OP_WRITE:
        return judge_direct(request, limits, job, reason);
    case BLKIF_OP_FLUSH_DISKCACHE:
        return judge_flush(request, limits, job, reason);
    case BLKIF_OP_DISCARD:
        return judge_discard(request, limits, job, reason);
    case BLKIF_OP_INDIRECT:
        return judge_indirect(request, limits, job, reason);
    default:
        return unsupported(reason, "there is no such operation here");
    }
}

int request_judge_indirect(struct job *job, const struct blkif_request_segment *raw,
                           const struct disk_limits *limits, const char **reason)
{
    job->indirect = false;
    return take_segments(job, raw, job->n_segments, limits, reason);
}
