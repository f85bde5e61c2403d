/* SPDX-License-Identifier: MIT */
/*
 * The client's operations: each puts its words into a request and takes the answer apart. Words are
 * NUL-terminated on the wire, but for WRITE's value and READ's answer.
 */
#include "xenstore/client_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct client_part word(const char *text)
{
    return (struct client_part){text, strlen(text) + 1};
}

static int call_words(struct store *s, store_tx tx, uint32_t type, const char *const *words,
                      unsigned n, const char **answer, size_t *len)
{
    struct client_part parts[4];
    if (n > sizeof(parts) / sizeof(parts[0])) {
        errno = E2BIG;
        return -1;
    }
    for (unsigned i = 0; i < n; i++)
        parts[i] = word(words[i]);
    return client_call(s, tx, type, parts, n, answer, len);
}

static int call_path(struct store *s, store_tx tx, uint32_t type, const char *path,
                     const char **answer, size_t *len)
{
    if (strlen(path) > STORE_PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return call_words(s, tx, type, &path, 1, answer, len);
}

/* A copy of len bytes and a NUL. */
static char *copy(const char *data, size_t len)
{
    char *to = malloc(len + 1);
    if (to == NULL)
        return NULL;
    memcpy(to, data, len);
    to[len] = '\0';
    return to;
}

char *store_read(struct store *s, store_tx tx, const char *path, size_t *len)
{
    const char *answer;
    size_t n;
    if (call_path(s, tx, XS_READ, path, &answer, &n) != 0)
        return NULL;
    if (len != NULL)
        *len = n;
    return copy(answer, n);
}

int store_write(struct store *s, store_tx tx, const char *path, const void *value, size_t len)
{
    struct client_part parts[] = {word(path), {value, len}};
    if (strlen(path) > STORE_PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return client_call(s, tx, XS_WRITE, parts, 2, NULL, NULL);
}

int store_mkdir(struct store *s, store_tx tx, const char *path)
{
    return call_path(s, tx, XS_MKDIR, path, NULL, NULL);
}

int store_rm(struct store *s, store_tx tx, const char *path)
{
    return call_path(s, tx, XS_RM, path, NULL, NULL);
}

int store_exists(struct store *s, store_tx tx, const char *path)
{
    if (call_path(s, tx, XS_READ, path, NULL, NULL) == 0)
        return 1;
    return errno == ENOENT ? 0 : -1;
}

/* Makes the array of names from names lying one after the other, each with its NUL. */
static char **split_names(const char *names, size_t len, size_t *n)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += names[i] == '\0';
    char **list = malloc((count + 1) * sizeof(*list) + len);
    if (list == NULL)
        return NULL;
    char *text = (char *)(list + count + 1);
    memcpy(text, names, len);
    for (size_t i = 0; i < count; i++, text += strlen(text) + 1)
        list[i] = text;
    list[count] = NULL;
    if (n != NULL)
        *n = count;
    return list;
}

/* A part of a long list: how far it came, its generation, and whether it was the last. */
struct names {
    char *text;
    size_t len;
    char gen[24];
    bool complete, changed;
};

static int append_part(struct names *all, const char *answer, size_t len)
{
    size_t gen = strnlen(answer, len);
    if (gen >= len || gen >= sizeof(all->gen)) {
        errno = EPROTO;
        return -1;
    }
    if (all->len > 0 && strcmp(all->gen, answer) != 0) {
        all->changed = true;
        return 0;
    }
    strcpy(all->gen, answer);
    answer += gen + 1;
    len -= gen + 1;
    all->complete = len == 0 || (len == 1 && answer[0] == '\0') ||
                    (len >= 2 && answer[len - 1] == '\0' && answer[len - 2] == '\0');
    if (all->complete && len > 0)
        len--;
    char *text = realloc(all->text, all->len + len + 1);
    if (text == NULL)
        return -1;
    memcpy(text + all->len, answer, len);
    all->text = text;
    all->len += len;
    return 0;
}

/* Lists a node whose names do not fit into one answer; starts again when the list changes
 * meanwhile. */
static char **directory_parts(struct store *s, store_tx tx, const char *path, size_t *n)
{
    for (;;) {
        struct names all = {0};
        int err = 0;
        while (err == 0 && !all.complete && !all.changed) {
            char offset[24];
            const char *answer, *words[] = {path, offset};
            size_t len;
            snprintf(offset, sizeof(offset), "%zu", all.len);
            if (call_words(s, tx, XS_DIRECTORY_PART, words, 2, &answer, &len) != 0 ||
                append_part(&all, answer, len) != 0)
                err = errno;
        }
        char **list = all.complete ? split_names(all.text, all.len, n) : NULL;
        free(all.text);
        if (all.changed && err == 0)
            continue;
        if (err != 0)
            errno = err;
        return list;
    }
}

char **store_directory(struct store *s, store_tx tx, const char *path, size_t *n)
{
    const char *answer;
    size_t len;
    if (call_path(s, tx, XS_DIRECTORY, path, &answer, &len) == 0)
        return split_names(answer, len, n);
    return errno == E2BIG ? directory_parts(s, tx, path, n) : NULL;
}

void store_perm_text(const struct store_perm *perm, char *text)
{
    sprintf(text, "%c%" PRIu32, "nrwb"[perm->access & STORE_BOTH], perm -> domid);
}

int store_perm_parse(const char *text, struct store_perm *perm)
{
    static const char letters[] = "nrwb";
    const char *letter = text[0] != '\0' ? strchr(letters, text[0]) : NULL;
    char *end = NULL;
    errno = 0;
    unsigned long domid =
        letter != NULL && text[1] >= '0' && text[1] <= '9' ? strtoul(text + 1, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0 || domid > UINT16_MAX) {
        errno = EINVAL;
        return -1;
    }
    *perm = (struct store_perm){.domid = (uint32_t)domid, .access = (unsigned)(letter - letters)};
    return 0;
}

struct store_perm *store_get_perms(struct store *s, store_tx tx, const char *path, size_t *n)
{
    const char *answer;
    size_t len;
    if (call_path(s, tx, XS_GET_PERMS, path, &answer, &len) != 0)
        return NULL;
    struct store_perm *perms = calloc(len / 3 + 1, sizeof(*perms));
    if (perms == NULL)
        return NULL;
    size_t count = 0;
    for (size_t at = 0; at < len && count < len / 3 + 1; at += strlen(answer + at) + 1)
        if (store_perm_parse(answer + at, &perms[count++]) != 0)
            count = len; /* not an answer */
    if (count == 0 || count >= len) {
        free(perms);
        errno = EPROTO;
        return NULL;
    }
    if (n != NULL)
        *n = count;
    return perms;
}

int store_set_perms(struct store *s, store_tx tx, const char *path, const struct store_perm *perms,
                    size_t n)
{
    char text[XENSTORE_PAYLOAD_MAX];
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (len > sizeof(text) - 16) {
            errno = E2BIG;
            return -1;
        }
        store_perm_text(&perms[i], text + len);
        len += strlen(text + len) + 1;
    }
    struct client_part parts[] = {word(path), {text, len}};
    return client_call(s, tx, XS_SET_PERMS, parts, 2, NULL, NULL);
}

