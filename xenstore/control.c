/* SPDX-License-Identifier: MIT */
/*
 * CONTROL: what an administrator asks of the daemon itself. A table with a row a command; what is
 * not in it, or has the wrong number of words, is EINVAL. Answers are text for people.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdarg.h>
#include <string.h>

#include "xenstore/limits.h"
#include "xenstore/log.h"
#include "xenstore/parse.h"
#include "xenstore/request.h"

struct text {
    char bytes[XENSTORE_PAYLOAD_MAX];
    size_t len;
};

/* Appends; what does not fit into an answer is cut off. */
static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(t->bytes + t->len, sizeof(t->bytes) - t->len, fmt, args);
    va_end(args);
    if (n > 0)
        t->len = t->len + (size_t)n < sizeof(t->bytes) ? t->len + (size_t)n : sizeof(t->bytes) - 1;
}

static int answer(struct request *r, const struct text *t)
{
    request_answer(r, t->bytes, t->len + 1);
    return 0;
}

static int check(struct request *r, const char *const *word, unsigned n)
{
    (void)word, (void)n;
    const char *fault = storage_check(r->s->st);
    if (fault == NULL)
        return 0;
    log_line("check: %s", fault);
    struct text t = {.len = 0};
    add(&t, "%s\n", fault);
    return answer(r, &t);
}

static int set_log(struct request *r, const char *const *word, unsigned n)
{
    (void)r, (void)n;
    if (strcmp(word[0], "on") == 0)
        return log_trace(true);
    return strcmp(word[0], "off") == 0 ? log_trace(false) : EINVAL;
}

static int set_log_file(struct request *r, const char *const *word, unsigned n)
{
    (void)r, (void)n;
    return log_trace_file(word[0]);
}

static int print(struct request *r, const char *const *word, unsigned n)
{
    (void)r, (void)n;
    log_line("print: %s", word[0]);
    return 0;
}

static int quota_show(struct request *r)
{
    struct text t = {.len = 0};
    add(&t, "Quota settings:\n");
    for (unsigned i = 0; i < LIMITS; i++)
        add(&t, "%-17s: %8u %s\n", limit_info[i].name, *limit_value(&r->s->st->limits, i),
            limit_info[i].what);
    return answer(r, &t);
}

static int quota_of(struct request *r, const char *word)
{
    uint64_t domid;
    if (!parse_number(word, DOMID_NOBODY - 1, &domid))
        return EINVAL;
    const struct account *a = account_find(r->s->st, (uint16_t)domid);
    if (a == NULL)
        return ENOENT;
    struct text t = {.len = 0};
    add(&t, "Domain %u:\n", a->domid);
    add(&t, "%-16s: %8u\n", "nodes", a->nodes);
    add(&t, "%-16s: %8u\n", "watches", a->watches);
    add(&t, "%-16s: %8u\n", "transactions", a->transactions);
    add(&t, "%-16s: %8u\n", "outstanding", a->outstanding);
    add(&t, "%-16s: %8zu\n", "memory", a->memory);
    return answer(r, &t);
}

static int quota(struct request *r, const char *const *word, unsigned n)
{
    if (n == 0)
        return quota_show(r);
    if (n == 1)
        return quota_of(r, word[0]);
    return n == 3 && strcmp(word[0], "set") == 0 && limit_set(&r->s->st->limits, word[1], word[2])
               ? 0
               : EINVAL;
}

static int memreport(struct request *r, const char *const *word, unsigned n)
{
    struct storage *st = r->s->st;
    struct text t = {.len = 0};
    unsigned sessions = 0;
    (void)word, (void)n;
    for (const struct session *s = st->sessions; s != NULL; s = s->next)
        sessions++;
    add(&t, "generation %" PRIu64 ", connections %u, watched paths %zu\n", st->generation, sessions,
        st->watches.points);
    for (unsigned i = 0; i < ACCOUNT_BUCKETS; i++)
        for (const struct account *a = st->accounts[i]; a != NULL; a = a->next)
            add(&t, "domain %u: nodes %u, watches %u, transactions %u, bytes %zu\n", a->domid,
                a->nodes, a->watches, a->transactions, a->memory);
    return answer(r, &t);
}

static int help(struct request *r, const char *const *word, unsigned n);

static const struct command {
    const char *name, *args;
    unsigned min, max; /* words behind the name */
    int (*run)(struct request *r, const char *const *word, unsigned n);
} commands[] = {
    {"check", "", 0, 0, check},
    {"log", "on|off", 1, 1, set_log},
    {"logfile", "<file>", 1, 1, set_log_file},
    {"memreport", "", 0, 0, memreport},
    {"print", "<text>", 1, 1, print},
    {"quota", "[set <name> <value>|<domid>]", 0, 3, quota},
    {"help", "", 0, 0, help},
};

static int help(struct request *r, const char *const *word, unsigned n)
{
    struct text t = {.len = 0};
    (void)word, (void)n;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        add(&t, "%s\t%s\n", commands[i].name, commands[i].args);
    return answer(r, &t);
}

int xs_control(struct request *r)
{
    const char *word[8];
    unsigned n = request_words(r, word, 8);
    for (size_t i = 0; n > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(word[0], commands[i].name) == 0)
            return n - 1 >= commands[i].min && n - 1 <= commands[i].max
                       ? commands[i].run(r, word + 1, n - 1)
                       : EINVAL;
    return EINVAL;
}
