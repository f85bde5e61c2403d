/* SPDX-License-Identifier: MIT */
/*
 * The store's client: requests and their answers. The stream of bytes below is store_ring.c's.
 *
 * A connection is up, lost (the stream makes no sense or nobody answers; the next request starts it
 * afresh) or broken for good. Each fresh start is an epoch; a transaction belongs to one epoch.
 */
#include "frontends/store_ring.h"

struct store {
    struct store_ring ring;
    struct store_watch *watches;
    uint32_t last_req_id, last_watch_id;
    uint32_t epoch, tx_epoch;
    uint32_t events; /* taken since this was cleared */
    uint64_t heard;  /* when the last request was answered */
    bool lost, broken;
    bool waited; /* in the course of this call */
};

/* a request's body, in pieces */
struct part {
    const void *data;
    size_t len;
};
#define PARTS 3

static int error_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {
        {"EINVAL", XEN_EINVAL}, {"EACCES", XEN_EACCES},   {"EEXIST", XEN_EEXIST},
        {"EISDIR", XEN_EISDIR}, {"ENOENT", XEN_ENOENT},   {"ENOMEM", XEN_ENOMEM},
        {"ENOSPC", XEN_ENOSPC}, {"EIO", XEN_EIO},         {"ENOTEMPTY", XEN_ENOTEMPTY},
        {"ENOSYS", XEN_ENOSYS}, {"EROFS", XEN_EROFS},     {"EBUSY", XEN_EBUSY},
        {"EAGAIN", XEN_EAGAIN}, {"EISCONN", XEN_EISCONN}, {"E2BIG", XEN_E2BIG},
        {"EPERM", XEN_EPERM},
    };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strcmp(name, errors[i].name) == 0)
            return errors[i].number;
    return XEN_EINVAL;
}

/* The stream cannot be trusted from here on. */
static int lose(struct store *s, const char *why)
{
    if (!s->lost)
        os_log("store: %s", why);
    s->lost = true;
    return -XEN_ENOTCONN;
}

/* decimal; false for anything else */
static bool parse_number(const char *text, size_t len, uint64_t *value)
{
    uint64_t n = 0;

    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(text[i] - '0'), &n))
            return false;
    }
    *value = n;
    return true;
}

/* path NUL token NUL: raises that watch. An event for a token that is not (any more) ours is
 * dropped. */
static void take_event(struct store *s, const struct store_message *m)
{
    size_t path = 0;
    uint64_t id;

    s->events++;

    while (path < m->header.len && m->body[path] != '\0')
        path++;
    if (path >= m->header.len)
        return;
    const char *token = m->body + path + 1;
    size_t len = m->header.len - path - 1;
    if (len > 0 && token[len - 1] == '\0')
        len--;
    if (!parse_number(token, len, &id))
        return;
    for (struct store_watch *w = s->watches; w != NULL; w = w->next)
        if (w->id == id)
            w->fired = true;
}

/* Takes what has arrived: events, and with req_id != 0 the answer to it. 1 when that is in the
 * ring's message, 0 when nothing more is there, -XEN_ENOTCONN. */
static int take(struct store *s, uint32_t type, uint32_t req_id)
{
    struct store_message *m = &s->ring.in;

    for (;;) {
        int got = store_ring_receive(&s->ring);
        if (got < 0)
            return lose(s, "what the store sends makes no sense");
        if (got == 0)
            return 0;
        if (m->header.type == XS_WATCH_EVENT) {
            take_event(s, m);
            continue;
        }
        if (req_id == 0 || m->header.req_id != req_id ||
            (m->header.type != type && m->header.type != XS_ERROR))
            return lose(s, "an answer to what was never asked");
        return 1;
    }
}

/* Waits for something to happen on the ring, until `patience` after `since`. */
static int await(struct store *s, uint64_t since, uint64_t patience)
{
    if (os_now() - since >= patience)
        return -XEN_ETIMEDOUT;
    os_wait(since + patience);
    s->waited = true;
    return 0;
}

