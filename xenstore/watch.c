/* SPDX-License-Identifier: MIT */
/* The table of watched paths: registration, look-up of a change's path and all above it, delivery
 * in order. */
#include "xenstore/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/storage.h"

#define HASH_SEED 2166136261u
#define MAX_DEPTH (XENSTORE_ABS_PATH_MAX / 2 + 2)

static uint32_t hash_step(uint32_t h, char c)
{
    return (h ^ (unsigned char)c) * 16777619u;
}

static uint32_t hash_path(const char *path, size_t len)
{
    uint32_t h = HASH_SEED;
    for (size_t i = 0; i < len; i++)
        h = hash_step(h, path[i]);
    return h;
}

static struct watch_point *point_find(const struct watch_table *t, const char *path, size_t len,
                                      uint32_t hash)
{
    if (t->buckets == 0)
        return NULL;
    struct watch_point *p = t->bucket[hash & (t->buckets - 1)];
    while (p != NULL && (p->hash != hash || p->len != len || memcmp(p->path, path, len) != 0))
        p = p->next;
    return p;
}

static int table_grow(struct watch_table *t)
{
    size_t buckets = t->buckets == 0 ? 64 : t->buckets * 2;
    struct watch_point **bucket = calloc(buckets, sizeof(*bucket));
    if (bucket == NULL)
        return ENOMEM;
    for (size_t i = 0; i < t->buckets; i++)
        while (t->bucket[i] != NULL) {
            struct watch_point *p = t->bucket[i];
            t->bucket[i] = p->next;
            p->next = bucket[p->hash & (buckets - 1)];
            bucket[p->hash & (buckets - 1)] = p;
        }
    free(t->bucket);
    t->bucket = bucket;
    t->buckets = buckets;
    return 0;
}

static struct watch_point *point_get(struct watch_table *t, const char *path, size_t len)
{
    uint32_t hash = hash_path(path, len);
    struct watch_point *p = point_find(t, path, len, hash);
    if (p != NULL || (t->points >= t->buckets && table_grow(t) != 0))
        return p;
    p = malloc(sizeof(*p) + len + 1);
    if (p == NULL)
        return NULL;
    *p = (struct watch_point){.end = &p->first, .hash = hash, .len = (uint32_t)len};
    memcpy(p->path, path, len);
    p->path[len] = '\0';
    p->next = t->bucket[hash & (t->buckets - 1)];
    t->bucket[hash & (t->buckets - 1)] = p;
    t->points++;
    return p;
}

static void point_drop_if_empty(struct watch_table *t, struct watch_point *p)
{
    if (p->first != NULL)
        return;
    struct watch_point **at = &t->bucket[p->hash & (t->buckets - 1)];
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    t->points--;
    free(p);
}

static size_t watch_bytes(const struct watch *w)
{
    return sizeof(*w) + sizeof(*w->point) + w->point->len + strlen(w->token);
}

static struct watch **find_watch(struct session *s, const char *path, size_t len, const char *token)
{
    struct watch **at = &s->watches;
    while (*at != NULL && ((*at)->point->len != len || memcmp((*at)->point->path, path, len) != 0 ||
                           strcmp((*at)->token, token) != 0))
        at = &(*at)->next_of_session;
    return at;
}

int watch_add(struct session *s, const char *path, size_t len, const char *token, bool relative)
{
    struct watch_table *t = &s->st->watches;
    const struct limits *limits = &s->st->limits;
    size_t token_len = strlen(token);
    size_t longest = limits->path_max + (relative ? 0 : sizeof("/local/domain/65535/") - 1);
    if (*find_watch(s, path, len, token) != NULL)
        return EEXIST;
    if (token_len + longest + 2 > XENSTORE_PAYLOAD_MAX)
        return E2BIG;
    if (!s->who.privileged && (s->account->watches >= limits->watches ||
                               s->account->memory + len + token_len > limits->memory))
        return ENOSPC;
    struct watch *w = malloc(sizeof(*w) + token_len + 1);
    if (w == NULL)
        return ENOMEM;
    struct watch_point *p = point_get(t, path, len);
    if (p == NULL) {
        free(w);
        return ENOMEM;
    }
    *w = (struct watch){.session = s, .point = p, .serial = ++t->serial, .relative = relative};
    memcpy(w->token, token, token_len + 1);
    *p->end = w;
    p->end = &w->next_of_point;
    *s->watches_end = w;
    s->watches_end = &w->next_of_session;
    s->account->watches++;
    s->account->memory += watch_bytes(w);
    return 0;
}

static void remove_at(struct session *s, struct watch **at)
{
    struct watch *w = *at;
    struct watch_point *p = w->point;
    struct watch **of_point = &p->first;
    s->account->watches--;
    s->account->memory -= watch_bytes(w);
    while (*of_point != w)
        of_point = &(*of_point)->next_of_point;
    *of_point = w->next_of_point;
    if (p->end == &w->next_of_point)
        p->end = of_point;
    *at = w->next_of_session;
    if (s->watches_end == &w->next_of_session)
        s->watches_end = at;
    free(w);
    point_drop_if_empty(&s->st->watches, p);
}

int watch_remove(struct session *s, const char *path, size_t len, const char *token)
{
    struct watch **at = find_watch(s, path, len, token);
    if (*at == NULL)
        return ENOENT;
    remove_at(s, at);
    return 0;
}

void watch_remove_all(struct session *s)
{
    while (s->watches != NULL)
        remove_at(s, &s->watches);
}

void watch_first_event(struct session *s, const char *path, const char *token)
{
    s->deliver(s, path, token, NULL);
}

static bool may_see(const struct session *s, const struct change *c)
{
    const struct perms *list[] = {c->before, c->now, c->parent};
    for (unsigned i = 0; i < 3; i++)
        if (list[i] != NULL && (perms_of(list[i], &s->who) & PERM_READ) != 0)
            return true;
    return false;
}

static void deliver(const struct watch *w, const struct change *c, struct account *cause)
{
    struct session *s = w->session;
    if (s->who.privileged || may_see(s, c))
        s->deliver(s, c->path + (w->relative ? s->home_len + 1 : 0), w->token, cause);
}

/* The lists of watches on the path and, unless exact, on each path above it. */
static unsigned heads(const struct watch_table *t, const struct change *c, struct watch **head)
{
    unsigned n = 0;
    uint32_t h = HASH_SEED;
    struct watch_point *p;
    for (size_t i = 0; i < c->len; i++) {
        if (!c->exact && i > 0 && c->path[i] == '/' && (p = point_find(t, c->path, i, h)) != NULL)
            head[n++] = p->first;
        h = hash_step(h, c->path[i]);
        if (!c->exact && i == 0 && c->len > 1 && c->path[0] == '/' &&
            (p = point_find(t, "/", 1, h)) != NULL)
            head[n++] = p->first;
    }
    if ((p = point_find(t, c->path, c->len, h)) != NULL)
        head[n++] = p->first;
    return n;
}

void watch_fire(struct watch_table *t, const struct change *c, struct account *cause)
{
    struct watch *head[MAX_DEPTH];
    unsigned n = heads(t, c, head);
    for (;;) { /* merge: each list is in order of registration */
        struct watch **next = NULL;
        for (unsigned i = 0; i < n; i++)
            if (head[i] != NULL && (next == NULL || head[i]->serial < (*next)->serial))
                next = &head[i];
        if (next == NULL)
            return;
        deliver(*next, c, cause);
        *next = (*next)->next_of_point;
    }
}

void watch_table_free(struct watch_table *t)
{
    free(t->bucket);
    *t = (struct watch_table){0};
}
