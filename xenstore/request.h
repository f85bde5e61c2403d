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
    struct wire_header header; /* len <= WIRE_BODY_MAX */
    const char *body;          /* header.len bytes */
    struct transaction *tx;    /* the header's, NULL for none; set by request_run() */
    /* hook: type is the request's, or WIRE_ERROR */
    void (*answer)(struct request *r, uint32_t type, const void *data, size_t len);
    bool answered;
};

void request_run(struct request *r);
const char *request_name(uint32_t type); /* NULL: no such operation */

/* For operations. Answers "OK", or with data of up to WIRE_BODY_MAX bytes. */
void request_ok(struct request *r);
void request_answer(struct request *r, const void *data, size_t len);
/*
 * The body as words, each ended by NUL, the last too: how many, up to max; 0 when there are none,
 * more, or the last is not ended.
 */
unsigned request_words(const struct request *r, const char **word, unsigned max);
/* A whole number in decimal, at most max. */
bool parse_number(const char *text, uint64_t max, uint64_t *value);

/* Operations that live elsewhere. */
int op_control(struct request *r);
int op_introduce(struct request *r);
int op_release(struct request *r);
int op_resume(struct request *r);
int op_set_target(struct request *r);
int op_is_introduced(struct request *r);

#endif