/* At the end of what waited: events that were for others have passed meanwhile. */
static int done_waiting(struct store *s, int result)
{
    if (s->waited)
        os_wake();
    s->waited = false;
    return result;
}

/* How long the store may be silent before it is asked for a fresh start. One that knows none is
 * given more time: then the connection is at its end. */
#define STORE_SILENCE (15ull * 1000000000)
static uint64_t patience_with(const struct store *s)
{
    return store_ring_can_restart(&s->ring) ? STORE_SILENCE : STORE_PATIENCE;
}

/* Sends one request and waits for its answer, which is then in ring.in: 0, or what the store
 * answered, or -XEN_ENOTCONN when the stream was lost before an answer. */
static int converse(struct store *s, uint32_t type, store_tx tx, const struct part *parts)
{
    struct xsd_sockmsg header = {.type = type, .tx_id = tx};
    const struct part all[1 + PARTS] = {{&header, sizeof(header)}, parts[0], parts[1], parts[2]};
    uint64_t since = os_now();

    if (++s->last_req_id == 0)
        s->last_req_id = 1;
    header.req_id = s->last_req_id;
    for (int i = 0; i < PARTS; i++)
        header.len += (uint32_t)parts[i].len;
    for (int i = 0; i < 1 + PARTS; i++) {
        size_t done = 0;
        while (done < all[i].len) {
            long n = store_ring_send(&s->ring, (const char *)all[i].data + done, all[i].len - done);
            if (n < 0)
                return lose(s, "the store's place in the ring makes no sense");
            done += (size_t)n;
            if (n > 0)
                continue;
            if (take(s, type, 0) < 0)
                return -XEN_ENOTCONN;
            if (await(s, since, patience_with(s)) != 0)
                return lose(s, "the store takes no requests");
        }
    }
    for (;;) {
        int got = take(s, type, header.req_id);
        if (got < 0)
            return got;
        if (got > 0)
            break;
        if (await(s, since, patience_with(s)) != 0)
            return lose(s, "the store does not answer");
    }
    s->heard = os_now();
    return s->ring.in.header.type == XS_ERROR ? -error_number(s->ring.in.body) : 0;
}

static int exchange_once(struct store *s, uint32_t type, store_tx tx, const struct part *parts)
{
    return done_waiting(s, converse(s, type, tx, parts));
}

static int send_watch(struct store *s, uint32_t type, const struct store_watch *w)
{
    char token[12];
    int n = snprintf(token, sizeof(token), "%u", w->id);
    const struct part parts[PARTS] = {{w->path, strlen(w->path) + 1}, {token, (size_t)n + 1}};

    return exchange_once(s, type, STORE_NO_TX, parts);
}

/* A fresh start: both rings empty, watches set again. -XEN_ENOTCONN when it was lost again. */
static int reconnect(struct store *s)
{
    uint64_t since = os_now();

    if (!store_ring_can_restart(&s->ring)) {
        os_log("store: the connection is broken, and this store cannot start it afresh");
        s->broken = true;
        return -XEN_EIO;
    }
    store_ring_ask_restart(&s->ring);
    while (!store_ring_restarted(&s->ring))
        if (await(s, since, STORE_PATIENCE) != 0)
            return done_waiting(s, -XEN_ETIMEDOUT);
    (void)done_waiting(s, 0);
    s->lost = false;
    s->epoch++;
    for (struct store_watch *w = s->watches; w != NULL; w = w->next) {
        int err = send_watch(s, XS_WATCH, w);
        if (err == -XEN_ENOTCONN)
            return err;
        if (err != 0)
            os_log("store: the watch of %s could not be set again (error %d)", w->path, -err);
        w->fired = true; /* something may have been missed */
    }
    return 0;
}

/* as often as a stream may be lost in the course of one request before it is given up */
#define STORE_TRIES 4

