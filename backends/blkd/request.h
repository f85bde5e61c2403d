/* SPDX-License-Identifier: MIT */
/*
 * A block request, from the copy of a ring slot to a job that is safe to do. Nothing here touches
 * memory that the guest can write: the caller copies, this judges the copy. What a job says has
 * been checked: bytes lie inside the disk, segments inside their pages, writing is allowed.
 *
 * An indirect request is judged in two steps, for its segments lie in a page that has to be copied
 * in between. ABI: xen/io/blkif.h.
 */
#ifndef BLKD_REQUEST_H
#define BLKD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/io/blkif.h>

#define SECTOR            512u
#define SEGMENTS_MAX      32u /* of an indirect request: what we offer, and all in one page */
#define SEGMENT_BYTES_MAX 4096u
#define JOB_BYTES_MAX     (SEGMENTS_MAX * SEGMENT_BYTES_MAX)

/* What this disk allows. */
struct disk_limits {
    uint64_t sectors; /* of 512 bytes */
    uint32_t grain;   /* a job starts and ends on multiples of so many sectors */
    bool readonly, discard;
};

enum job_kind { JOB_READ, JOB_WRITE, JOB_FLUSH, JOB_FLUSH_WRITE, JOB_DISCARD };

struct segment {
    uint32_t gref;
    uint16_t offset, length; /* bytes in the granted page */
};

struct job {
    enum job_kind kind;
    bool indirect;           /* its segments are still to come from indirect_page */
    uint8_t operation;       /* to be echoed in the answer */
    uint64_t id;             /* likewise */
    uint64_t offset, length; /* bytes on the disk; length of JOB_DISCARD may be large, of all others
                                at most JOB_BYTES_MAX */
    uint32_t indirect_page, n_segments;
    struct segment segments[SEGMENTS_MAX];
};

/* Judge a request. BLKIF_RSP_OKAY: *job is filled in; otherwise the answer to give, with job->id
 * and job->operation, and *reason says what was wrong in a few words. */
int request_judge(const blkif_request_t *request, const struct disk_limits *limits, struct job *job,
                  const char **reason);
/* The second step when job->indirect: raw holds job->n_segments of them. Same answers. */
int request_judge_indirect(struct job *job, const struct blkif_request_segment *raw,
                           const struct disk_limits *limits, const char **reason);

#endif