int store_watch(struct store *s, const char *path, const char *token)
{
    return call_words(s, STORE_NO_TX, XS_WATCH, (const char *[]){path, token}, 2, NULL, NULL);
}

int store_unwatch(struct store *s, const char *path, const char *token)
{
    return call_words(s, STORE_NO_TX, XS_UNWATCH, (const char *[]){path, token}, 2, NULL, NULL);
}

store_tx store_begin(struct store *s)
{
    const char *answer;
    if (call_words(s, STORE_NO_TX, XS_TRANSACTION_START, (const char *[]){""}, 1, &answer, NULL) !=
        0)
        return STORE_NO_TX;
    unsigned long tx = strtoul(answer, NULL, 10);
    if (tx == 0 || tx > UINT32_MAX) {
        errno = EPROTO;
        return STORE_NO_TX;
    }
    return (store_tx)tx;
}

int store_end(struct store *s, store_tx tx)
{
    return call_words(s, tx, XS_TRANSACTION_END, (const char *[]){"T"}, 1, NULL, NULL);
}

void store_abort(struct store *s, store_tx tx)
{
    int err =
        errno; /* what happened before is what matters; an abort that fails leaves nothing to do */
    call_words(s, tx, XS_TRANSACTION_END, (const char *[]){"F"}, 1, NULL, NULL);
    errno = err;
}