static int connected(struct store *s)
{
    int err = -XEN_EIO;

    for (int i = 0; i < STORE_TRIES && !s->broken; i++) {
        err = s->lost ? reconnect(s) : 0;
        if (err != -XEN_ENOTCONN)
            return err;
    }
    return s->broken ? -XEN_EIO : err;
}

static int exchange(struct store *s, uint32_t type, store_tx tx, const struct part *parts)
{
    size_t len = 0;

    for (int i = 0; i < PARTS; i++)
        len += parts[i].len;
    if (len > XENSTORE_PAYLOAD_MAX)
        return -XEN_E2BIG;
    for (int i = 0; i < STORE_TRIES; i++) {
        int err = connected(s);
        if (err == 0 && tx != STORE_NO_TX && s->tx_epoch != s->epoch)
            return -XEN_EAGAIN;
        if (err == 0)
            err = exchange_once(s, type, tx, parts);
        if (err != -XEN_ENOTCONN)
            return err;
    }
    return -XEN_EIO;
}

static int exchange_path(struct store *s, uint32_t type, store_tx tx, const char *path)
{
    const struct part parts[PARTS] = {{path, strlen(path) + 1}};

    return exchange(s, type, tx, parts);
}

int store_open(struct store **out)
{
    struct store *s = os_alloc(sizeof(*s));

    if (s == NULL)
        return -XEN_ENOMEM;
    int err = store_ring_open(&s->ring);
    if (err != 0) {
        os_free(s);
        return err;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    store_ring_close(&s->ring);
    os_free(s);
}

/* A copy of the answer's body with `nuls` NULs behind it. */
static int answer(const struct store *s, size_t nuls, char **value, size_t *len)
{
    size_t n = s->ring.in.header.len;
    char *copy = os_alloc(n + nuls);

    if (copy == NULL)
        return -XEN_ENOMEM;
    memcpy(copy, s->ring.in.body, n);
    *value = copy;
    if (len != NULL)
        *len = n;
    return 0;
}

int store_read(struct store *s, store_tx tx, const char *path, char **value, size_t *len)
{
    int err = exchange_path(s, XS_READ, tx, path);

    return err != 0 ? err : answer(s, 1, value, len);
}

static int join(char *path, size_t size, const char *dir, const char *node)
{
    int n = snprintf(path, size, "%s/%s", dir, node);

    return n < 0 || (size_t)n >= size ? -XEN_E2BIG : 0;
}

int store_read_u64(struct store *s, store_tx tx, const char *dir, const char *node, uint64_t *value)
{
    char path[STORE_WATCH_PATH];
    int err = join(path, sizeof(path), dir, node);

    if (err == 0)
        err = exchange_path(s, XS_READ, tx, path);
    if (err != 0)
        return err;
    return parse_number(s->ring.in.body, s->ring.in.header.len, value) ? 0 : -XEN_EINVAL;
}

int store_write(struct store *s, store_tx tx, const char *path, const void *value, size_t len)
{
    const struct part parts[PARTS] = {{path, strlen(path) + 1}, {value, len}};

    return exchange(s, XS_WRITE, tx, parts);
}

int store_printf(struct store *s, store_tx tx, const char *dir, const char *node,
                 const char *format, ...)
{
    char path[STORE_WATCH_PATH], text[256];
    va_list args;
    int err = join(path, sizeof(path), dir, node);

    if (err != 0)
        return err;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text))
        return -XEN_E2BIG;
    return store_write(s, tx, path, text, (size_t)n);
}

int store_mkdir(struct store *s, store_tx tx, const char *path)
{
    return exchange_path(s, XS_MKDIR, tx, path);
}

int store_rm(struct store *s, store_tx tx, const char *path)
{
    return exchange_path(s, XS_RM, tx, path);
}

