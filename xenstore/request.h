/* SPDX-License-Identifier: MIT */
/*
 * One request of a client, carried out. request_run() looks it up in the table of operations, and
 * answers it through the hook: exactly once, unless the answer was that the session is over.
 */
#ifndef XENSTORE_REQUEST_H
#define XENSTORE_REQUEST_H

#include "xenstore/storage.h"
#include "xenstore/transaction.h"

struct request {
    struct session *s;
    struct xsd_sockmsg header; /* len <= XENSTORE_PAYLOAD_MAX */
    const char *body;          /* header.len bytes */
    struct transaction *tx;    /* the header's, NULL for none; set by request_run() */
    /* hook: type is the request's, or XS_ERROR */
    void (*answer)(struct request *r, uint32_t type, const void *data, size_t len);
    bool answered;
};

void request_run(struct request *r);
const char *request_name(uint32_t type); /* NULL: no such operation */

/* For operations. Answers "OK", or with data of up to XENSTORE_PAYLOAD_MAX bytes. */
void request_ok(struct request *r);
void request_answer(struct request *r, const void *data, size_t len);
/*
 * The body as words, each ended by NUL, the last too: how many, up to max; 0 when there are none,
 * more, or the last is not ended.
 */
unsigned request_words(const struct request *r, const char **word, unsigned max);

/* Operations that live elsewhere. */
int xs_control(struct request *r);
int xs_introduce(struct request *r);
int xs_release(struct request *r);
int xs_resume(struct request *r);
int xs_set_target(struct request *r);
int xs_is_domain_introduced(struct request *r);

#endif