int store_transact(struct store *s, int (*step)(struct store *s, store_tx tx, void *arg), void *arg)
{
    for (;;) {
        store_tx tx = store_begin(s);
        if (tx == STORE_NO_TX)
            return -1;
        int rc = step(s, tx, arg);
        if (rc != 0) {
            store_abort(s, tx);
            return rc;
        }
        if (store_end(s, tx) == 0)
            return 0;
        if (errno != EAGAIN)
            return -1;
    }
}

static int call_domain(struct store *s, uint32_t type, uint32_t domid, const char **answer)
{
    char text[12];
    snprintf(text, sizeof(text), "%" PRIu32, domid);
    return call_words(s, STORE_NO_TX, type, (const char *[]){text}, 1, answer, NULL);
}

int store_introduce(struct store *s, uint32_t domid, uint64_t gfn, uint32_t evtchn)
{
    char a[12], b[24], c[12];
    snprintf(a, sizeof(a), "%" PRIu32, domid);
    snprintf(b, sizeof(b), "%" PRIu64, gfn);
    snprintf(c, sizeof(c), "%" PRIu32, evtchn);
    return call_words(s, STORE_NO_TX, XS_INTRODUCE, (const char *[]){a, b, c}, 3, NULL, NULL);
}

int store_release(struct store *s, uint32_t domid)
{
    return call_domain(s, XS_RELEASE, domid, NULL);
}

int store_resume(struct store *s, uint32_t domid)
{
    return call_domain(s, XS_RESUME, domid, NULL);
}

int store_set_target(struct store *s, uint32_t domid, uint32_t target)
{
    char a[12], b[12];
    snprintf(a, sizeof(a), "%" PRIu32, domid);
    snprintf(b, sizeof(b), "%" PRIu32, target);
    return call_words(s, STORE_NO_TX, XS_SET_TARGET, (const char *[]){a, b}, 2, NULL, NULL);
}

int store_is_introduced(struct store *s, uint32_t domid)
{
    const char *answer;
    if (call_domain(s, XS_IS_DOMAIN_INTRODUCED, domid, &answer) != 0)
        return -1;
    return answer[0] == 'T';
}

char *store_domain_path(struct store *s, uint32_t domid)
{
    const char *answer;
    if (call_domain(s, XS_GET_DOMAIN_PATH, domid, &answer) != 0)
        return NULL;
    return copy(answer, strlen(answer));
}

int store_reset_watches(struct store *s)
{
    return call_words(s, STORE_NO_TX, XS_RESET_WATCHES, (const char *[]){""}, 1, NULL, NULL);
}

char *store_control(struct store *s, const char *const *words, size_t n)
{
    struct client_part parts[64];
    const char *answer;
    size_t len;
    if (n > sizeof(parts) / sizeof(parts[0])) {
        errno = E2BIG;
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        parts[i] = word(words[i]);
    if (client_call(s, STORE_NO_TX, XS_CONTROL, parts, (unsigned)n, &answer, &len) != 0)
        return NULL;
    return copy(answer, len);
}