int store_list(struct store *s, store_tx tx, const char *path, char **names, size_t *len)
{
    int err = exchange_path(s, XS_DIRECTORY, tx, path);

    /* two: the last name's, if the store left it out, and the empty name's */
    return err != 0 ? err : answer(s, 2, names, len);
}

int store_begin(struct store *s, store_tx *tx)
{
    uint64_t id = 0;
    int err = exchange_path(s, XS_TRANSACTION_START, STORE_NO_TX, "");
    const struct store_message *m = &s->ring.in;

    if (err != 0)
        return err;
    size_t len = m->header.len;
    if (len > 0 && m->body[len - 1] == '\0')
        len--;
    if (!parse_number(m->body, len, &id) || id == STORE_NO_TX || id > UINT32_MAX)
        return -XEN_EIO;
    *tx = (store_tx)id;
    s->tx_epoch = s->epoch;
    return 0;
}

int store_end(struct store *s, store_tx tx, bool commit)
{
    return exchange_path(s, XS_TRANSACTION_END, tx, commit ? "T" : "F");
}

int store_transact(struct store *s, int (*step)(struct store *s, store_tx tx, void *context),
                   void *context)
{
    int err = -XEN_EAGAIN;

    for (int i = 0; i < STORE_TX_TRIES && err == -XEN_EAGAIN; i++) {
        store_tx tx;
        err = store_begin(s, &tx);
        if (err != 0)
            continue;
        err = step(s, tx, context);
        int end = store_end(s, tx, err == 0);
        if (err == 0)
            err = end;
    }
    return err;
}

int store_watch(struct store *s, struct store_watch *w, const char *path)
{
    if (strlen(path) >= sizeof(w->path))
        return -XEN_E2BIG;
    memcpy(w->path, path, strlen(path) + 1);
    w->fired = false;
    w->id = ++s->last_watch_id;
    int err = connected(s);
    if (err != 0)
        return err;
    w->next = s->watches; /* the first event may come before the answer */
    s->watches = w;
    err = send_watch(s, XS_WATCH, w);
    if (err == -XEN_ENOTCONN)
        err = connected(s); /* which sets this one as well */
    if (err != 0)
        s->watches = w->next;
    return err;
}

int store_unwatch(struct store *s, struct store_watch *w)
{
    struct store_watch **at = &s->watches;

    while (*at != NULL && *at != w)
        at = &(*at)->next;
    if (*at == NULL)
        return -XEN_ENOENT;
    *at = w->next;
    int err = s->lost || s->broken ? 0 : send_watch(s, XS_UNWATCH, w);
    return err == -XEN_ENOTCONN ? 0 : err; /* a fresh start knows nothing of it */
}

/*
 * A daemon that starts sends an event and nothing else. If it is a new one without the memory of
 * the old, it takes a watch that it should know already: then all are set again.
 */
static void check_watches(struct store *s)
{
    for (struct store_watch *w = s->watches; w != NULL; w = w->next) {
        int err = send_watch(s, XS_WATCH, w);
        if (err == -XEN_EEXIST || err == -XEN_ENOTCONN)
            return; /* lost: connecting afresh sets them */
        if (err != 0)
            os_log("store: the watch of %s could not be set again (error %d)", w->path, -err);
        w->fired = true;
    }
}

/* An event without a message, this long after the last answer, is not the echo of that answer. */
#define ECHO_TIME 1000000000ull

bool store_fired(struct store *s, struct store_watch *w)
{
    bool signalled = __atomic_exchange_n(&s->ring.signalled, false, __ATOMIC_RELAXED);

    if (!s->lost && !s->broken) {
        s->events = 0;
        (void)take(s, XS_WATCH_EVENT, 0); /* a failure has been noted in s->lost */
        if (signalled && s->events == 0 && !s->lost && os_now() - s->heard > ECHO_TIME)
            check_watches(s);
    }
    if (s->lost)
        (void)connected(s); /* tried again at the next call */
    bool fired = w->fired;
    w->fired = false;
    return fired;
}
